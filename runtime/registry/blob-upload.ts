import type { Digest } from '../oci/digest.ts';
import type { Asked, Exchange } from './exchange.ts';
import { RegistryError } from './registry-error.ts';
import type { RegistryAnswer } from './transport.ts';

/** A blob that is to be in a repository. */
export interface BlobUpload {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** Its bytes from the beginning; called again for every attempt. */
  readonly read: () => AsyncIterable<Uint8Array>;
  /** Repositories of the same registry that may have it already (names without the registry). */
  readonly mountFrom?: readonly string[];
  readonly onProgress?: (sentBytes: number) => void;
}

/** Where a blob goes. */
export interface UploadTarget {
  readonly exchange: Exchange;
  /** Without its registry. */
  readonly repository: string;
  readonly signal: AbortSignal;
}

const NOTHING = Buffer.alloc(0);

/** Takes a blob over from another repository of the registry, without moving it; false where that cannot be done. */
export async function mountBlob(
  digest: Digest,
  from: string,
  { exchange, repository, signal }: UploadTarget,
): Promise<boolean> {
  const query = new URLSearchParams({ mount: digest, from });
  const answer = await exchange.ask({
    what: `taking a blob over from ${from} into ${repository}`,
    path: `/v2/${repository}/blobs/uploads/?${query.toString()}`,
    request: { method: 'POST', body: () => NOTHING },
    scopes: [`repository:${repository}:pull,push`, `repository:${from}:pull`],
    signal,
  });
  await answer.body.dump();
  return answer.statusCode === 201;
}

/**
 * Sends a blob: one POST that opens an upload, one PUT with all of it (OCI distribution spec, "Pushing a blob monolithically").
 * Throws a {@link RegistryError}; it is temporary where the registry has lost the upload, which then is to be begun again.
 */
export async function uploadBlob(
  { digest, size, read, onProgress }: BlobUpload,
  { exchange, repository, signal }: UploadTarget,
): Promise<void> {
  const scopes = [`repository:${repository}:pull,push`];
  const opening: Asked = {
    what: `pushing a blob of ${repository}`,
    path: `/v2/${repository}/blobs/uploads/`,
    request: { method: 'POST', body: () => NOTHING },
    scopes,
    signal,
  };
  const opened = await exchange.ask(opening);
  const { location } = opened.headers;
  if (opened.statusCode !== 202 || typeof location !== 'string') throw await exchange.refused(opening, opened);
  await opened.body.dump();
  const url = new URL(location, await exchange.origin({ signal }));
  url.searchParams.set('digest', digest);
  const sending: Asked = {
    ...opening,
    path: url.href,
    request: {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
      body: () => counted(read(), onProgress),
    },
  };
  const answer = await exchange.ask(sending);
  if (answer.statusCode !== 201) throw await lostOrRefused(sending, answer, exchange);
  await answer.body.dump();
}

async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  onProgress: BlobUpload['onProgress'],
): AsyncGenerator<Uint8Array, void, undefined> {
  let sent = 0;
  for await (const chunk of bytes) {
    yield chunk;
    sent += chunk.length;
    onProgress?.(sent);
  }
}

async function lostOrRefused(asked: Asked, answer: RegistryAnswer, exchange: Exchange): Promise<RegistryError> {
  const { message, registry, status, reasons, isTemporary, retryAfterMs } = await exchange.refused(asked, answer);
  return new RegistryError(message, {
    registry,
    status,
    reasons,
    isTemporary: isTemporary || status === 404,
    retryAfterMs,
  });
}
