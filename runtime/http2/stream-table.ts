import type { Http2Error } from './http2-error.ts';
import type { Http2Stream } from './stream.ts';

/** As many streams as any peer should take, until it has said how many it does (RFC 9113, 6.5.2). */
const ASSUMED_STREAMS = 100;

/** The streams of one connection and their numbers. Only clients open any, which have the odd numbers, in ascending order. */
export class StreamTable {
  readonly #isClient: boolean;
  readonly #open = new Map<number, Http2Stream>();
  /** The last that was opened, by us as a client or by the other side. */
  #lastId = -1;
  /** How many may be open at once; undefined until that has been said. */
  #limit: number | undefined;

  constructor({ isClient }: { readonly isClient: boolean }) {
    this.#isClient = isClient;
  }

  /** Those that are open, in order. */
  get open(): Iterable<Http2Stream> {
    return this.#open.values();
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** Whether the other side takes another one now. */
  get hasRoom(): boolean {
    return this.#open.size < (this.#limit ?? ASSUMED_STREAMS);
  }

  /** The number of the next stream that we open. */
  get nextId(): number {
    return this.#lastId + 2;
  }

  /** The last stream that the other side has opened. */
  get lastPeerId(): number {
    return this.#isClient ? 0 : Math.max(this.#lastId, 0);
  }

  /** The stream, if it is open. */
  get(id: number): Http2Stream | undefined {
    return this.#open.get(id);
  }

  /** Whether a number has not been given to a stream yet; what is neither open nor idle is over. */
  isIdle(id: number): boolean {
    return id % 2 === 0 || id > this.#lastId;
  }

  /** Adds a stream with a number that is idle. */
  add(stream: Http2Stream): void {
    this.#lastId = stream.id;
    this.#open.set(stream.id, stream);
  }

  remove(stream: Http2Stream): void {
    this.#open.delete(stream.id);
  }

  /** The other side has told how many it takes at once: where it says nothing of that, as many as before, and at first any. */
  limitTo(count: number | undefined): void {
    this.#limit = count ?? this.#limit ?? Infinity;
  }

  /** Loses those with a number above this. */
  loseAfter(id: number, error: Http2Error): void {
    for (const stream of this.#open.values()) if (stream.id > id) stream.lose(error);
  }
}
