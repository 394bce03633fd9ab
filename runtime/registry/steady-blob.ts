import { setTimeout as delay } from 'node:timers/promises';
import type { Digest } from '../oci/digest.ts';
import { Digester } from '../oci/digest.ts';
import type { RegistryClient } from './client.ts';
import { RegistryError } from './registry-error.ts';

/** A blob of a repository. */
export interface StoredBlob {
  /** Without its registry. */
  readonly repository: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

/** How often a connection may break off before a byte of it came. */
const MAX_BREAKS = 5;

const PAUSE_MS = 500;

/**
 * The bytes of a blob to its end: a transfer that breaks off is taken up where it was. Throws a {@link RegistryError} also for
 * bytes of another digest, when all of them have been given.
 */
export async function* steadyBlob(
  client: RegistryClient,
  { repository, digest, size }: StoredBlob,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = new Digester(digest);
  let offset = 0;
  for (let breaks = 0; offset < size || offset === 0;) {
    const before = offset;
    try {
      for await (const chunk of client.readBlob(repository, digest, { offset, signal })) {
        digester.update(chunk);
        offset += chunk.length;
        yield chunk;
      }
      break;
    } catch (error) {
      signal.throwIfAborted();
      breaks = offset > before ? 1 : breaks + 1;
      if (!(error instanceof RegistryError) || !error.isTemporary || breaks > MAX_BREAKS) throw error;
      await delay(PAUSE_MS * breaks, undefined, { signal });
    }
  }
  if (digester.digest() !== digest)
    throw new RegistryError(`${client.host}: reading ${digest} of ${repository}: what it gave has another digest`, {
      registry: client.host,
    });
}

/** A blob as a whole. Throws for one that is larger than `maxBytes` as well. */
export async function wholeBlob(
  client: RegistryClient,
  blob: StoredBlob,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of steadyBlob(client, blob, { signal })) {
    parts.push(part);
    bytes += part.length;
    if (bytes > maxBytes)
      throw new RegistryError(
        `${client.host}: reading ${blob.digest} of ${blob.repository}: it is larger than ${maxBytes / 1024 / 1024} MiB`,
        { registry: client.host },
      );
  }
  return Buffer.concat(parts);
}
