import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import net from 'node:net';
import { Http2Connection } from '../../runtime/http2/connection.ts';
import type { Headers } from '../../runtime/http2/hpack.ts';
import type { Http2Stream } from '../../runtime/http2/stream.ts';
import type { Wire, WireEvents } from '../../runtime/http2/wire.ts';
import { streamWire } from '../../runtime/http2/wire.ts';
import type { RawPeer } from './http2-peer.ts';
import { rawClient, rawServer, SETTINGS } from './http2-peer.ts';

/** What any call begins with. */
export const REQUEST: Headers = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/x'],
  [':authority', 'a'],
];

/** One connection of ours with a raw peer at its other end. */
export interface Played extends AsyncDisposable {
  readonly own: Http2Connection;
  readonly peer: RawPeer;
  /** Our end. */
  readonly socket: Socket;
  /** Streams that the peer has opened, where it is the client. */
  readonly streams: readonly Http2Stream[];
}

/** How {@link playedServer} begins. */
export interface PlayedServerOptions {
  /** What the peer says first. */
  readonly greeting?: Buffer;
  /** What is between our connection and its socket. */
  readonly open?: (socket: Socket, events: WireEvents) => Wire;
}

/** We are the client, and the peer has greeted us, as it should if not told otherwise. */
export async function playedServer({
  greeting = SETTINGS,
  open = streamWire,
}: PlayedServerOptions = {}): Promise<Played> {
  const server = await rawServer();
  const socket = net.connect({ port: server.port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const own = new Http2Connection({ role: 'client', open: (events) => open(socket, events) });
  const peer = await server.accept();
  peer.say(greeting);
  return {
    own,
    peer,
    socket,
    streams: [],
    [Symbol.asyncDispose]: async () => {
      own.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** We are the server, and the peer has greeted us. */
export async function playedClient(): Promise<Played> {
  const streams: Http2Stream[] = [];
  const server = net.createServer();
  const taken = once(server, 'connection') as Promise<[Socket]>;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = await rawClient((server.address() as AddressInfo).port);
  const [socket] = await taken;
  const own = new Http2Connection({
    role: 'server',
    open: (events) => streamWire(socket, events),
    onStream: (stream) => streams.push(stream),
  });
  return {
    own,
    peer,
    socket,
    streams,
    [Symbol.asyncDispose]: async () => {
      own.close();
      peer.socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
