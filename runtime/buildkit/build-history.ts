import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  BuildHistoryRecord,
  UpdateBuildHistoryRequestSchema,
} from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import { BuildHistoryEventType, Control } from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import { serverStream, unary } from '../rpc/call.ts';
import { retriedStream } from '../rpc/retry.ts';
import type { DaemonCalls, Signal } from './daemon-calls.ts';
import { FIRST_ANSWER_MS } from './daemon-calls.ts';

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

/** The record of one build that has ended; undefined when the daemon kept none. */
export async function buildRecord(
  { channel }: DaemonCalls,
  ref: string,
  { signal }: Signal,
): Promise<BuildHistoryRecord | undefined> {
  const options = { signal, timeoutMs: FIRST_ANSWER_MS };
  const request = { Ref: ref, EarlyExit: true };
  const open = () => serverStream(channel, Control.method.listenBuildHistory, request, options);
  for await (const event of retriedStream(open, options)) if (event.record) return event.record;
  return undefined;
}

/** The records of builds, and each change of them while they are followed. */
export async function* buildChanges(
  calls: DaemonCalls,
  { activeOnly = false, filters = [], limit = 0, follow = false }: BuildsRequest,
  options: Signal,
): AsyncGenerator<BuildChange, void, undefined> {
  const request = { ActiveOnly: activeOnly, Filter: [...filters], Limit: limit, EarlyExit: !follow };
  const events = calls.watchedStream(options, (inner) =>
    retriedStream(() => serverStream(calls.channel, Control.method.listenBuildHistory, request, inner), inner),
  );
  for await (const { type, record } of events) {
    if (record !== undefined) yield { is: changeOf(type), record };
  }
}

/** Changes the record of a build: never made twice. */
export async function updateRecord(
  { channel }: DaemonCalls,
  request: MessageInitShape<typeof UpdateBuildHistoryRequestSchema>,
  { signal }: Signal,
): Promise<void> {
  await unary(channel, Control.method.updateBuildHistory, request, { signal, timeoutMs: FIRST_ANSWER_MS });
}

function changeOf(type: BuildHistoryEventType): BuildChange['is'] {
  if (type === BuildHistoryEventType.DELETED) return 'deleted';
  return type === BuildHistoryEventType.COMPLETE ? 'complete' : 'started';
}
