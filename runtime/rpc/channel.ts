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

/**
 * Calls to one gRPC server, on one connection that is made when the first of them begins, and again after it was lost. A server
 * takes so many calls at once on a connection (a Docker Engine 250, of which a build keeps two from its beginning to its end);
 * for those above that there are further connections. To wait would be no help: what the open calls wait for may be a call.
 */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #own = new AbortController();
  #connecting: Promise<Http2Connection> | undefined;
  /** Those that live, in the order in which they were made. */
  readonly #connections = new Set<Http2Connection>();

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  /** Whether there is a connection now. */
  get isConnected(): boolean {
    return [...this.#connections].some(({ isUsable }) => isUsable);
  }

  /**
   * Opens a call of a method (`/package.Service/Method`). Rejects with a {@link GrpcError}: UNAVAILABLE, with the cause in
   * words, when the peer cannot be reached; CANCELLED when the signal ended first.
   */
  async open(path: string, headers: Headers, { signal }: { readonly signal: AbortSignal }): Promise<Http2Stream> {
    const fields: Headers = [
      [':method', 'POST'],
      [':scheme', this.#options.isSecure ? 'https' : 'http'],
      [':path', path],
      [':authority', this.#options.authority],
      ['te', 'trailers'],
      ['content-type', 'application/grpc'],
      ...headers,
    ];
    for (;;) {
      if (signal.aborted) throw cancelled();
      const connection = this.#roomy() ?? (await cancellable(this.#another(), signal));
      // Of those who waited for one connection not all may find room on it.
      if (connection.isUsable && !connection.hasRoom) continue;
      try {
        return connection.request(fields);
      } catch (error) {
        throw unavailable(error);
      }
    }
  }

  /** Ends every call that is still open. */
  close(): void {
    this.#own.abort();
    for (const connection of this.#connections) connection.close();
  }

  #roomy(): Http2Connection | undefined {
    for (const connection of this.#connections) if (connection.hasRoom) return connection;
    return undefined;
  }

  #another(): Promise<Http2Connection> {
    if (this.#own.signal.aborted) return Promise.reject(new GrpcError(status.CANCELLED, 'the channel is closed'));
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
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    return connection;
  }
}

function unavailable(error: unknown): GrpcError {
  return new GrpcError(status.UNAVAILABLE, error instanceof Error ? error.message : String(error));
}

function cancelled(): GrpcError {
  return new GrpcError(status.CANCELLED, 'the call was cancelled');
}

function cancellable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(cancelled());
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([promise, ended]).finally(() => signal.removeEventListener('abort', onAbort));
}
