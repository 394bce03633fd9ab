import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Result } from '../../../planner/result.ts';
import { fail, ok } from '../../../planner/result.ts';
import type { Endpoint, TlsFiles } from '../../buildkit/endpoint.ts';
import type { DockerEndpoint } from '../../docker/http.ts';
import type { Unsupported } from '../../failure.ts';
import type { Environment } from './facts.ts';

/** Where a BuildKit listens by itself. */
export const BUILDKIT_PORT = 1234;

const DEFAULT_DOCKER = 'unix:///var/run/docker.sock';

/** An address the user gave (or the default), and who gave it. */
export interface Address<E extends Endpoint> {
  readonly endpoint: E;
  /** As it was written: `tcp://builder:1234`. */
  readonly text: string;
  /** `BUILDKIT_HOST`, `DOCKER_HOST`, `the Docker context "x"`; absent when nobody asked for it. */
  readonly askedBy?: string;
}

/** A BuildKit that is reached by itself. */
export type BuildkitEndpoint = Extract<Endpoint, { readonly kind: 'unix' | 'tcp' }>;

/**
 * The daemon that `BUILDKIT_HOST` names: `unix:///path` or `tcp://host:port`; undefined when it is not set.
 *
 * For mutual TLS on tcp, `BUILDKIT_TLS_DIR` names a folder with ca.pem, cert.pem and key.pem (buildctl's `--tlsdir`), or
 * `BUILDKIT_TLS_CA`, `BUILDKIT_TLS_CERT` and `BUILDKIT_TLS_KEY` name the files one by one; `BUILDKIT_TLS_SERVER_NAME` is
 * the name the daemon's certificate is checked against. With none of them the connection is plain.
 */
export async function buildkitHost(
  env: Environment,
): Promise<Result<Address<BuildkitEndpoint> | undefined, Unsupported>> {
  const text = env['BUILDKIT_HOST'];
  if (text === undefined || text === '') return ok(undefined);
  const parsed = parseAddress(text, { what: 'BUILDKIT_HOST', defaultPort: BUILDKIT_PORT });
  if (!parsed.ok) return parsed;
  if (parsed.value.kind === 'unix') return ok({ endpoint: parsed.value, text, askedBy: 'BUILDKIT_HOST' });

  const folder = env['BUILDKIT_TLS_DIR'] || undefined;
  const named = (variable: string, file: string): string | undefined =>
    env[variable] || (folder === undefined ? undefined : join(folder, file));
  const files = {
    ca: named('BUILDKIT_TLS_CA', 'ca.pem'),
    cert: named('BUILDKIT_TLS_CERT', 'cert.pem'),
    key: named('BUILDKIT_TLS_KEY', 'key.pem'),
  };
  const serverName = env['BUILDKIT_TLS_SERVER_NAME'] || undefined;
  if (Object.values(files).every((file) => file === undefined) && serverName === undefined) {
    return ok({ endpoint: parsed.value, text, askedBy: 'BUILDKIT_HOST' });
  }
  const tls = await readTls(files, 'BUILDKIT_HOST');
  if (!tls.ok) return tls;
  const endpoint = { ...parsed.value, tls: { ...tls.value, ...(serverName === undefined ? {} : { serverName }) } };
  return ok({ endpoint, text, askedBy: 'BUILDKIT_HOST' });
}

/**
 * The Docker Engine that the docker command would talk to: `DOCKER_HOST`, else the context of `DOCKER_CONTEXT` or of
 * config.json's `currentContext`, else the default socket (docker/cli `cli/command/cli.go`).
 */
export async function dockerHost(env: Environment): Promise<Result<Address<DockerEndpoint>, Unsupported>> {
  const config = dockerConfigFolder(env);
  const host = env['DOCKER_HOST'];
  if (host !== undefined && host !== '') return await fromDockerHost(host, config, env);
  const context = env['DOCKER_CONTEXT'] || (await currentContext(config));
  if (context !== undefined && context !== 'default') {
    const hint = `It is not among the contexts in ${config}; see \`docker context ls\`.`;
    return (await contextAddress(context, config)) ?? unsupported(`the Docker context "${context}"`, hint);
  }
  return ok({ endpoint: { kind: 'docker-unix', path: DEFAULT_DOCKER.slice('unix://'.length) }, text: DEFAULT_DOCKER });
}

/** Docker's own folder of settings: `$DOCKER_CONFIG`, else `~/.docker`. */
export function dockerConfigFolder(env: Environment): string {
  return env['DOCKER_CONFIG'] ?? join(env['HOME'] ?? '/', '.docker');
}

async function fromDockerHost(
  text: string,
  config: string,
  env: Environment,
): Promise<Result<Address<DockerEndpoint>, Unsupported>> {
  const verify = Boolean(env['DOCKER_TLS_VERIFY']);
  if (!verify && env['DOCKER_TLS']) {
    return unsupported(
      'DOCKER_TLS without DOCKER_TLS_VERIFY',
      'Set DOCKER_TLS_VERIFY=1: a daemon is only used when its certificate can be checked.',
    );
  }
  const askedBy = 'DOCKER_HOST';
  const ssh = sshAddress(text, askedBy);
  if (ssh !== undefined) return ssh;
  const parsed = parseAddress(text, { what: 'DOCKER_HOST', defaultPort: verify ? 2376 : 2375 });
  if (!parsed.ok) return parsed;
  if (parsed.value.kind === 'unix')
    return ok({ endpoint: { kind: 'docker-unix', path: parsed.value.path }, text, askedBy });
  const { host, port } = parsed.value;
  if (!verify) return ok({ endpoint: { kind: 'docker-tcp', host, port }, text, askedBy });
  const tls = await readTls(pemFiles(env['DOCKER_CERT_PATH'] || config), askedBy);
  return tls.ok ? ok({ endpoint: { kind: 'docker-tcp', host, port, tls: tls.value }, text, askedBy }) : tls;
}

/** The part of a context's meta.json that matters (docker/cli `cli/context/store`). */
interface ContextMeta {
  readonly Endpoints?: { readonly docker?: { readonly Host?: string; readonly SkipTLSVerify?: boolean } };
}

/** Where the Docker context of a name leads; undefined when there is none in the configuration. */
export async function contextAddress(
  name: string,
  config: string,
): Promise<Result<Address<DockerEndpoint>, Unsupported> | undefined> {
  const askedBy = `the Docker context "${name}"`;
  const id = createHash('sha256').update(name).digest('hex');
  const meta = await readJson<ContextMeta>(join(config, 'contexts', 'meta', id, 'meta.json'));
  const docker = meta?.Endpoints?.docker;
  if (docker?.Host === undefined) return undefined;
  if (docker.SkipTLSVerify === true) return unsupported(`${askedBy}, which skips the check of certificates`, undefined);
  const ssh = sshAddress(docker.Host, askedBy);
  if (ssh !== undefined) return ssh;
  const folder = join(config, 'contexts', 'tls', id, 'docker');
  const hasTls = (await readFile(join(folder, 'ca.pem')).catch(() => undefined)) !== undefined;
  const parsed = parseAddress(docker.Host, { what: askedBy, defaultPort: hasTls ? 2376 : 2375 });
  if (!parsed.ok) return parsed;
  if (parsed.value.kind === 'unix') {
    return ok({ endpoint: { kind: 'docker-unix', path: parsed.value.path }, text: docker.Host, askedBy });
  }
  const { host, port } = parsed.value;
  if (!hasTls) return ok({ endpoint: { kind: 'docker-tcp', host, port }, text: docker.Host, askedBy });
  const tls = await readTls(pemFiles(folder), askedBy);
  return tls.ok
    ? ok({ endpoint: { kind: 'docker-tcp', host, port, tls: tls.value }, text: docker.Host, askedBy })
    : tls;
}

async function currentContext(config: string): Promise<string | undefined> {
  return (
    (await readJson<{ readonly currentContext?: string }>(join(config, 'config.json')))?.currentContext || undefined
  );
}

async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

/** `ssh://[user@]host[:port][/path/to/socket]`; undefined for what is no such address (docker/cli `cli/connhelper/ssh`). */
function sshAddress(text: string, askedBy: string): Result<Address<DockerEndpoint>, Unsupported> | undefined {
  if (!/^ssh:/i.test(text)) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const host = url?.hostname.replace(/^\[|\]$/g, '') ?? '';
  if (url === undefined || host === '' || host.startsWith('-') || url.search !== '' || url.hash !== '') {
    return unsupported(`an ssh:// address of this form in ${askedBy}`, 'Give ssh://user@host:port.');
  }
  if (url.password !== '') {
    return unsupported(
      `an ssh:// address with a password in ${askedBy}`,
      'ssh asks for it, or a key makes it needless.',
    );
  }
  const user = decodeURIComponent(url.username);
  const destination = {
    host,
    ...(user === '' ? {} : { user }),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    ...(url.pathname.length > 1 ? { socket: decodeURIComponent(url.pathname) } : {}),
  };
  return ok({ endpoint: { kind: 'docker-ssh', destination }, text, askedBy });
}

/** Reads `unix:///path` or `tcp://host:port`; `what` it is, for messages. */
export function parseAddress(
  text: string,
  { what, defaultPort }: { readonly what: string; readonly defaultPort: number },
): Result<BuildkitEndpoint, Unsupported> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === 'unix') {
    const path = text.slice('unix://'.length);
    if (path.startsWith('/')) return ok({ kind: 'unix', path });
  }
  if (scheme === 'tcp' && URL.canParse(text)) {
    const url = new URL(text);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (host !== '' && url.username === '' && url.password === '') {
      return ok({ kind: 'tcp', host, port: url.port === '' ? defaultPort : Number(url.port) });
    }
  }
  // A malformed address may hold a password; only its scheme is repeated.
  const shown = scheme === undefined ? 'an address without a scheme' : `a ${scheme}:// address of this form`;
  return unsupported(
    `${shown} in ${what}`,
    defaultPort === BUILDKIT_PORT
      ? 'Give unix:///path/to/socket or tcp://host:port.'
      : 'Give unix:///path/to/socket, tcp://host:port or ssh://user@host.',
  );
}

/** Files of mutual TLS; what is absent is not used. */
export interface TlsPaths {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

function pemFiles(folder: string): TlsPaths {
  return { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
}

/** Reads files of mutual TLS, and checks that they belong together. */
export async function readTls(paths: TlsPaths, what: string): Promise<Result<TlsFiles, Unsupported>> {
  const tls: { ca?: string; cert?: string; key?: string } = {};
  for (const part of ['ca', 'cert', 'key'] as const) {
    const path = paths[part];
    if (path === undefined) continue;
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined)
      return unsupported(`TLS for ${what} without ${path}`, 'That file is missing or cannot be read.');
    tls[part] = text;
  }
  const wrong = faultIn(tls, paths);
  return wrong === undefined ? ok(tls) : unsupported(`TLS for ${what} with ${wrong.file}`, wrong.hint);
}

/** What makes the files useless, found before they are shown to a daemon; undefined when they will do. */
function faultIn(
  { ca, cert, key }: TlsFiles,
  paths: TlsPaths,
): { readonly file: string; readonly hint: string } | undefined {
  if (ca !== undefined && !isCertificate(ca)) return { file: `${paths.ca}`, hint: 'It holds no certificate (PEM).' };
  if (cert !== undefined && !isCertificate(cert))
    return { file: `${paths.cert}`, hint: 'It holds no certificate (PEM).' };
  if (cert !== undefined && key === undefined)
    return { file: `the certificate ${paths.cert} alone`, hint: 'Name the file of its private key as well.' };
  if (key !== undefined && cert === undefined)
    return { file: `the key ${paths.key} alone`, hint: 'Name the file of its certificate as well.' };
  if (cert === undefined || key === undefined) return undefined;
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    const mismatch = error instanceof Error && error.message.includes('key values mismatch');
    return {
      file: `${paths.key}`,
      hint: mismatch ? `It is not the key of ${paths.cert}.` : 'It holds no private key (PEM) without a passphrase.',
    };
  }
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0;
  } catch {
    return false;
  }
}

function unsupported(what: string, hint: string | undefined): { readonly ok: false; readonly failure: Unsupported } {
  return fail({ reason: 'unsupported', what, ...(hint === undefined ? {} : { hint }) });
}
