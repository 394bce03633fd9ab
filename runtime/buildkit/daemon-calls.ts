import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { Control } from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import type { CallOptions } from '../rpc/call.ts';
import { unary } from '../rpc/call.ts';
import type { Channel } from '../rpc/channel.ts';
import { retried } from '../rpc/retry.ts';
import { status } from '../rpc/status.ts';
import { wireError } from './error.ts';
import { watchSilence } from './silence.ts';

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

/** What ends a call. */
export type Signal = Pick<CallOptions, 'signal'>;

/** How calls are made to one daemon: with a time limit, or watched for its silence; a question again where it was not heard. */
export class DaemonCalls {
  readonly channel: Channel;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  /** A call that changes nothing and is answered soon. */
  ask<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    { signal }: Signal,
  ): Promise<MessageShape<O>> {
    const options = { signal, timeoutMs: FIRST_ANSWER_MS };
    return retried(() => unary(this.channel, method, request, options), options);
  }

  /** What the daemon says of itself; undefined for one too old to say (before 0.11). */
  async info(options: Signal): Promise<DaemonInfo | undefined> {
    try {
      const response = await this.ask(Control.method.info, {}, options);
      const { version = '', revision = '', dockerfileVersion = '' } = response.buildkitVersion ?? {};
      return { version, revision, dockerfileVersion };
    } catch (error) {
      if (wireError(error)?.code === status.UNIMPLEMENTED) return undefined;
      throw error;
    }
  }

  /** Connects, if that has not been done. */
  async ready(options: Signal): Promise<void> {
    if (!this.channel.isConnected) await this.info(options);
  }

  /** Resolves when the daemon says anything at all, or its connection is gone; has no time limit. */
  async answer({ signal }: Signal): Promise<void> {
    try {
      await unary(this.channel, Control.method.info, {}, { signal });
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }

  /** Makes a call without a time limit, and ends it when the daemon has fallen silent. */
  async watched<T>({ signal }: Signal, call: (options: Signal) => Promise<T>): Promise<T> {
    await this.ready({ signal });
    using watch = watchSilence((options) => this.answer(options));
    try {
      return await call({ signal: AbortSignal.any([signal, watch.lost]) });
    } catch (error) {
      throw watch.lost.aborted ? watch.lost.reason : error;
    }
  }

  /** The same of a stream, every message of which is a sign of life. */
  async *watchedStream<T>(
    { signal }: Signal,
    open: (options: Signal) => AsyncGenerator<T, void, undefined>,
  ): AsyncGenerator<T, void, undefined> {
    await this.ready({ signal });
    using watch = watchSilence((options) => this.answer(options));
    try {
      for await (const one of open({ signal: AbortSignal.any([signal, watch.lost]) })) {
        watch.heard();
        yield one;
      }
    } catch (error) {
      throw watch.lost.aborted ? watch.lost.reason : error;
    }
  }
}
