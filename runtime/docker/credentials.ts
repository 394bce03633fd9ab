import { spawn } from 'node:child_process';
import type { DockerConfig } from './config.ts';

/** What is known for one registry: a password, an identity token (no user name), a ready bearer token, or nothing. */
export interface RegistryCredentials {
  readonly username: string;
  readonly secret: string;
  /** Sent to the registry as it is; set by hand in a few CI systems. */
  readonly registryToken: string;
}

const ANONYMOUS: RegistryCredentials = { username: '', secret: '', registryToken: '' };

/** The key under which Docker keeps what belongs to Docker Hub, whatever host it is reached by. */
const HUB_KEY = 'https://index.docker.io/v1/';
const HUB_HOSTS = new Set(['registry-1.docker.io', 'docker.io', 'index.docker.io']);

/** A helper that asks a keychain may wait for a person; one that hangs must not hold a build for ever. */
const HELPER_MS = 60_000;

/** Long enough for one build, shorter than what short-lived helpers hand out (buildx caches as long). */
const CACHE_MS = 290_000;

/** The user name that marks a secret as an identity token (docker/docker-credential-helpers). */
const TOKEN_USER = '<token>';

/** A credential helper that is named but does not do its work. Its output is not repeated: it may hold secrets. */
export class CredentialHelperFailed extends Error {
  constructor(helper: string, why: string) {
    super(`credential helper docker-credential-${helper} ${why}`);
    this.name = 'CredentialHelperFailed';
  }
}

/**
 * Finds the credentials of registries in a Docker configuration: the host's helper, else the default helper, else the
 * file itself (docker/cli `cli/config/configfile`). Answers are kept for some minutes.
 */
export class CredentialStore {
  readonly #config: DockerConfig;
  readonly #env: ReadonlyMap<string, string>;
  readonly #known = new Map<string, { readonly at: number; readonly answer: Promise<RegistryCredentials> }>();

  /** `env`: what helpers are run with. */
  constructor(config: DockerConfig, env: ReadonlyMap<string, string>) {
    this.#config = config;
    this.#env = env;
  }

  /** Never fails for a registry nobody knows. Throws {@link CredentialHelperFailed}. */
  find(host: string, { signal }: { signal: AbortSignal }): Promise<RegistryCredentials> {
    const known = this.#known.get(host);
    if (known && Date.now() - known.at < CACHE_MS) return known.answer;
    const answer = this.#look(host, signal);
    this.#known.set(host, { at: Date.now(), answer });
    answer.catch(() => this.#known.delete(host));
    return answer;
  }

  async #look(host: string, signal: AbortSignal): Promise<RegistryCredentials> {
    const key = HUB_HOSTS.has(host) ? HUB_KEY : host;
    const helper = this.#config.credHelpers[key] ?? this.#config.credHelpers[host] ?? this.#config.credsStore;
    if (helper !== '') {
      const found = await askHelper(helper, key, { env: this.#env, signal });
      if (found) return found;
    }
    const stored = this.#config.auths[key] ?? this.#storedByHost(key);
    if (!stored) return ANONYMOUS;
    if (stored.identityToken !== '')
      return { username: '', secret: stored.identityToken, registryToken: stored.registryToken };
    return { username: stored.username, secret: stored.password, registryToken: stored.registryToken };
  }

  /** Keys may carry a scheme and a path (`https://host/v1/`). */
  #storedByHost(key: string): DockerConfig['auths'][string] | undefined {
    const wanted = hostOf(key);
    return Object.entries(this.#config.auths).find(([name]) => hostOf(name) === wanted)?.[1];
  }
}

function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').split('/')[0] ?? key;
}

async function askHelper(
  helper: string,
  server: string,
  { env, signal }: { readonly env: ReadonlyMap<string, string>; readonly signal: AbortSignal },
): Promise<RegistryCredentials | undefined> {
  if (!/^[\w.-]+$/.test(helper)) throw new CredentialHelperFailed(helper, 'has a name that is no program');
  const child = spawn(`docker-credential-${helper}`, ['get'], {
    env: Object.fromEntries(env),
    stdio: ['pipe', 'pipe', 'ignore'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(HELPER_MS)]),
  });
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly code: number | null; readonly out: string }>();
  const out: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stdin.on('error', () => undefined);
  child.once('error', (error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'is not installed' : `did not run: ${error.message}`;
    reject(new CredentialHelperFailed(helper, why));
  });
  child.once('close', (code) => resolve({ code, out: Buffer.concat(out).toString('utf8') }));
  child.stdin.end(server);
  const answer = await promise;
  if (answer.code !== 0) {
    if (answer.out.includes('credentials not found')) return undefined;
    throw new CredentialHelperFailed(helper, `ended with exit code ${answer.code}`);
  }
  const parsed = parseAnswer(answer.out);
  if (!parsed) throw new CredentialHelperFailed(helper, 'gave an answer that is not JSON with Username and Secret');
  return { username: parsed.username === TOKEN_USER ? '' : parsed.username, secret: parsed.secret, registryToken: '' };
}

function parseAnswer(text: string): { readonly username: string; readonly secret: string } | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== 'object' || json === null) return undefined;
    const { Username: username, Secret: secret } = json as { readonly Username?: unknown; readonly Secret?: unknown };
    return typeof username === 'string' && typeof secret === 'string' ? { username, secret } : undefined;
  } catch {
    return undefined;
  }
}
