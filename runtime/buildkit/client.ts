import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ReadContentResponse } from '../../proto/gen/containerd/services/content/v1/content_pb.ts';
import { Content } from '../../proto/gen/containerd/services/content/v1/content_pb.ts';
import type {
  BuildHistoryEvent,
  BuildHistoryRecord,
  DiskUsageResponse,
  SolveRequestSchema,
  SolveResponse,
  StatusResponse,
  UpdateBuildHistoryRequestSchema,
  UsageRecord,
} from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import { BuildHistoryEventType, Control } from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import type { WorkerRecord } from '../../proto/gen/moby/buildkit/v1/types/worker_pb.ts';
import type { StatusUpdate } from '../event.ts';
import type { CallOptions } from '../rpc/call.ts';
import type { Wire, WireEvents } from '../http2/wire.ts';
import { lateWire } from '../http2/wire.ts';
import { openStream, serverStream, unary } from '../rpc/call.ts';
import type { Channel } from '../rpc/channel.ts';
import type { Metadata } from '../rpc/metadata.ts';
import { status } from '../rpc/status.ts';
import { tunnel } from '../session/tunnel.ts';
import { retried, retriedStream } from '../rpc/retry.ts';
import type { CacheRecord, PruneRequest } from './cache-record.ts';
import { cacheRecord } from './cache-record.ts';
import { describeEndpoint } from './describe-endpoint.ts';
import { dial, isDocker, openInDocker } from './dial.ts';
import type { Endpoint } from './endpoint.ts';
import { wireError } from './error.ts';
import { Gateway } from './gateway.ts';
import { watchSilence } from './silence.ts';
import { statusUpdate } from './status.ts';

/** How long the first answer of a daemon may take, connection included. */
export const FIRST_ANSWER_MS = 20_000;

/** What a daemon says of itself. */
export interface DaemonInfo {
  /** `v0.25.2`, `v0.25.2-moby`, or a word that is no version (`v0.0.0+unknown`). */
  readonly version: string;
  readonly revision: string;
  /** Of the Dockerfile frontend inside it; empty before 0.30. */
  readonly dockerfileVersion: string;
}

/** Which builds are asked for. */
export interface BuildsRequest {
  readonly activeOnly?: boolean;
  /** A build has to fit one of them, and all comma-separated terms of it: `status==error,startedAt>1h`. */
  readonly filters?: readonly string[];
  /** The newest so many; 0 for all. */
  readonly limit?: number;
  readonly follow?: boolean;
}

/** One thing that happened to a daemon's record of a build. */
export interface BuildChange {
  readonly is: 'started' | 'complete' | 'deleted';
  readonly record: BuildHistoryRecord;
}

type Signal = Pick<CallOptions, 'signal'>;

/**
 * One BuildKit daemon. Calls reject with `GrpcError`s; `error.ts` turns those into failures.
 * Closing it (or leaving its `using` scope) ends every call still open.
 */
export class BuildkitClient implements Disposable {
  readonly endpoint: string;
  readonly #endpoint: Endpoint;
  readonly #channel: Channel;

  constructor(endpoint: Endpoint) {
    this.endpoint = describeEndpoint(endpoint);
    this.#endpoint = endpoint;
    this.#channel = dial(endpoint);
  }

  /** The daemon's workers; the first platform of each is its native one. Also the test whether the daemon is there. */
  async workers({ signal }: Signal): Promise<readonly WorkerRecord[]> {
    const options = { signal, timeoutMs: FIRST_ANSWER_MS };
    const response = await retried(() => unary(this.#channel, Control.method.listWorkers, {}, options), options);
    return response.record;
  }

  /** What the daemon says of itself; undefined for one too old to say (before 0.11). */
  async info({ signal }: Signal): Promise<DaemonInfo | undefined> {
    const options = { signal, timeoutMs: FIRST_ANSWER_MS };
    try {
      const response = await retried(() => unary(this.#channel, Control.method.info, {}, options), options);
      const { version = '', revision = '', dockerfileVersion = '' } = response.buildkitVersion ?? {};
      return { version, revision, dockerfileVersion };
    } catch (error) {
      if (wireError(error)?.code === status.UNIMPLEMENTED) return undefined;
      throw error;
    }
  }

  /** Whether there is a connection now: none is made before the first call. */
  get isConnected(): boolean {
    return this.#channel.isConnected;
  }

  /**
   * Connects, if that has not been done. To be awaited before a call without a time limit: rejects with the cause when
   * nothing answers in 20 seconds.
   */
  async ready({ signal }: Signal): Promise<void> {
    if (!this.isConnected) await this.info({ signal });
  }

  /** Resolves when the daemon says anything at all, or its connection is gone; has no time limit. */
  async answer({ signal }: Signal): Promise<void> {
    try {
      await unary(this.#channel, Control.method.info, {}, { signal });
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }

  /** What the daemon's build cache holds, the smallest first; with filters, what fits one of them (see {@link PruneRequest}). */
  async diskUsage({
    filters = [],
    signal,
  }: Signal & { readonly filters?: readonly string[] }): Promise<readonly CacheRecord[]> {
    const request = { filter: [...filters] };
    const call = (inner: AbortSignal): Promise<DiskUsageResponse> =>
      retried(() => unary(this.#channel, Control.method.diskUsage, request, { signal: inner }), { signal: inner });
    const response = await this.#watched(signal, call);
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
    await this.ready({ signal });
    const open = (inner: AbortSignal): AsyncGenerator<UsageRecord, void, undefined> =>
      serverStream(this.#channel, Control.method.prune, wire, { signal: inner });
    for await (const record of this.#watchedStream(signal, open)) yield cacheRecord(record);
  }

  /** Runs one build to its end. With no frontend and no definition it waits for {@link Gateway.return}. */
  solve(request: MessageInitShape<typeof SolveRequestSchema>, { signal }: Signal): Promise<SolveResponse> {
    return unary(this.#channel, Control.method.solve, request, { signal });
  }

  /** What happens in a build, from its start, until it ends. May be asked for up to 6 s before the build is known. */
  async *status(ref: string, { signal }: Signal): AsyncGenerator<StatusUpdate, void, undefined> {
    const open = (inner: AbortSignal): AsyncGenerator<StatusResponse, void, undefined> =>
      retriedStream(() => serverStream(this.#channel, Control.method.status, { Ref: ref }, { signal: inner }), {
        signal: inner,
      });
    for await (const response of this.#watchedStream(signal, open)) yield statusUpdate(response);
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
    return (events) => tunnel(openStream(this.#channel, Control.method.session, { signal, metadata }), events);
  }

  /** The record a daemon keeps of a build that has ended; undefined when it kept none. */
  async history(ref: string, { signal }: Signal): Promise<BuildHistoryRecord | undefined> {
    const options = { signal, timeoutMs: FIRST_ANSWER_MS };
    const request = { Ref: ref, EarlyExit: true };
    const open = (): AsyncGenerator<BuildHistoryEvent, void, undefined> =>
      serverStream(this.#channel, Control.method.listenBuildHistory, request, options);
    for await (const event of retriedStream(open, options)) if (event.record) return event.record;
    return undefined;
  }

  /**
   * The builds a daemon knows of: first those of the past and the running ones, then, when they are followed, each change
   * as it happens, until the signal ends it. A daemon before 0.20 takes no notice of `filters` and `limit`.
   */
  async *builds(
    { activeOnly = false, filters = [], limit = 0, follow = false }: BuildsRequest,
    { signal }: Signal,
  ): AsyncGenerator<BuildChange, void, undefined> {
    const request = { ActiveOnly: activeOnly, Filter: [...filters], Limit: limit, EarlyExit: !follow };
    const open = (inner: AbortSignal): AsyncGenerator<BuildHistoryEvent, void, undefined> =>
      retriedStream(() => serverStream(this.#channel, Control.method.listenBuildHistory, request, { signal: inner }), {
        signal: inner,
      });
    for await (const { type, record } of this.#watchedStream(signal, open)) {
      if (record !== undefined) yield { is: changeOf(type), record };
    }
  }

  /** Keeps the record of a build for good, or no longer. Rejects with NOT_FOUND when there is none. */
  async pinBuild(ref: string, { isPinned, signal }: Signal & { readonly isPinned: boolean }): Promise<void> {
    await this.#updateHistory({ Ref: ref, Pinned: isPinned }, signal);
  }

  /** Forgets a build that has ended. */
  async deleteBuild(ref: string, { signal }: Signal): Promise<void> {
    await this.#updateHistory({ Ref: ref, Delete: true }, signal);
  }

  /** Has the logs and traces of a build that has ended written to the content store now. A daemon before 0.15 does not. */
  async finalizeBuild(ref: string, { signal }: Signal): Promise<void> {
    await this.#updateHistory({ Ref: ref, Finalize: true }, signal);
  }

  /** The bytes of one blob of the daemon's content store from `offset` on, in order. */
  async *readBlob(
    digest: string,
    { signal, offset = 0 }: Signal & { readonly offset?: number },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const request = { digest, offset: BigInt(offset) };
    const open = (inner: AbortSignal): AsyncGenerator<ReadContentResponse, void, undefined> =>
      serverStream(this.#channel, Content.method.read, request, { signal: inner });
    for await (const part of this.#watchedStream(signal, open)) yield part.data;
  }

  /** Whether a blob is in the daemon's content store. */
  async hasBlob(digest: string, { signal }: Signal): Promise<boolean> {
    const options = { signal, timeoutMs: FIRST_ANSWER_MS };
    try {
      await retried(() => unary(this.#channel, Content.method.info, { digest }, options), options);
      return true;
    } catch (error) {
      if (wireError(error)?.code === status.NOT_FOUND) return false;
      throw error;
    }
  }

  /** The calls that may be made inside the running build `ref`. */
  gateway(ref: string): Gateway {
    return new Gateway(this.#channel, ref);
  }

  [Symbol.dispose](): void {
    this.#channel.close();
  }

  async #updateHistory(
    request: MessageInitShape<typeof UpdateBuildHistoryRequestSchema>,
    signal: AbortSignal,
  ): Promise<void> {
    const options = { signal, timeoutMs: FIRST_ANSWER_MS };
    await unary(this.#channel, Control.method.updateBuildHistory, request, options);
  }

  /** Ends a call without a time limit when the daemon has fallen silent. */
  async #watched<T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    await this.ready({ signal });
    using watch = watchSilence((options) => this.answer(options));
    try {
      return await call(AbortSignal.any([signal, watch.lost]));
    } catch (error) {
      throw watch.lost.aborted ? watch.lost.reason : error;
    }
  }

  async *#watchedStream<T>(
    signal: AbortSignal,
    open: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
  ): AsyncGenerator<T, void, undefined> {
    await this.ready({ signal });
    using watch = watchSilence((options) => this.answer(options));
    try {
      for await (const one of open(AbortSignal.any([signal, watch.lost]))) {
        watch.heard();
        yield one;
      }
    } catch (error) {
      throw watch.lost.aborted ? watch.lost.reason : error;
    }
  }
}

function changeOf(type: BuildHistoryEventType): BuildChange['is'] {
  if (type === BuildHistoryEventType.DELETED) return 'deleted';
  return type === BuildHistoryEventType.COMPLETE ? 'complete' : 'started';
}
