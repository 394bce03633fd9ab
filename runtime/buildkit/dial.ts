import https from 'node:https';
import type { Socket } from 'node:net';
import net from 'node:net';
import tls from 'node:tls';
import { CallCredentials, ChannelCredentials, Client } from '@grpc/grpc-js';
import { unreachable } from '../../planner/result.ts';
import type { Endpoint, TlsFiles } from './endpoint.ts';

/** BuildKit's own limit for one message, both ways (moby/buildkit `client/client.go`). */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/**
 * The window we give the daemon for what it sends us. Node's default of 64 KiB is one window per round trip.
 */
const RECEIVE_WINDOW_BYTES = 8 * 1024 * 1024;

/**
 * When the kernel probes an idle peer, how often then, and how many probes may go unanswered: a dead machine is noticed
 * in 25 s. What was sent and not acknowledged the kernel tries for a quarter of an hour (Node has no TCP_USER_TIMEOUT):
 * for that there is silence.ts. gRPC's own pings are no way to notice anything soon: a daemon hangs up on a client that
 * pings more often than every five minutes (grpc-go's default keepalive enforcement).
 */
const TCP_KEEPALIVE = { enable: true, initialDelay: 10_000, interval: 5_000, count: 3 } as const;

/** gRPC's pings while calls are open; they keep what forgets idle connections from forgetting ours. */
const HTTP2_PING_MS = 330_000;
const HTTP2_PING_ANSWER_MS = 20_000;

/** How long a failed connection waits before the next attempt: first, and at most. */
const RECONNECT_MS = { first: 100, most: 5_000 } as const;

/** How long a TLS handshake or a protocol upgrade may take. */
const HANDSHAKE_MS = 10_000;

/**
 * A channel to the BuildKit API at an endpoint. Nothing is connected until the first call, which fails with UNAVAILABLE
 * and the cause in its text when the endpoint cannot be reached.
 */
export function dial(endpoint: Endpoint): Client {
  return new Client(targetOf(endpoint), new DialCredentials(endpoint), {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc-node.flow_control_window': RECEIVE_WINDOW_BYTES,
    'grpc.keepalive_time_ms': HTTP2_PING_MS,
    'grpc.keepalive_timeout_ms': HTTP2_PING_ANSWER_MS,
    'grpc.initial_reconnect_backoff_ms': RECONNECT_MS.first,
    'grpc.max_reconnect_backoff_ms': RECONNECT_MS.most,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.default_authority': 'localhost',
  });
}

function targetOf(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'unix':
    case 'docker-unix':
      return `unix:${endpoint.path}`;
    case 'tcp':
    case 'docker-tcp':
      return `dns:${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
    default:
      return unreachable(endpoint);
  }
}

type SecureConnector = ReturnType<ChannelCredentials['_createSecureConnector']>;

/** Turns the raw connection that grpc-js makes into one that speaks BuildKit's gRPC: TLS, then Docker's upgrade. */
class DialCredentials extends ChannelCredentials {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    super();
    this.#endpoint = endpoint;
  }

  override _isSecure(): boolean {
    return 'tls' in this.#endpoint && this.#endpoint.tls !== undefined;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(
    _target: unknown,
    _options: unknown,
    callCredentials?: CallCredentials,
  ): SecureConnector {
    const endpoint = this.#endpoint;
    return {
      connect: async (socket) => {
        socket.setKeepAlive(TCP_KEEPALIVE);
        const secure = 'tls' in endpoint && endpoint.tls !== undefined;
        const carrier = secure ? await secured(socket, endpoint.tls, endpoint) : socket;
        const upgraded = endpoint.kind === 'docker-unix' || endpoint.kind === 'docker-tcp';
        return { socket: upgraded ? await upgrade(carrier) : carrier, secure };
      },
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => callCredentials ?? CallCredentials.createEmpty(),
      destroy: () => undefined,
    };
  }
}

function secured(
  socket: Socket,
  files: TlsFiles,
  endpoint: Extract<Endpoint, { kind: 'tcp' | 'docker-tcp' }>,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const stream = tls.connect({
    socket,
    host: endpoint.host,
    // RFC 6066 has no server names that are addresses; `host` is what the certificate is then checked against.
    servername: files.serverName ?? (net.isIP(endpoint.host) === 0 ? endpoint.host : ''),
    ALPNProtocols: endpoint.kind === 'tcp' ? ['h2'] : ['http/1.1'],
    minVersion: 'TLSv1.2',
    ...(files.ca === undefined ? {} : { ca: files.ca }),
    ...(files.cert === undefined ? {} : { cert: files.cert }),
    ...(files.key === undefined ? {} : { key: files.key }),
  });
  const timer = setTimeout(() => stream.destroy(new Error('TLS handshake timed out')), HANDSHAKE_MS);
  stream.once('error', reject);
  stream.once('close', () => reject(new Error('connection closed during the TLS handshake')));
  stream.once('secureConnect', () => {
    clearTimeout(timer);
    resolve(stream);
  });
  return promise.finally(() => clearTimeout(timer));
}

/**
 * Asks a Docker Engine to turn this HTTP/1.1 connection into one to its BuildKit: `POST /grpc`, answered by 101
 * (moby `daemon/server/router/grpc`). By `node:https` on a connection made already: see docker/http.ts.
 */
function upgrade(socket: Socket): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const request = https.request({
    createConnection: () => socket,
    method: 'POST',
    path: '/grpc',
    headers: { Host: 'docker', Connection: 'Upgrade', Upgrade: 'h2c' },
    timeout: HANDSHAKE_MS,
  });
  request.once('upgrade', (_response, upgraded, head) => {
    upgraded.setTimeout(0);
    if (head.length > 0) upgraded.unshift(head);
    resolve(upgraded);
  });
  request.once('response', (response) => {
    response.resume();
    reject(new Error(`the Docker Engine answered ${response.statusCode} instead of opening its BuildKit (POST /grpc)`));
  });
  request.once('timeout', () => request.destroy(new Error('the Docker Engine did not answer POST /grpc')));
  request.once('error', reject);
  request.end();
  return promise;
}
