import type { MessageInitShape } from '@bufbuild/protobuf';
import { Content } from '../../proto/gen/containerd/services/content/v1/content_pb.ts';
import type {
  BuildHistoryRecord,
  SolveRequestSchema,
  SolveResponse,
} from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import { Control } from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import type { WorkerRecord } from '../../proto/gen/moby/buildkit/v1/types/worker_pb.ts';
import type { StatusUpdate } from '../event.ts';
import type { Wire, WireEvents } from '../http2/wire.ts';
import { lateWire } from '../http2/wire.ts';
import { openStream, serverStream, unary } from '../rpc/call.ts';
import type { Metadata } from '../rpc/metadata.ts';
import { retried, retriedStream } from '../rpc/retry.ts';
import { status } from '../rpc/status.ts';
import { tunnel } from '../session/tunnel.ts';
import type { BuildChange, BuildsRequest } from './build-history.ts';
import { buildChanges, buildRecord, updateRecord } from './build-history.ts';
import type { CacheRecord, PruneRequest } from './cache-record.ts';
import { cacheRecord } from './cache-record.ts';
import type { DaemonInfo, Signal } from './daemon-calls.ts';
import { DaemonCalls } from './daemon-calls.ts';
import { describeEndpoint } from './describe-endpoint.ts';
import { dial, isDocker, openInDocker } from './dial.ts';
import type { Endpoint } from './endpoint.ts';
import { wireError } from './error.ts';
import { Gateway } from './gateway.ts';
import { statusUpdate } from './status.ts';

/**
 * One BuildKit daemon. Calls reject with `GrpcError`s; `error.ts` turns those into failures.
 * Closing it (or leaving its `using` scope) ends every call still open.
 */
export class BuildkitClient implements Disposable {
  readonly endpoint: string;
  readonly #endpoint: Endpoint;
  readonly #calls: DaemonCalls;

  constructor(endpoint: Endpoint) {
    this.endpoint = describeEndpoint(endpoint);
    this.#endpoint = endpoint;
    this.#calls = new DaemonCalls(dial(endpoint));
  }

  /** The daemon's workers; the first platform of each is its native one. Also the test whether the daemon is there. */
  async workers(options: Signal): Promise<readonly WorkerRecord[]> {
    return (await this.#calls.ask(Control.method.listWorkers, {}, options)).record;
  }

  /** What the daemon says of itself; undefined for one too old to say (before 0.11). */
  info(options: Signal): Promise<DaemonInfo | undefined> {
    return this.#calls.info(options);
  }

  /** Whether there is a connection now: none is made before the first call. */
  get isConnected(): boolean {
    return this.#calls.channel.isConnected;
  }

  /**
   * Connects, if that has not been done. To be awaited before a call without a time limit: rejects with the cause when
   * nothing answers in 20 seconds.
   */
  ready(options: Signal): Promise<void> {
    return this.#calls.ready(options);
  }

  /** Resolves when the daemon says anything at all, or its connection is gone; has no time limit. */
  answer(options: Signal): Promise<void> {
    return this.#calls.answer(options);
  }

  /** What the daemon's build cache holds, the smallest first; with filters, what fits one of them (see {@link PruneRequest}). */
  async diskUsage({
    filters = [],
    signal,
  }: Signal & { readonly filters?: readonly string[] }): Promise<readonly CacheRecord[]> {
    const request = { filter: [...filters] };
    const response = await this.#calls.watched({ signal }, (inner) =>
      retried(() => unary(this.#calls.channel, Control.method.diskUsage, request, inner), inner),
    );
    return response.record.map(cacheRecord).toSorted((a, b) => a.sizeBytes - b.sizeBytes || (a.id < b.id ? -1 : 1));
  }

  /** Removes from the build cache; yields every record that is gone. Never made twice. */
  async *prune(request: PruneRequest, { signal }: Signal): AsyncGenerator<CacheRecord, void, undefined> {
    const wire = {
      filter: [...request.filters],
      all: request.all ?? false,
      keepDuration: request.keepDuration ?? 0n,
      reservedSpace: BigInt(request.reservedSpace ?? 0),
      maxUsedSpace: BigInt(request.maxUsedSpace ?? 0),
      minFreeSpace: BigInt(request.minFreeSpace ?? 0),
    };
    const records = this.#calls.watchedStream({ signal }, (inner) =>
      serverStream(this.#calls.channel, Control.method.prune, wire, inner),
    );
    for await (const record of records) yield cacheRecord(record);
  }

  /** Runs one build to its end. With no frontend and no definition it waits for {@link Gateway.return}. */
  solve(request: MessageInitShape<typeof SolveRequestSchema>, { signal }: Signal): Promise<SolveResponse> {
    return unary(this.#calls.channel, Control.method.solve, request, { signal });
  }

  /** What happens in a build, from its start, until it ends. May be asked for up to 6 s before the build is known. */
  async *status(ref: string, options: Signal): AsyncGenerator<StatusUpdate, void, undefined> {
    const responses = this.#calls.watchedStream(options, (inner) =>
      retriedStream(() => serverStream(this.#calls.channel, Control.method.status, { Ref: ref }, inner), inner),
    );
    for await (const response of responses) yield statusUpdate(response);
  }

  /**
   * The byte stream on which the daemon calls back; `metadata` names the session and its services. A Docker Engine gives it a
   * connection of its own, which spares every byte of a context a second framing; elsewhere it is a call among the others.
   */
  session({ signal, metadata }: Signal & { readonly metadata: Metadata }): (events: WireEvents) => Wire {
    const endpoint = this.#endpoint;
    if (isDocker(endpoint)) {
      const headers = metadata.headers();
      return (events) => lateWire(openInDocker(endpoint, '/session', headers, { signal }), events, signal);
    }
    return (events) => tunnel(openStream(this.#calls.channel, Control.method.session, { signal, metadata }), events);
  }

  /** The record a daemon keeps of a build that has ended; undefined when it kept none. */
  history(ref: string, options: Signal): Promise<BuildHistoryRecord | undefined> {
    return buildRecord(this.#calls, ref, options);
  }

  /**
   * The builds a daemon knows of: first those of the past and the running ones, then, when they are followed, each change
   * as it happens, until the signal ends it. A daemon before 0.20 takes no notice of `filters` and `limit`.
   */
  builds(request: BuildsRequest, options: Signal): AsyncGenerator<BuildChange, void, undefined> {
    return buildChanges(this.#calls, request, options);
  }

  /** Keeps the record of a build for good, or no longer. Rejects with NOT_FOUND when there is none. */
  pinBuild(ref: string, { isPinned, signal }: Signal & { readonly isPinned: boolean }): Promise<void> {
    return updateRecord(this.#calls, { Ref: ref, Pinned: isPinned }, { signal });
  }

  /** Forgets a build that has ended. */
  deleteBuild(ref: string, { signal }: Signal): Promise<void> {
    return updateRecord(this.#calls, { Ref: ref, Delete: true }, { signal });
  }

  /** Has the logs and traces of a build that has ended written to the content store now. A daemon before 0.15 does not. */
  finalizeBuild(ref: string, { signal }: Signal): Promise<void> {
    return updateRecord(this.#calls, { Ref: ref, Finalize: true }, { signal });
  }

  /** The bytes of one blob of the daemon's content store from `offset` on, in order. */
  async *readBlob(
    digest: string,
    { signal, offset = 0 }: Signal & { readonly offset?: number },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const request = { digest, offset: BigInt(offset) };
    const parts = this.#calls.watchedStream({ signal }, (inner) =>
      serverStream(this.#calls.channel, Content.method.read, request, inner),
    );
    for await (const part of parts) yield part.data;
  }

  /** Whether a blob is in the daemon's content store. */
  async hasBlob(digest: string, options: Signal): Promise<boolean> {
    try {
      await this.#calls.ask(Content.method.info, { digest }, options);
      return true;
    } catch (error) {
      if (wireError(error)?.code === status.NOT_FOUND) return false;
      throw error;
    }
  }

  /** The calls that may be made inside the running build `ref`. */
  gateway(ref: string): Gateway {
    return new Gateway(this.#calls.channel, ref);
  }

  [Symbol.dispose](): void {
    this.#calls.channel.close();
  }
}
