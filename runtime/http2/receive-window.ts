import { MAX_WINDOW_BYTES } from './frames.ts';

/**
 * What the other side may send on one stream before it hears from us. With the usual 64 KiB a stream carries one window for
 * each round trip: 1 MB/s at 60 ms.
 */
export const STREAM_WINDOW_BYTES = 8 * 1024 * 1024;

/**
 * What it may send on all of them: the most there is, given back as bytes come and not as they are read. A stream that nobody
 * reads must not hold up the others; each has a limit of its own.
 */
export const CONNECTION_WINDOW_BYTES = MAX_WINDOW_BYTES;

/** The room that the other side has for what it sends (RFC 9113, 5.2); bytes of frames' contents, padding included. */
export class ReceiveWindow {
  readonly #size: number;
  #room: number;
  /** Used up here, and not yet given back. */
  #used = 0;

  constructor(size: number) {
    this.#size = size;
    this.#room = size;
  }

  /** So much comes. Returns whether there was room for it. */
  take(bytes: number): boolean {
    this.#room -= bytes;
    return this.#room >= 0;
  }

  /** So much is used up. Returns how much to give back now: nothing until it is worth a frame. */
  giveBack(bytes: number): number {
    this.#used += bytes;
    if (this.#used < this.#size / 4) return 0;
    const back = this.#used;
    this.#room += back;
    this.#used = 0;
    return back;
  }
}
