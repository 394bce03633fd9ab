import { ErrorCode } from './frames.ts';
import type { Headers } from './hpack.ts';
import { Http2Error } from './http2-error.ts';
import { ReceiveWindow, STREAM_WINDOW_BYTES } from './receive-window.ts';
import { SendQueue } from './send-queue.ts';

/** What a stream needs of its connection. */
export interface StreamPort {
  readonly sendHeaders: (stream: Http2Stream, headers: Headers, endStream: boolean) => void;
  /** So many bytes more, or the end, wait in the stream. */
  readonly queued: (stream: Http2Stream, bytes: number) => void;
  /** Gives the other side room for so many more bytes. */
  readonly widen: (stream: Http2Stream, bytes: number) => void;
  readonly reset: (stream: Http2Stream, code: number) => void;
}

/** How much may wait in a stream before who writes is asked to wait. */
const HIGH_WATER_BYTES = 1024 * 1024;

/** One exchange on a connection: headers and bytes in both directions, and trailers at their ends. */
export class Http2Stream {
  readonly id: number;
  readonly #port: StreamPort;
  /** For the connection: what waits to be sent, and what of it may be sent before the other side makes room. */
  readonly queue = new SendQueue();
  window: number;
  /** Headers that follow the last byte; undefined: there is more to come, `none`: the last byte ends it. */
  ending: Headers | 'none' | undefined;
  /** Whether our end has been sent. */
  isSent = false;
  /** Whether the other side wants nothing more of us. */
  #isStopped = false;
  readonly #roomWaiters: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];

  readonly #receiving = new ReceiveWindow(STREAM_WINDOW_BYTES);
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

  /** How much waits to be sent. */
  get queuedBytes(): number {
    return this.queue.bytes;
  }

  /** Sends headers, at once and ahead of what was written: those of an answer, before its first byte. Trailers go with {@link end}. */
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
    this.#port.queued(this, this.queue.push(buffers, sent));
    if (this.queue.bytes <= HIGH_WATER_BYTES) return;
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
    for (const chunk of this.#chunks.splice(0)) this.#hand(chunk, listener);
  }

  /** What the other side sends. Throws an {@link Http2Error} when the stream is lost. Leaving early gives nothing up. */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#used(chunk.length);
        yield chunk;
      } else if (this.#error !== undefined) throw this.#error;
      else if (this.#isEnded) return;
      else await this.#changed();
    }
  }

  /** For the connection: headers came. */
  receiveHeaders(headers: Headers, isEnd: boolean): void {
    if (this.#isEnded) return this.reset(ErrorCode.streamClosed);
    if (this.#headers === undefined) this.#headers = headers;
    if (isEnd) this.#trailers = headers;
    if (isEnd) this.receiveEnd();
    else this.#tell();
  }

  /** For the connection: a frame of so many bytes begins. Whoever sends it without leave loses the stream. */
  expectData(bytes: number): void {
    if (this.#isEnded) this.reset(ErrorCode.streamClosed);
    else if (!this.#receiving.take(bytes)) this.reset(ErrorCode.flowControl);
  }

  /** For the connection: content came, and so much padding. */
  receiveData(chunk: Buffer, paddingBytes: number): void {
    if (this.#error !== undefined || this.#isEnded) return;
    if (paddingBytes > 0) this.#used(paddingBytes);
    if (chunk.length === 0) return;
    if (this.#onData !== undefined) this.#hand(chunk, this.#onData);
    else this.#chunks.push(chunk);
    this.#tell();
  }

  /** For the connection: the other side has said all. */
  receiveEnd(): void {
    this.#isEnded = true;
    this.#tell();
    this.#closeIfDone();
  }

  /** For the connection: less waits now. */
  roomMade(): void {
    if (this.queue.bytes <= HIGH_WATER_BYTES / 2) for (const { resolve } of this.#roomWaiters.splice(0)) resolve();
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
    this.queue.drop();
    this.roomMade();
  }

  /** For the connection: nothing more will come or go. */
  lose(error: Http2Error): void {
    if (this.#error !== undefined || (this.isSent && this.#isEnded)) return;
    this.#error = error;
    this.queue.drop();
    for (const { reject } of this.#roomWaiters.splice(0)) reject(error);
    this.#tell();
    this.#closed.resolve();
  }

  #hand(chunk: Buffer, listener: (chunk: Buffer) => void): void {
    this.#used(chunk.length);
    listener(chunk);
  }

  /** So much has been taken; of what will say no more nothing more is wanted. */
  #used(bytes: number): void {
    const back = this.#receiving.giveBack(bytes);
    if (back > 0 && this.#error === undefined && !this.#isEnded) this.#port.widen(this, back);
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
