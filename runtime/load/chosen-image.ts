import { parseDigest } from '../oci/digest.ts';
import type { BlobSource, ImagePlatform, Manifest } from '../registry/manifest.ts';
import { configPlatform, readManifest } from '../registry/manifest.ts';

/** What a Docker Engine gets of an image that was built. */
export interface ChosenImage {
  /** What the builder named: an image or an index. */
  readonly root: Manifest;
  /** The image for one platform: the root itself, or one that it lists. */
  readonly manifest: Manifest;
  readonly platform: ImagePlatform;
}

/**
 * The image that an engine of an architecture is to have: of one for several platforms its own; of one for none of its own the
 * first. Attestations are no images. All of its layers are in the source afterwards.
 *
 * @throws Error when there is no image, or a part of it is neither there nor to be had
 */
export async function chooseImage(
  builtDigest: string,
  architecture: string,
  { source, signal }: { readonly source: BlobSource; readonly signal: AbortSignal },
): Promise<ChosenImage> {
  const digest = parseDigest(builtDigest);
  if (digest === undefined) throw new Error('the builder named no digest');
  const root = await readManifest(source, digest, { signal });
  const chosen = { root, ...(await imageFor(root, architecture, { source, signal })) };
  const missing = await missingBlobs(chosen.manifest, { source, signal });
  if (missing === 0) return chosen;
  await source.fetchMissing?.(chosen.platform, { signal });
  const still = source.fetchMissing === undefined ? missing : await missingBlobs(chosen.manifest, { source, signal });
  if (still === 0) return chosen;
  throw new Error(`the builder has not fetched ${still} of ${chosen.manifest.blobs.length - 1} layers`);
}

async function imageFor(
  root: Manifest,
  architecture: string,
  { source, signal }: { readonly source: BlobSource; readonly signal: AbortSignal },
): Promise<{ readonly manifest: Manifest; readonly platform: ImagePlatform }> {
  const [config] = root.blobs;
  if (config !== undefined) {
    return { manifest: root, platform: await configPlatform(source, config.digest, { signal }) };
  }
  const images = root.manifests.flatMap(({ digest, platform }) =>
    platform === undefined || platform.os === 'unknown' ? [] : [{ digest, platform }],
  );
  const found = images.find((one) => one.platform.architecture === architecture) ?? images[0];
  if (found === undefined) throw new Error('the image is for no platform');
  return { manifest: await readManifest(source, found.digest, { signal }), platform: found.platform };
}

async function missingBlobs(
  { blobs }: Manifest,
  { source, signal }: { readonly source: BlobSource; readonly signal: AbortSignal },
): Promise<number> {
  const present = await Promise.all(blobs.map(({ digest }) => source.has(digest, { signal })));
  return present.filter((isThere) => !isThere).length;
}
