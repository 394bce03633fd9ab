import pLimit from 'p-limit';
import type { Digest } from '../oci/digest.ts';
import { isForeignLayer } from '../oci/media-types.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { BlobSource, ContentDescriptor, Manifest } from '../registry/manifest.ts';
import { readManifest } from '../registry/manifest.ts';
import type { CopyProgress } from './copy-image.ts';

/** As many as docker sends at a time. */
const BLOBS_AT_A_TIME = 5;

/** Where an image goes that a builder holds. */
export interface BuiltTo {
  readonly client: RegistryClient;
  /** Without the registry. */
  readonly repository: string;
  /** Repositories of the same registry that have got it before. */
  readonly mountFrom: readonly string[];
  readonly source: BlobSource;
  readonly progress: CopyProgress;
  readonly signal: AbortSignal;
}

/**
 * Makes sure that a repository has all of an image that a builder holds, but for its own manifest, which tags come with: what is
 * there is left alone, the rest is read from the builder and sent. Children of an index are put before it is.
 * @throws RegistryError for what the registry refuses; Error for what the builder lacks
 */
export async function putBuilt(root: Manifest, to: BuiltTo): Promise<void> {
  const limit = pLimit(BLOBS_AT_A_TIME);
  const blob = ({ digest, size }: ContentDescriptor): Promise<unknown> =>
    limit(() =>
      to.client.ensureBlob(
        to.repository,
        {
          digest,
          size,
          read: () => to.source.read(digest, { offset: 0, signal: to.signal }),
          mountFrom: to.mountFrom,
          onProgress: (sentBytes) => to.progress(`sending ${digest}`, sentBytes, size),
        },
        to,
      ),
    );
  await putNamed(root, blob, to);
}

async function putNamed(
  { manifests, blobs }: Manifest,
  blob: (descriptor: ContentDescriptor) => Promise<unknown>,
  to: BuiltTo,
): Promise<void> {
  const kept = blobs.filter(({ mediaType }) => !isForeignLayer(mediaType));
  const distinct = [...new Map(kept.map((one) => [one.digest, one])).values()];
  await allOrFirstProblem([...distinct.map(blob), ...manifests.map(({ digest }) => putChild(digest, blob, to))]);
}

async function putChild(
  digest: Digest,
  blob: (descriptor: ContentDescriptor) => Promise<unknown>,
  to: BuiltTo,
): Promise<void> {
  const { client, repository, source, signal } = to;
  if ((await client.findManifest(repository, digest, { signal })) === digest) return;
  const child = await readManifest(source, digest, { signal });
  await putNamed(child, blob, to);
  await client.putManifest(repository, digest, child, { signal });
}

/** Nothing goes on behind the back of who is told of a failure. */
async function allOrFirstProblem(work: readonly Promise<unknown>[]): Promise<void> {
  const settled = await Promise.allSettled(work);
  const problem = settled.find((one) => one.status === 'rejected');
  if (problem !== undefined) throw problem.reason;
}
