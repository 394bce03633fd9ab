import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  PongResponse,
  Result,
  ReturnRequestSchema,
  SolveRequestSchema,
} from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import { LLBBridge } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import type { CallOptions } from '../rpc/call.ts';
import { unary } from '../rpc/call.ts';
import type { Channel } from '../rpc/channel.ts';
import { Metadata } from '../rpc/metadata.ts';
import { wireError } from './error.ts';

/** Routes a gateway call to its build (moby/buildkit `frontend/gateway/grpcclient`). */
const BUILD_ID_KEY = 'buildkit-controlapi-buildid';

/** How long a daemon may take to name its capabilities (buildx waits as long). */
const PING_MS = 15_000;

type Signal = Pick<CallOptions, 'signal'>;

/** What a client may do inside one running build (LLBBridge). */
export class Gateway {
  readonly #channel: Channel;
  readonly #metadata: Metadata;

  constructor(channel: Channel, ref: string) {
    this.#channel = channel;
    this.#metadata = new Metadata().add(BUILD_ID_KEY, ref);
  }

  /** What the daemon and its frontends can do. */
  ping({ signal }: Signal): Promise<PongResponse> {
    return unary(this.#channel, LLBBridge.method.ping, {}, { signal, metadata: this.#metadata, timeoutMs: PING_MS });
  }

  /** Calls a frontend. Lazy: the result names steps that run when they are evaluated or exported. */
  async solve(request: MessageInitShape<typeof SolveRequestSchema>, { signal }: Signal): Promise<Result | undefined> {
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
