import { spawn } from 'node:child_process';
import type { DockerConfig, StoredAuth } from './config.ts';

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

/** Credentials are some hundred bytes, tokens some thousand. */
const MAX_ANSWER_BYTES = 1024 * 1024;

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
 * Finds the credentials of registries in a Docker configuration: those of `DOCKER_AUTH_CONFIG`, else what the host's helper
 * says, else the default helper, else the file itself (docker/cli `cli/config/configfile`). Where there is a helper, of
 * the file only a ready token counts. Answers are kept for some minutes.
 */
export class CredentialStore {
  readonly #config: DockerConfig;
  readonly #env: ReadonlyMap<string, string>;
  readonly #helperMs: number;
  readonly #known = new Map<string, { readonly at: number; readonly answer: Promise<RegistryCredentials> }>();

  /** `env`: what helpers are run with; `helperMs`: how long one may take (60,000). */
  constructor(
    config: DockerConfig,
    env: ReadonlyMap<string, string>,
    { helperMs = HELPER_MS }: { readonly helperMs?: number } = {},
  ) {
    this.#config = config;
    this.#env = env;
    this.#helperMs = helperMs;
  }

  /** The program that is asked for a registry's credentials; undefined when it is only looked up. */
  helperOf(host: string): string | undefined {
    const key = keyOf(host);
    const helper = this.#config.given.has(key) ? '' : this.#helper(key);
    return helper === '' ? undefined : `docker-credential-${helper}`;
  }

  /**
   * Never fails for a registry nobody knows. Throws {@link CredentialHelperFailed}; a helper that failed is not asked for
   * the same registry again, however often the builder tries.
   */
  find(host: string, { signal }: { signal: AbortSignal }): Promise<RegistryCredentials> {
    const known = this.#known.get(host);
    if (known && Date.now() - known.at < CACHE_MS) return known.answer;
    const answer = this.#look(host, signal);
    this.#known.set(host, { at: Date.now(), answer });
    answer.catch(() => signal.aborted && this.#known.delete(host));
    return answer;
  }

  async #look(host: string, signal: AbortSignal): Promise<RegistryCredentials> {
    const key = keyOf(host);
    const given = this.#config.given.get(key);
    if (given !== undefined) return credentialsIn(given);
    const stored = this.#config.auths.get(key) ?? this.#storedByHost(key);
    const helper = this.#helper(key);
    if (helper === '') return stored === undefined ? ANONYMOUS : credentialsIn(stored);
    const found = await askHelper(helper, key, { env: this.#env, limitMs: this.#helperMs, signal });
    return { ...(found ?? ANONYMOUS), registryToken: stored?.registryToken ?? '' };
  }

  #helper(key: string): string {
    const { credHelpers, credsStore } = this.#config;
    return credHelpers.get(key) ?? credsStore;
  }

  /** Keys may carry a scheme and a path (`https://host/v1/`). */
  #storedByHost(key: string): StoredAuth | undefined {
    return [...this.#config.auths].find(([name]) => hostOf(name) === key)?.[1];
  }
}

function credentialsIn({ username, password, identityToken, registryToken }: StoredAuth): RegistryCredentials {
  return identityToken === ''
    ? { username, secret: password, registryToken }
    : { username: '', secret: identityToken, registryToken };
}

function keyOf(host: string): string {
  return HUB_HOSTS.has(host) ? HUB_KEY : host;
}

function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').split('/')[0] ?? key;
}

async function askHelper(
  helper: string,
  server: string,
  {
    env,
    limitMs,
    signal,
  }: { readonly env: ReadonlyMap<string, string>; readonly limitMs: number; readonly signal: AbortSignal },
): Promise<RegistryCredentials | undefined> {
  if (!/^[\w.-]+$/.test(helper)) throw new CredentialHelperFailed(helper, 'has a name that is no program');
  const late = AbortSignal.timeout(limitMs);
  const child = spawn(`docker-credential-${helper}`, ['get'], {
    env: Object.fromEntries(env),
    stdio: ['pipe', 'pipe', 'ignore'],
    signal: AbortSignal.any([signal, late]),
    killSignal: 'SIGKILL',
  });
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly code: number | null; readonly out: string }>();
  const giveUp = (why: string): void => {
    child.kill('SIGKILL');
    child.stdout.destroy();
    reject(new CredentialHelperFailed(helper, why));
  };
  const out: Buffer[] = [];
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    out.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) giveUp(`wrote more than ${MAX_ANSWER_BYTES / 1024 / 1024} MB and was stopped`);
  });
  child.stdin.on('error', () => undefined);
  child.once('error', (error: NodeJS.ErrnoException) => {
    if (late.aborted) giveUp(`did not answer for ${server} in ${limitMs / 1000} seconds`);
    else giveUp(error.code === 'ENOENT' ? 'is not installed' : `did not run: ${error.message}`);
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
