import { GrpcError, status } from './status.ts';

/** BuildKit's own limit for one message, both ways (moby/buildkit `client/client.go`). */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

const PREFIX_BYTES = 5;

/** What stands before a message: that it is not compressed, and its length (gRPC over HTTP/2, Length-Prefixed-Message). */
export function messagePrefix(parts: readonly Uint8Array[]): Buffer {
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix[0] = 0;
  prefix.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.length, 0),
    1,
  );
  return prefix;
}

/** The messages in a stream of bytes. Throws a {@link GrpcError} for what is none, or too large. */
export async function* messagesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let wanted = PREFIX_BYTES;
  for await (const chunk of chunks) {
    pending.push(chunk);
    pendingBytes += chunk.length;
    if (pendingBytes < wanted) continue;
    let rest = pending.length === 1 ? chunk : Buffer.concat(pending, pendingBytes);
    for (;;) {
      wanted = rest.length < PREFIX_BYTES ? PREFIX_BYTES : PREFIX_BYTES + messageLength(rest);
      if (rest.length < wanted) break;
      yield rest.subarray(PREFIX_BYTES, wanted);
      rest = rest.subarray(wanted);
    }
    pending = rest.length > 0 ? [rest] : [];
    pendingBytes = rest.length;
  }
  if (pendingBytes > 0) throw new GrpcError(status.INTERNAL, 'a message ended too early');
}

/** The length that a prefix tells. Throws a {@link GrpcError} for a message that we do not take. */
export function messageLength(prefix: Buffer): number {
  if (prefix[0] !== 0) throw new GrpcError(status.UNIMPLEMENTED, 'compressed messages are not taken');
  const length = prefix.readUInt32BE(1);
  if (length > MAX_MESSAGE_BYTES)
    throw new GrpcError(status.RESOURCE_EXHAUSTED, `a message of ${length} bytes is too large: 16 MB are the limit`);
  return length;
}
