import { fromBinary } from '@bufbuild/protobuf';
import { GrpcError, status as code } from '../rpc/status.ts';
import { BytesMessageSchema } from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import { receiveTree } from '../files/receive.ts';
import type { ServerCall, SessionService } from './server.ts';

const METHOD = '/moby.filesync.v1.FileSend/DiffCopy';
const EXPORTER_ID = 'buildkit-attachable-exporter-id';

/** Says that this one transfer is all of the export, whatever its platforms; only then may other files be removed. */
const WHOLE_EXPORT = 'buildkit-exporter-multi-platform';

/** Takes what an exporter sends, chunk by chunk; resolves when all of it is where it belongs. */
export type ArchiveSink = (
  chunks: AsyncIterable<Uint8Array>,
  options: { readonly signal: AbortSignal },
) => Promise<void>;

/** A folder that the `local` exporter fills, on several calls at once where there are several platforms. */
export interface FolderSink {
  readonly folder: string;
  /** Whether what is not sent is removed from it. */
  readonly deletes: boolean;
}

/**
 * Receives what exporters send, each by the place of its exporter in the request (moby/buildkit `session/filesync`): archives
 * (`tar`, `oci`, `docker`) as bytes, trees (`local`) as packets. The daemon takes the end of our answer as the sign that all
 * has arrived.
 */
export function fileSendService(sinks: ReadonlyMap<number, ArchiveSink | FolderSink>): SessionService {
  return {
    [METHOD]: async (call) => {
      const id = Number(call.metadata(EXPORTER_ID)[0] ?? '0');
      const sink = sinks.get(id);
      if (!sink) throw new GrpcError(code.NOT_FOUND, `no output was asked of exporter ${id}`);
      if (typeof sink === 'function') return sink(archive(call), { signal: call.signal });
      if (sink.deletes && call.metadata(WHOLE_EXPORT)[0] !== '1') {
        throw new GrpcError(code.FAILED_PRECONDITION, 'mode=delete needs a newer builder, with BuildKit 0.31 or later');
      }
      return receiveTree(sink, call);
    },
  };
}

async function* archive(call: ServerCall): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const message of call.messages) yield fromBinary(BytesMessageSchema, message).data;
}
