import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
import { Metadata, status } from '@grpc/grpc-js';
import { Content } from '../../proto/gen/containerd/services/content/v1/content_pb.ts';
import type {
  BuildHistoryRecord,
  BytesMessage,
  SolveRequestSchema,
  SolveResponse,
  StatusResponse,
} from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import { Control } from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import type {
  PongResponse,
  Result,
  ReturnRequestSchema,
  SolveRequestSchema as FrontendSolveRequestSchema,
} from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import { LLBBridge } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import type { WorkerRecord } from '../../proto/gen/moby/buildkit/v1/types/worker_pb.ts';
import type { CallOptions } from '../rpc/call.ts';
import { bidiStream, serverStream, unary } from '../rpc/call.ts';
import { describeEndpoint } from './describe-endpoint.ts';
import { dial } from './dial.ts';
import type { Endpoint } from './endpoint.ts';
import { wireError } from './error.ts';

/** Routes a gateway call to its build (moby/buildkit `frontend/gateway/grpcclient`). */
const BUILD_ID_KEY = 'buildkit-controlapi-buildid';

/** How long the first answer of a daemon may take, connection included. */
export const FIRST_ANSWER_MS = 20_000;

/** How long a daemon may take to name its capabilities (buildx waits as long). */
const PING_MS = 15_000;

type Signal = Pick<CallOptions, 'signal'>;

/**
 * One BuildKit daemon. Calls reject with grpc-js `ServiceError`s; `error.ts` turns those into failures.
 * Closing it (or leaving its `using` scope) ends every call still open.
 */
export class BuildkitClient implements Disposable {
  readonly endpoint: string;
  readonly #channel: Client;

  constructor(endpoint: Endpoint) {
    this.endpoint = describeEndpoint(endpoint);
    this.#channel = dial(endpoint);
  }

  /** The daemon's workers; the first platform of each is its native one. Also the test whether the daemon is there. */
  async workers({ signal }: Signal): Promise<readonly WorkerRecord[]> {
    const response = await unary(this.#channel, Control.method.listWorkers, {}, { signal, timeoutMs: FIRST_ANSWER_MS });
    return response.record;
  }

  /** The daemon's version; undefined for one too old to say (before 0.11). */
  async version({ signal }: Signal): Promise<string | undefined> {
    try {
      const response = await unary(this.#channel, Control.method.info, {}, { signal, timeoutMs: FIRST_ANSWER_MS });
      return response.buildkitVersion?.version;
    } catch (error) {
      if (wireError(error)?.code === status.UNIMPLEMENTED) return undefined;
      throw error;
    }
  }

  /** Runs one build to its end. With no frontend and no definition it waits for {@link Gateway.return}. */
  solve(request: MessageInitShape<typeof SolveRequestSchema>, { signal }: Signal): Promise<SolveResponse> {
    return unary(this.#channel, Control.method.solve, request, { signal });
  }

  /** What happens in a build, from its start, until it ends. May be asked for up to 6 s before the build is known. */
  status(ref: string, { signal }: Signal): AsyncGenerator<StatusResponse, void, undefined> {
    return serverStream(this.#channel, Control.method.status, { Ref: ref }, { signal });
  }

  /** The byte stream on which the daemon calls back; `metadata` names the session and its services. */
  session({
    signal,
    metadata,
  }: Signal & { readonly metadata: Metadata }): ClientDuplexStream<BytesMessage, BytesMessage> {
    return bidiStream(this.#channel, Control.method.session, { signal, metadata });
  }

  /** The record a daemon keeps of a build that has ended; undefined when it kept none. */
  async history(ref: string, { signal }: Signal): Promise<BuildHistoryRecord | undefined> {
    const events = serverStream(
      this.#channel,
      Control.method.listenBuildHistory,
      { Ref: ref, EarlyExit: true },
      { signal, timeoutMs: FIRST_ANSWER_MS },
    );
    for await (const event of events) if (event.record) return event.record;
    return undefined;
  }

  /** The bytes of one blob of the daemon's content store, in order. */
  async *readBlob(digest: string, { signal }: Signal): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const part of serverStream(this.#channel, Content.method.read, { digest }, { signal })) yield part.data;
  }

  /** The calls that may be made inside the running build `ref`. */
  gateway(ref: string): Gateway {
    return new Gateway(this.#channel, ref);
  }

  [Symbol.dispose](): void {
    this.#channel.close();
  }
}

/** What a client may do inside one running build (LLBBridge). */
export class Gateway {
  readonly #channel: Client;
  readonly #metadata: Metadata;

  constructor(channel: Client, ref: string) {
    this.#channel = channel;
    this.#metadata = new Metadata();
    this.#metadata.set(BUILD_ID_KEY, ref);
  }

  /** What the daemon and its frontends can do. */
  ping({ signal }: Signal): Promise<PongResponse> {
    return unary(this.#channel, LLBBridge.method.ping, {}, { signal, metadata: this.#metadata, timeoutMs: PING_MS });
  }

  /** Calls a frontend. Lazy: the result names steps that run when they are evaluated or exported. */
  async solve(
    request: MessageInitShape<typeof FrontendSolveRequestSchema>,
    { signal }: Signal,
  ): Promise<Result | undefined> {
    const response = await unary(this.#channel, LLBBridge.method.solve, request, { signal, metadata: this.#metadata });
    return response.result;
  }

  /** Runs the steps of one result now. */
  async evaluate(refId: string, { signal }: Signal): Promise<void> {
    await unary(this.#channel, LLBBridge.method.evaluate, { Ref: refId }, { signal, metadata: this.#metadata });
  }

  /** The size of a file in a result, in bytes; undefined when there is none of that name. */
  async fileSize(refId: string, path: string, { signal }: Signal): Promise<number | undefined> {
    try {
      const { stat } = await unary(
        this.#channel,
        LLBBridge.method.statFile,
        { Ref: refId, Path: path },
        { signal, metadata: this.#metadata },
      );
      return Number(stat?.size ?? 0n);
    } catch (error) {
      if (wireError(error)?.message.includes('no such file or directory') === true) return undefined;
      throw error;
    }
  }

  /** A file of a result, whole or its first bytes. */
  async readFile(
    refId: string,
    path: string,
    { signal, firstBytes }: Signal & { readonly firstBytes?: number },
  ): Promise<Uint8Array> {
    const range = firstBytes === undefined ? {} : { Range: { Length: BigInt(firstBytes) } };
    const response = await unary(
      this.#channel,
      LLBBridge.method.readFile,
      { Ref: refId, FilePath: path, ...range },
      { signal, metadata: this.#metadata },
    );
    return response.Data;
  }

  /** Gives the build its result, or the error it ends with. */
  async return(outcome: MessageInitShape<typeof ReturnRequestSchema>, { signal }: Signal): Promise<void> {
    await unary(this.#channel, LLBBridge.method.return, outcome, { signal, metadata: this.#metadata });
  }
}
