import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import net from 'node:net';
import { frame, frameHeader, FrameType, PREFACE, settingsContent, uint32 } from '../../runtime/http2/frames.ts';
import type { Headers } from '../../runtime/http2/hpack.ts';
import { encodeHeaders } from '../../runtime/http2/hpack.ts';

/** A frame as it came. */
export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly content: Buffer;
}

/**
 * The other end of an HTTP/2 connection, which says what a test wants, right or wrong, and keeps what it hears. It answers
 * nothing by itself.
 */
export class RawPeer {
  readonly socket: Socket;
  /** All frames that have come, in order. */
  readonly heard: RawFrame[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #skipped: number;
  #wake = Promise.withResolvers<void>();

  /** `skipped`: what comes before the first frame. */
  constructor(socket: Socket, skipped: number) {
    this.socket = socket;
    this.#skipped = skipped;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('close', () => this.#wake.resolve());
  }

  /** Sends bytes as they are. */
  say(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** Waits for a frame of a kind (and that fits), which may have come before. Rejects when the connection ends first. */
  async hear(type: number, fits: (frame: RawFrame) => boolean = () => true): Promise<RawFrame> {
    for (;;) {
      const found = this.heard.find((one) => one.type === type && fits(one));
      if (found !== undefined) return found;
      if (this.socket.destroyed) throw new Error(`no frame of kind ${type} came`);
      await this.#wake.promise;
    }
  }

  /** Waits for the last word of the other side: its code, and what it says. */
  async goAway(): Promise<readonly [code: number, said: string]> {
    const { content } = await this.hear(FrameType.goAway);
    return [content.readUInt32BE(4), content.toString('utf8', 8)];
  }

  /** Waits until the other side gives a stream up; the code. */
  async resetOf(id: number): Promise<number> {
    return (await this.hear(FrameType.resetStream, (one) => one.id === id)).content.readUInt32BE(0);
  }

  /** How much content has come on a stream. */
  dataOf(id: number): number {
    return this.heard.reduce(
      (sum, one) => sum + (one.type === FrameType.data && one.id === id ? one.content.length : 0),
      0,
    );
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const skipped = this.#rest.subarray(0, this.#skipped).length;
    this.#skipped -= skipped;
    let rest = this.#rest.subarray(skipped);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      const [type = 0, flags = 0] = rest.subarray(3, 5);
      this.heard.push({ type, flags, id: rest.readUInt32BE(5), content: rest.subarray(9, end) });
      rest = rest.subarray(end);
    }
    this.#rest = rest;
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }
}

/** A server whose side of each connection a test plays. */
export interface RawServer extends AsyncDisposable {
  readonly port: number;
  /** The next connection, in the order in which they are made. It has said nothing yet. */
  accept(): Promise<RawPeer>;
}

/** Starts a {@link RawServer} on the loopback interface. */
export async function rawServer(): Promise<RawServer> {
  const peers: RawPeer[] = [];
  let wake = Promise.withResolvers<void>();
  let taken = 0;
  const server = net.createServer((socket) => {
    peers.push(new RawPeer(socket, PREFACE.length));
    wake.resolve();
    wake = Promise.withResolvers<void>();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    accept: async () => {
      const place = taken++;
      for (;;) {
        const peer = peers[place];
        if (peer !== undefined) return peer;
        await wake.promise;
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of peers) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Connects to a server of ours; it is greeted as it should be. */
export async function rawClient(port: number): Promise<RawPeer & Disposable> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const peer = new RawPeer(socket, 0);
  peer.say(PREFACE, SETTINGS);
  return Object.assign(peer, { [Symbol.dispose]: () => void socket.destroy() });
}

/** What each side must say first. */
export const SETTINGS = settings();

/** A SETTINGS frame. */
export function settings(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  return frame(FrameType.settings, 0, 0, settingsContent(pairs));
}

/** A HEADERS frame, whole. */
export function headersFrame(id: number, headers: Headers, flags = 0x4): Buffer {
  return frame(FrameType.headers, flags, id, encodeHeaders(headers));
}

/** A WINDOW_UPDATE frame; stream 0 is the connection. */
export function windowUpdate(id: number, bytes: number): Buffer {
  return frame(FrameType.windowUpdate, 0, id, uint32(bytes));
}

/** DATA frames of the usual size. */
export function dataFrames(id: number, bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let left = bytes; left > 0; left -= 16_384) {
    const size = Math.min(left, 16_384);
    parts.push(frameHeader(FrameType.data, 0, id, size), Buffer.alloc(size));
  }
  return Buffer.concat(parts);
}
