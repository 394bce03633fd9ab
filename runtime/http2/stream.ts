import { ErrorCode } from './frames.ts';
import type { Headers } from './hpack.ts';

/** A stream, or the whole connection, was ended before its time. */
export class Http2Error extends Error {
  /** An error code of HTTP/2; undefined where the connection is gone. */
  readonly code: number | undefined;

  constructor(message: string, code?: number) {
    super(message);
    this.name = 'Http2Error';
    this.code = code;
  }
}

/** What a stream needs of its connection. */
export interface StreamPort {
  readonly sendHeaders: (stream: Http2Stream, headers: Headers, endStream: boolean) => void;
  /** So many bytes more, or the end, wait in the stream. */
  readonly queued: (stream: Http2Stream, bytes: number) => void;
  /** Gives the other side room for so many more bytes. */
  readonly consumed: (stream: Http2Stream, bytes: number) => void;
  readonly reset: (stream: Http2Stream, code: number) => void;
}

/** How much may wait in a stream before who writes is asked to wait. */
const HIGH_WATER_BYTES = 1024 * 1024;

/** From so many pieces on one frame is cheaper to copy than to write piece by piece. */
const MANY_PIECES = 8;

/** So many buffers may be gone before their places are given back. */
const COMPACT_AFTER = 256;

/** One exchange on a connection: headers and bytes in both directions, and trailers at their ends. */
export class Http2Stream {
  readonly id: number;
  readonly #port: StreamPort;
  /** What may still be sent before the other side makes room. */
  window: number;
  /** Buffers that wait to be sent, in order; those before `#first` are gone. */
  #queue: Uint8Array[] = [];
  #first = 0;
  /** The first byte that waits in the first buffer. */
  #firstByte = 0;
  #queuedBytes = 0;
  /** How many buffers were queued and taken since the stream began; and who waits for the one that was queued as so-manieth. */
  #queuedCount = 0;
  #takenCount = 0;
  readonly #lent: { readonly after: number; readonly sent: () => void }[] = [];
  /** Headers that follow the last byte; undefined: there is more to come, `none`: the last byte ends it. */
  ending: Headers | 'none' | undefined;
  /** Whether our end has been sent. */
  isSent = false;
  /** Whether the other side wants nothing more of us. */
  #isStopped = false;
  readonly #roomWaiters: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];

  #headers: Headers | undefined;
  #trailers: Headers | undefined;
  readonly #chunks: Buffer[] = [];
  #isEnded = false;
  #error: Http2Error | undefined;
  #wake: (() => void) | undefined;
  #onData: ((chunk: Buffer) => void) | undefined;
  readonly #closed = Promise.withResolvers<void>();

  constructor(id: number, window: number, port: StreamPort) {
    this.id = id;
    this.window = window;
    this.#port = port;
  }

  /** Resolves when both sides are done or the stream is lost. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** The first headers of the other side; undefined until they are there. */
  get headers(): Headers | undefined {
    return this.#headers;
  }

  /** The last headers of the other side, once it has ended: of an exchange without bytes, the first as well. */
  get trailers(): Headers | undefined {
    return this.#trailers;
  }

  get error(): Http2Error | undefined {
    return this.#error;
  }

  sendHeaders(headers: Headers): void {
    if (this.#error === undefined) this.#port.sendHeaders(this, headers, false);
  }

  /** Sends buffers, which must not be changed any more. Waits only when much is waiting. Rejects when the stream is lost. */
  write(...buffers: readonly Uint8Array[]): Promise<void> {
    return this.lend(buffers);
  }

  /** The same of buffers that are wanted back: they may be changed when `sent` is called. It is not when the stream is lost. */
  async lend(buffers: readonly Uint8Array[], sent?: () => void): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    if (this.#isStopped) return;
    if (this.ending !== undefined) throw new Http2Error('this side of the stream has ended');
    let bytes = 0;
    for (const buffer of buffers) {
      if (buffer.length === 0) continue;
      this.#queue.push(buffer);
      this.#queuedCount++;
      bytes += buffer.length;
    }
    if (sent !== undefined) this.#lent.push({ after: this.#queuedCount, sent });
    this.#queuedBytes += bytes;
    this.#port.queued(this, bytes);
    if (this.#queuedBytes <= HIGH_WATER_BYTES) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#roomWaiters.push({ resolve, reject });
    await promise;
  }

  /** Ends our side after what was written, with trailers if there are any. */
  end(trailers: Headers | 'none' = 'none'): void {
    if (this.#error !== undefined || this.ending !== undefined) return;
    this.ending = trailers;
    this.#port.queued(this, 0);
  }

  /** Gives the exchange up. */
  reset(code: number): void {
    if (this.#error !== undefined || (this.isSent && this.#isEnded)) return;
    this.#port.reset(this, code);
  }

  /** Hands each chunk to a listener as it comes, in place of {@link chunks}. The end is still told by {@link chunks}. */
  onData(listener: (chunk: Buffer) => void): void {
    this.#onData = listener;
    for (const chunk of this.#chunks.splice(0)) this.#take(chunk, listener);
  }

  /** What the other side sends. Throws an {@link Http2Error} when the stream is lost. Leaving early gives nothing up. */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#port.consumed(this, chunk.length);
        yield chunk;
      } else if (this.#error !== undefined) throw this.#error;
      else if (this.#isEnded) return;
      else await this.#changed();
    }
  }

  /** Resolves with the first headers of the other side. Rejects when the stream is lost before. */
  async answered(): Promise<Headers> {
    while (this.#headers === undefined) {
      if (this.#error !== undefined) throw this.#error;
      await this.#changed();
    }
    return this.#headers;
  }

  /** How much waits to be sent. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** For the connection: the next bytes that wait, as pieces of the buffers; many small ones come in one copy. */
  take(size: number): readonly Uint8Array[] {
    const taken: Uint8Array[] = [];
    for (let left = size; left > 0;) {
      const buffer = this.#queue[this.#first];
      if (buffer === undefined) break;
      const end = Math.min(buffer.length, this.#firstByte + left);
      taken.push(buffer.subarray(this.#firstByte, end));
      left -= end - this.#firstByte;
      this.#firstByte = end < buffer.length ? end : 0;
      if (end < buffer.length) continue;
      this.#first++;
      this.#takenCount++;
    }
    if (this.#first > COMPACT_AFTER) {
      this.#queue.splice(0, this.#first);
      this.#first = 0;
    }
    this.#queuedBytes -= size;
    return taken.length > MANY_PIECES ? [Buffer.concat(taken, size)] : taken;
  }

  /** For the connection: who waits for buffers that have been taken whole. */
  takenBack(): readonly (() => void)[] {
    const count = this.#lent.findIndex(({ after }) => after > this.#takenCount);
    return this.#lent.splice(0, count === -1 ? this.#lent.length : count).map(({ sent }) => sent);
  }

  /** For the connection: what came. */
  receiveHeaders(headers: Headers, isEnd: boolean): void {
    if (this.#headers === undefined) this.#headers = headers;
    if (isEnd) this.#trailers = headers;
    if (isEnd) this.receiveEnd();
    else this.#tell();
  }

  receiveData(chunk: Buffer): void {
    if (this.#onData !== undefined) this.#take(chunk, this.#onData);
    else this.#chunks.push(chunk);
    this.#tell();
  }

  receiveEnd(): void {
    this.#isEnded = true;
    this.#tell();
    this.#closeIfDone();
  }

  /** For the connection: less waits now. */
  roomMade(): void {
    if (this.#queuedBytes <= HIGH_WATER_BYTES / 2) for (const { resolve } of this.#roomWaiters.splice(0)) resolve();
    if (this.isSent) this.#closeIfDone();
  }

  /**
   * For the connection: the other side gives the exchange up. Without an error, and after its end, it has answered and wants no
   * more of us; what it said counts, and what we still write goes nowhere (RFC 9113, 8.1).
   */
  receiveReset(code: number): void {
    if (code !== ErrorCode.none || !this.#isEnded) {
      this.lose(new Http2Error(`the other side gave the stream up (RST_STREAM ${code})`, code));
      return;
    }
    this.#isStopped = true;
    this.isSent = true;
    this.#dropQueue();
    this.roomMade();
  }

  /** For the connection: nothing more will come or go. */
  lose(error: Http2Error): void {
    if (this.#error !== undefined || (this.isSent && this.#isEnded)) return;
    this.#error = error;
    this.#dropQueue();
    for (const { reject } of this.#roomWaiters.splice(0)) reject(error);
    this.#tell();
    this.#closed.resolve();
  }

  #dropQueue(): void {
    this.#queue = [];
    this.#first = 0;
    this.#queuedBytes = 0;
  }

  #take(chunk: Buffer, listener: (chunk: Buffer) => void): void {
    this.#port.consumed(this, chunk.length);
    listener(chunk);
  }

  #closeIfDone(): void {
    if (this.isSent && this.#isEnded) this.#closed.resolve();
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #tell(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
