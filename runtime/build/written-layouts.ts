import type { ExportSink } from '../buildkit/exporters.ts';
import { FailureError } from '../failure.ts';
import type { Descriptor, EntryName } from '../oci/layout.ts';
import { putEntry, removeUnreferenced } from '../oci/layout.ts';
import type { KeptCache } from './caches.ts';

/** How the local cache exporter names what it wrote (moby/buildkit `cache/remotecache`). */
const CACHE_MANIFEST = 'cache.manifest';

const IMAGE_DESCRIPTOR = 'containerimage.descriptor';

/** A layout that an image was exported into. */
export type WrittenLayout = Extract<ExportSink, { readonly kind: 'layout' }>;

/**
 * Writes the indexes of the folders that a build has put blobs into: the builder gives the blobs, and in its answer says
 * which of them is the image or the cache (moby/buildkit `client/solve.go`).
 */
export async function finishLayouts(
  response: Readonly<Record<string, string>>,
  about: {
    readonly target: string;
    readonly caches: readonly KeptCache[];
    readonly layouts: readonly WrittenLayout[];
    readonly resolve: (path: string) => string;
  },
): Promise<void> {
  const { [CACHE_MANIFEST]: cache, [IMAGE_DESCRIPTOR]: image, 'image.name': name } = response;
  for (const { dest, store, tag, resets } of about.caches) {
    await told({ target: about.target, what: 'cache', path: dest }, async () => {
      if (cache !== undefined) await putEntry(store.folder, JSON.parse(cache) as Descriptor, [{ tag }]);
      if (resets) await removeUnreferenced(store);
    });
  }
  if (image === undefined) return;
  const names: readonly EntryName[] =
    name === undefined ? [{ tag: 'latest' }] : name.split(',').map((one) => ({ image: one }));
  const entry = JSON.parse(Buffer.from(image, 'base64').toString('utf8')) as Descriptor;
  for (const { path } of about.layouts) {
    await told({ target: about.target, what: 'output', path }, () => putEntry(about.resolve(path), entry, names));
  }
}

async function told(
  about: { readonly target: string; readonly what: string; readonly path: string },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new FailureError({ reason: 'input-missing', ...about, cause }, { cause: error });
  }
}
