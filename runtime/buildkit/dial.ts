import net from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { Channel } from '../rpc/channel.ts';
import type { Headers } from '../http2/hpack.ts';
import type { Endpoint, TlsFiles } from './endpoint.ts';
import { SshConnection } from './ssh-connection.ts';

/**
 * When the kernel probes an idle peer, how often then, and how many probes may go unanswered: a dead machine is noticed
 * in 25 s. What was sent and not acknowledged the kernel tries for a quarter of an hour (Node has no TCP_USER_TIMEOUT):
 * for that there is silence.ts. HTTP/2's own pings are no way to notice anything soon: a daemon hangs up on a client that
 * pings more often than every five minutes (grpc-go's default keepalive enforcement).
 */
const TCP_KEEPALIVE = { enable: true, initialDelay: 10_000, interval: 5_000, count: 3 } as const;

/** How long a connection may take to be made: each of its steps. */
const CONNECT_MS = 20_000;
const HANDSHAKE_MS = 10_000;

/** More than any engine says before it opens its BuildKit. */
const MAX_ANSWER_BYTES = 64 * 1024;

type Signal = { readonly signal: AbortSignal };

/**
 * A channel to the BuildKit API at an endpoint. Nothing is connected until the first call, which fails with UNAVAILABLE
 * and the cause in its text when the endpoint cannot be reached.
 */
export function dial(endpoint: Endpoint): Channel {
  return new Channel({
    connect: ({ signal }) =>
      isDocker(endpoint) ? openInDocker(endpoint, '/grpc', [], { signal }) : connect(endpoint, { signal }),
    authority: 'localhost',
    isSecure: tlsOf(endpoint) !== undefined,
  });
}

/** Whether the BuildKit is that of a Docker Engine, behind its API. */
export function isDocker(endpoint: Endpoint): boolean {
  return endpoint.kind === 'docker-unix' || endpoint.kind === 'docker-tcp' || endpoint.kind === 'docker-ssh';
}

/**
 * Has a Docker Engine turn a connection into one of its BuildKit: `POST` by HTTP/1.1, answered by 101 (moby
 * `daemon/server/router/grpc`, `.../session`). The socket then carries HTTP/2 in the clear from its first byte on.
 */
export async function openInDocker(
  endpoint: Endpoint,
  path: '/grpc' | '/session',
  headers: Headers,
  { signal }: Signal,
): Promise<Duplex> {
  const socket = await connect(endpoint, { signal });
  try {
    const lines = [
      `POST ${path} HTTP/1.1`,
      'Host: docker',
      'Connection: Upgrade',
      'Upgrade: h2c',
      ...headers.map(([name, value]) => `${name}: ${value.replaceAll(/[\r\n]/g, '')}`),
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    const { status, rest } = await withLimit(answerHead(socket), { limitMs: HANDSHAKE_MS, signal }, () =>
      socket.destroy(new Error(`the Docker Engine did not answer POST ${path}`)),
    );
    if (status !== 101)
      throw new Error(`the Docker Engine answered ${status} instead of opening its BuildKit (POST ${path})`);
    if (rest.length > 0) socket.unshift(rest);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** The status of an HTTP/1.1 answer, and what came behind its head. */
function answerHead(socket: Duplex): Promise<{ readonly status: number; readonly rest: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly status: number; readonly rest: Buffer }>();
  let seen: Buffer = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    seen = Buffer.concat([seen, chunk]);
    const end = seen.indexOf('\r\n\r\n');
    if (end === -1 && seen.length < MAX_ANSWER_BYTES) return;
    socket.pause();
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(seen.toString('latin1', 0, Math.max(end, 0)))?.[1];
    if (status === undefined) reject(new Error('Protocol error'));
    else resolve({ status: Number(status), rest: seen.subarray(end + 4) });
  };
  const onClose = (): void => reject(new Error('socket hang up'));
  socket.on('data', onData);
  socket.once('error', reject);
  socket.once('close', onClose);
  return promise.finally(() => {
    socket.off('data', onData);
    socket.off('error', reject);
    socket.off('close', onClose);
  });
}

async function connect(endpoint: Endpoint, { signal }: Signal): Promise<Duplex> {
  signal.throwIfAborted();
  if (endpoint.kind === 'docker-ssh') return new SshConnection(endpoint.destination);
  const socket =
    'path' in endpoint
      ? net.connect({ path: endpoint.path })
      : net.connect({ host: endpoint.host, port: endpoint.port, noDelay: true });
  await until(socket, 'connect', { limitMs: CONNECT_MS, signal });
  socket.setKeepAlive(TCP_KEEPALIVE);
  const files = tlsOf(endpoint);
  return files === undefined || 'path' in endpoint ? socket : secured(socket, files, endpoint, { signal });
}

function tlsOf(endpoint: Endpoint): TlsFiles | undefined {
  return 'tls' in endpoint ? endpoint.tls : undefined;
}

async function secured(
  socket: Socket,
  files: TlsFiles,
  endpoint: Extract<Endpoint, { kind: 'tcp' | 'docker-tcp' }>,
  { signal }: Signal,
): Promise<Socket> {
  const stream = tls.connect({
    socket,
    host: endpoint.host,
    // RFC 6066 has no server names that are addresses; `host` is what the certificate is then checked against.
    servername: files.serverName ?? (net.isIP(endpoint.host) === 0 ? endpoint.host : ''),
    ALPNProtocols: endpoint.kind === 'tcp' ? ['h2'] : ['http/1.1'],
    minVersion: 'TLSv1.2',
    ca: files.ca ?? systemAuthorities(),
    ...(files.cert === undefined ? {} : { cert: files.cert }),
    ...(files.key === undefined ? {} : { key: files.key }),
  });
  await until(stream, 'secureConnect', { limitMs: HANDSHAKE_MS, signal });
  return stream;
}

/**
 * Those of the machine (`SSL_CERT_FILE`, `/etc/ssl/certs`), as with docker and buildctl; where it has none, those that Node
 * brings. Reading them takes 50 ms.
 */
function systemAuthorities(): string[] {
  const system = tls.getCACertificates('system');
  return system.length > 0 ? [...new Set(system)] : tls.getCACertificates('default');
}

interface Limit extends Signal {
  readonly limitMs: number;
}

/** Waits for an event of a socket; rejects with its error, or when it takes too long. The socket is destroyed then. */
function until(socket: Socket, event: 'connect' | 'secureConnect', limit: Limit): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onClose = (): void =>
    reject(new Error(event === 'connect' ? 'socket hang up' : 'connection closed during the TLS handshake'));
  socket.once(event, resolve);
  socket.once('error', reject);
  socket.once('close', onClose);
  const late = event === 'connect' ? 'the connection timed out' : 'TLS handshake timed out';
  return withLimit(promise, limit, () => socket.destroy(new Error(late))).finally(() => {
    socket.off(event, resolve);
    socket.off('error', reject);
    socket.off('close', onClose);
  });
}

async function withLimit<T>(promise: Promise<T>, { limitMs, signal }: Limit, giveUp: () => void): Promise<T> {
  const timer = setTimeout(giveUp, limitMs);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}
