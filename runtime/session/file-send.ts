import { fromBinary } from '@bufbuild/protobuf';
import { status as code } from '@grpc/grpc-js';
import { BytesMessageSchema } from '../../proto/gen/moby/buildkit/v1/control_pb.ts';
import type { ServerCall, SessionService } from './server.ts';
import { RpcError } from './server.ts';

const METHOD = '/moby.filesync.v1.FileSend/DiffCopy';
const EXPORTER_ID = 'buildkit-attachable-exporter-id';

/** Takes what an exporter sends, chunk by chunk; resolves when all of it is where it belongs. */
export type ArchiveSink = (
  chunks: AsyncIterable<Uint8Array>,
  options: { readonly signal: AbortSignal },
) => Promise<void>;

/**
 * Receives the archives that exporters send (`tar`, `oci`, `docker`), each by the place of its exporter in the request
 * (moby/buildkit `session/filesync`). The daemon takes the end of our answer as the sign that all has arrived.
 */
export function fileSendService(sinks: ReadonlyMap<number, ArchiveSink>): SessionService {
  return {
    [METHOD]: async (call) => {
      const id = Number(call.metadata(EXPORTER_ID)[0] ?? '0');
      const sink = sinks.get(id);
      if (!sink) throw new RpcError(code.NOT_FOUND, `no output was asked of exporter ${id}`);
      await sink(archive(call), { signal: call.signal });
    },
  };
}

async function* archive(call: ServerCall): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const message of call.messages) yield fromBinary(BytesMessageSchema, message).data;
}
