import { create, toBinary } from '@bufbuild/protobuf';
import { GrpcError, status as code } from '../rpc/status.ts';
import { BytesMessageSchema } from '../../proto/gen/moby/upload/v1/upload_pb.ts';
import { abortable } from './abortable.ts';
import type { SessionService } from './server.ts';

const METHOD = '/moby.upload.v1.Upload/Pull';

/** A quarter of the daemon's limit for one message of 4 MiB; larger chunks are cut. */
const MESSAGE_BYTES = 1024 * 1024;

/** The address under which the daemon asks for a stream of {@link uploadService}. */
export function uploadUrl(id: string): string {
  return `http://buildkit-session/${id}`;
}

/**
 * Hands streams to the daemon, which fetches each from {@link uploadUrl} of its id, as if by http, once: a context from
 * standard input (moby/buildkit `session/upload`). A stream is read only as fast as the daemon takes it, and let go of
 * when it gives up, also in the midst of a read; the ids are unguessable (`randomId`).
 */
export function uploadService(streams: ReadonlyMap<string, AsyncIterable<Uint8Array>>): SessionService {
  const waiting = new Map(streams);
  return {
    [METHOD]: async (call) => {
      const asked = call.metadata('urlpath')[0] ?? '';
      const id = asked.slice(asked.lastIndexOf('/') + 1);
      const stream = waiting.get(id);
      if (stream === undefined) throw new GrpcError(code.NOT_FOUND, `no http response from session for ${id}`);
      waiting.delete(id);
      for await (const chunk of abortable(stream, call.signal)) {
        for (let at = 0; at < chunk.length; at += MESSAGE_BYTES) {
          const data = chunk.subarray(at, at + MESSAGE_BYTES);
          await call.send(toBinary(BytesMessageSchema, create(BytesMessageSchema, { data })));
        }
      }
    },
  };
}
