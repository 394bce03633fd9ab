import {
  DEFAULT_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  Flag,
  frameHeader,
  FrameType,
  MAX_WINDOW_BYTES,
} from './frames.ts';
import type { Headers } from './hpack.ts';
import { encodeHeaders } from './hpack.ts';
import { Http2Error } from './http2-error.ts';
import type { PeerSettings } from './settings.ts';
import type { Http2Stream } from './stream.ts';
import type { Wire } from './wire.ts';

/** What is gathered before it is written: the frames of one turn of the event loop go out together, but not more than this. */
const BATCH_BYTES = 512 * 1024;

/** What one stream adds to that before the next has its turn. */
const TURN_BYTES = 64 * 1024;

/** So many answers may wait for a peer that takes nothing: it asks only in order to fill our memory. */
const MAX_ANSWERS = 10_000;

/** What one connection sends: frames in batches, and the contents of streams in turns, as far as windows let them. */
export class Outgoing {
  readonly #write: Wire['write'];
  #out: Uint8Array[] = [];
  #outBytes = 0;
  /** Told when what is gathered has been sent. */
  #outSent: (() => void)[] = [];
  #answers = 0;
  #isScheduled = false;
  #isBlocked = false;
  #isStopped = false;
  /** Streams with something to send and room for it, in the order of their turns. */
  readonly #ready = new Set<Http2Stream>();
  #readyBytes = 0;
  #window = DEFAULT_WINDOW_BYTES;
  #streamWindow = DEFAULT_WINDOW_BYTES;
  #maxFrameBytes = DEFAULT_FRAME_BYTES;

  constructor(write: Wire['write']) {
    this.#write = write;
  }

  /** What a new stream may send before the other side makes room. */
  get streamWindow(): number {
    return this.#streamWindow;
  }

  /** Sends frames, ahead of what streams have queued. */
  send(...buffers: readonly Uint8Array[]): void {
    this.#push(buffers);
    this.#schedule();
  }

  /** Sends what a frame of the other side asks for. Throws an {@link Http2Error} where it asks on and on and takes nothing. */
  answer(...buffers: readonly Uint8Array[]): void {
    if (this.#isBlocked && ++this.#answers > MAX_ANSWERS) throw new Http2Error('too many questions', ErrorCode.calm);
    this.send(...buffers);
  }

  /** Sends headers, in as many frames as they need. */
  sendHeaders(stream: Http2Stream, headers: Headers, endStream: boolean): void {
    const block = encodeHeaders(headers);
    for (let at = 0, isFirst = true; isFirst || at < block.length; isFirst = false) {
      const part = block.subarray(at, at + this.#maxFrameBytes);
      at += part.length;
      const flags = (at >= block.length ? Flag.endHeaders : 0) | (isFirst && endStream ? Flag.endStream : 0);
      const type = isFirst ? FrameType.headers : FrameType.continuation;
      this.send(frameHeader(type, flags, stream.id, part.length), part);
    }
  }

  /** So many bytes more, or the end, wait in a stream. */
  queued(stream: Http2Stream, bytes: number): void {
    this.#ready.add(stream);
    this.#readyBytes += bytes;
    if (this.#readyBytes >= BATCH_BYTES && !this.#isBlocked) this.flush();
    else this.#schedule();
  }

  /** A stream is over. */
  forget(stream: Http2Stream): void {
    this.#ready.delete(stream);
  }

  /** Does as the other side wants. Throws an {@link Http2Error} where that makes a window of `streams` too large. */
  adopt({ windowBytes, maxFrameBytes }: PeerSettings, streams: Iterable<Http2Stream>): void {
    this.#maxFrameBytes = maxFrameBytes ?? this.#maxFrameBytes;
    if (windowBytes === undefined) return;
    const more = windowBytes - this.#streamWindow;
    this.#streamWindow = windowBytes;
    for (const stream of streams) {
      if (!this.widenStream(stream, more)) throw tooWide();
    }
  }

  /** The other side takes so much more on all streams together. Throws an {@link Http2Error} where that is too much. */
  widen(bytes: number): void {
    this.#window += bytes;
    if (this.#window > MAX_WINDOW_BYTES) throw tooWide();
    if (this.#ready.size > 0) this.#schedule();
  }

  /** The same of one stream. Returns false where that is too much. */
  widenStream(stream: Http2Stream, bytes: number): boolean {
    stream.window += bytes;
    if (stream.window > MAX_WINDOW_BYTES) return false;
    if (stream.window > 0 && stream.queue.bytes > 0) {
      this.#ready.add(stream);
      this.#schedule();
    }
    return true;
  }

  /** The wire takes more. */
  drained(): void {
    this.#isBlocked = false;
    this.#answers = 0;
    this.flush();
  }

  /** Writes what there is, as far as the windows and the wire let it. */
  flush(): void {
    while (!this.#isStopped && !this.#isBlocked) {
      this.#takeTurns();
      if (this.#out.length === 0) return;
      const out = this.#out;
      const sent = this.#outSent;
      this.#out = [];
      this.#outBytes = 0;
      this.#outSent = [];
      this.#isBlocked = !this.#write(out, () => {
        for (const one of sent) one();
      });
    }
  }

  /** Sends nothing any more. */
  stop(): void {
    this.#isStopped = true;
  }

  #push(buffers: readonly Uint8Array[]): void {
    for (const buffer of buffers) {
      this.#out.push(buffer);
      this.#outBytes += buffer.length;
    }
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isBlocked || this.#isStopped) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  /** Who has had a turn and has more goes to the end; who waits for room on the connection keeps its place. */
  #takeTurns(): void {
    this.#readyBytes = 0;
    for (const stream of this.#ready) {
      if (this.#outBytes >= BATCH_BYTES) return;
      if (stream.queue.bytes > 0 && this.#window <= 0) continue;
      this.#ready.delete(stream);
      if (this.#takeTurn(stream)) this.#ready.add(stream);
    }
  }

  /** Returns whether the stream has more to send, and room for it. */
  #takeTurn(stream: Http2Stream): boolean {
    const { queue } = stream;
    for (let left = TURN_BYTES; left > 0 && queue.bytes > 0;) {
      const size = Math.min(queue.bytes, left, stream.window, this.#window, this.#maxFrameBytes);
      if (size <= 0) break;
      const isLast = size === queue.bytes && stream.ending === 'none';
      this.#push([frameHeader(FrameType.data, isLast ? Flag.endStream : 0, stream.id, size), ...queue.take(size)]);
      this.#outSent.push(...queue.takenBack());
      stream.window -= size;
      this.#window -= size;
      left -= size;
      if (isLast) stream.isSent = true;
    }
    if (queue.bytes === 0) this.#sendEnd(stream);
    stream.roomMade();
    return queue.bytes > 0 && stream.window > 0;
  }

  #sendEnd(stream: Http2Stream): void {
    if (stream.ending === undefined || stream.isSent || stream.error !== undefined) return;
    stream.isSent = true;
    if (stream.ending === 'none') this.#push([frameHeader(FrameType.data, Flag.endStream, stream.id, 0)]);
    else this.sendHeaders(stream, stream.ending, true);
  }
}

function tooWide(): Http2Error {
  return new Http2Error('a window that is too large', ErrorCode.flowControl);
}
