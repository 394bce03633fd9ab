import http from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { ReachedDocker } from './engine.ts';
import type { TestCertificates } from './certificates.ts';
import { tempFolder } from './folder.ts';

/** A listener that hands every connection on, byte for byte. */
export interface BytePipe extends AsyncDisposable {
  /** `tcp://127.0.0.1:PORT` or `unix:///path`. */
  readonly address: string;
  /** How many connections it has taken. */
  taken(): number;
  /** How many bytes have come back from where it leads. */
  sentBytes(): number;
  /** Breaks every connection, as a network that fails. */
  cut(): void;
  /** Forwards nothing any more, either way, and closes nothing: as a machine that lost its power. */
  stall(): void;
}

/** Where the pipe listens. */
export interface PipeOptions {
  /** Speaks TLS with the server's certificate and wants one of the client's. */
  readonly mutualTls?: Pick<TestCertificates, 'ca' | 'server'>;
  /** The protocol that TLS agrees on: h2 for BuildKit (the default), http/1.1 for Docker. */
  readonly protocol?: 'h2' | 'http/1.1';
  /** The address it listens at (127.0.0.1). */
  readonly host?: string;
  /** Listens on a unix socket instead of tcp. */
  readonly unix?: boolean;
  /** So many connections are broken as soon as they are made. */
  readonly breaks?: number;
}

/** The BuildKit inside a Docker Engine as a remote daemon: every connection leads to an upgraded `POST /grpc`. */
export function remoteBuildkit(docker: ReachedDocker, options: PipeOptions = {}): Promise<BytePipe> {
  return bytePipe(() => upgraded(docker), options);
}

/** The Docker API of an engine at another address. */
export function remoteDocker(docker: ReachedDocker, options: PipeOptions = {}): Promise<BytePipe> {
  return bytePipe(async () => connection(docker), { protocol: 'http/1.1', ...options });
}

async function bytePipe(open: () => Promise<Duplex>, options: PipeOptions): Promise<BytePipe> {
  const sockets = new Set<Socket>();
  const joined = new Set<Duplex>();
  let taken = 0;
  let sentBytes = 0;
  let isStalled = false;
  const onConnection = (near: Socket): void => {
    taken++;
    if (isStalled) return;
    if (taken <= (options.breaks ?? 0)) return void near.destroy();
    open().then(
      (far) => {
        far.on('data', (chunk: Uint8Array) => (sentBytes += chunk.length));
        join(near, far);
        for (const side of [near, far]) joined.add(side);
      },
      () => near.destroy(),
    );
  };
  const server = options.mutualTls === undefined ? net.createServer(onConnection) : secure(options, onConnection);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  const { host = '127.0.0.1' } = options;
  const folder = await tempFolder('pipe');
  const path = `${folder.path}/pipe.sock`;
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  if (options.unix === true) server.listen(path, listening.resolve);
  else server.listen(0, host, listening.resolve);
  await listening.promise;
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    address: options.unix === true ? `unix://${path}` : `tcp://${host}:${(server.address() as AddressInfo).port}`,
    taken: () => taken,
    sentBytes: () => sentBytes,
    cut,
    stall: () => {
      isStalled = true;
      for (const side of joined) side.unpipe().pause();
    },
    [Symbol.asyncDispose]: async () => {
      cut();
      await new Promise((closed) => server.close(closed));
      await folder[Symbol.asyncDispose]();
    },
  };
}

function secure({ mutualTls, protocol = 'h2' }: PipeOptions, onConnection: (socket: Socket) => void): Server {
  const server = tls.createServer(
    {
      ca: mutualTls?.ca,
      cert: mutualTls?.server.cert,
      key: mutualTls?.server.key,
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: [protocol],
    },
    onConnection,
  );
  server.on('tlsClientError', () => undefined);
  return server;
}

function join(near: Duplex, far: Duplex): void {
  const end = (): void => {
    near.destroy();
    far.destroy();
  };
  for (const side of [near, far]) side.on('error', end).once('close', end);
  near.pipe(far).pipe(near);
}

function connection(docker: ReachedDocker): Socket {
  return docker.kind === 'docker-unix' ? net.connect(docker.path) : net.connect(docker.port, docker.host);
}

function upgraded(docker: ReachedDocker): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const request = http.request({
    createConnection: () => connection(docker),
    method: 'POST',
    path: '/grpc',
    headers: { Host: 'docker', Connection: 'Upgrade', Upgrade: 'h2c' },
  });
  request.once('upgrade', (_response, socket, head) => {
    if (head.length > 0) socket.unshift(head);
    resolve(socket);
  });
  request.once('response', ({ statusCode }) => reject(new Error(`POST /grpc was answered by ${statusCode}`)));
  request.once('error', reject);
  request.end();
  return promise;
}
