import type { Duplex } from 'node:stream';
import { Http2Connection } from '../http2/connection.ts';
import type { Headers } from '../http2/hpack.ts';
import type { Http2Stream } from '../http2/stream.ts';
import { streamWire } from '../http2/wire.ts';
import { GrpcError, status } from './status.ts';

/** How a channel reaches its peer. */
export interface ChannelOptions {
  /** Makes a connection that speaks HTTP/2 from its first byte on. Rejects with what to tell the user. */
  readonly connect: (options: { readonly signal: AbortSignal }) => Promise<Duplex>;
  readonly authority: string;
  readonly isSecure: boolean;
}

/** Calls to one gRPC server, on one connection that is made when the first of them begins, and again after it was lost. */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #own = new AbortController();
  #connecting: Promise<Http2Connection> | undefined;
  #connection: Http2Connection | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  /** Whether there is a connection now. */
  get isConnected(): boolean {
    return this.#connection?.isUsable === true;
  }

  /**
   * Opens a call of a method (`/package.Service/Method`). Rejects with a {@link GrpcError}: UNAVAILABLE, with the cause in
   * words, when the peer cannot be reached; CANCELLED when the signal ended first.
   */
  async open(path: string, headers: Headers, { signal }: { readonly signal: AbortSignal }): Promise<Http2Stream> {
    const connection = await cancellable(this.#usable(), signal);
    try {
      return connection.request([
        [':method', 'POST'],
        [':scheme', this.#options.isSecure ? 'https' : 'http'],
        [':path', path],
        [':authority', this.#options.authority],
        ['te', 'trailers'],
        ['content-type', 'application/grpc'],
        ...headers,
      ]);
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** Ends every call that is still open. */
  close(): void {
    this.#own.abort();
    this.#connection?.close();
  }

  #usable(): Promise<Http2Connection> {
    if (this.#own.signal.aborted) return Promise.reject(new GrpcError(status.CANCELLED, 'the channel is closed'));
    if (this.#connection?.isUsable === true) return Promise.resolve(this.#connection);
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  async #connect(): Promise<Http2Connection> {
    let socket: Duplex;
    try {
      socket = await this.#options.connect({ signal: this.#own.signal });
    } catch (error) {
      throw unavailable(error);
    }
    const connection = new Http2Connection({ role: 'client', open: (events) => streamWire(socket, events) });
    if (this.#own.signal.aborted) connection.close();
    this.#connection = connection;
    return connection;
  }
}

function unavailable(error: unknown): GrpcError {
  return new GrpcError(status.UNAVAILABLE, error instanceof Error ? error.message : String(error));
}

function cancellable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: cancelled, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new GrpcError(status.CANCELLED, 'the call was cancelled'));
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([promise, cancelled]).finally(() => signal.removeEventListener('abort', onAbort));
}
