import { parseDigest } from '../oci/digest.ts';
import type { BlobSource, ImagePlatform, Manifest } from '../registry/manifest.ts';
import { configPlatform, readManifest } from '../registry/manifest.ts';

/** Which of the images for several platforms an engine is to have: one that is named, all, or (`own`) that of its architecture. */
export type WantedPlatform =
  | { readonly is: 'own'; readonly architecture: string }
  | { readonly is: 'named'; readonly platform: ImagePlatform }
  | { readonly is: 'all' };

/** What a Docker Engine gets of an image that was built. */
export interface ChosenImage {
  /** What the builder named: an image or an index. */
  readonly root: Manifest;
  /** The images for the platforms that are wanted: the root itself, or some that it lists. At least one. */
  readonly images: readonly PlatformImage[];
}

/** An image for one platform. */
export interface PlatformImage {
  readonly manifest: Manifest;
  readonly platform: ImagePlatform;
}

/** What was built is for other platforms than the one that was asked for. */
export class NotForPlatform extends Error {
  constructor(wanted: ImagePlatform, built: readonly ImagePlatform[]) {
    super(`the image is not for ${imagePlatformText(wanted)}, but for ${built.map(imagePlatformText).join(', ')}`);
    this.name = 'NotForPlatform';
  }
}

/** `linux/arm/v7`. */
export function imagePlatformText({ os, architecture, variant }: ImagePlatform): string {
  return [os, architecture, variant].filter((part) => part !== '').join('/');
}

/**
 * The images that an engine is to have. `own` is the first for its architecture, or where there is none the first at all.
 * Attestations are no images. All of their layers are in the source afterwards.
 *
 * @throws NotForPlatform when there is none for the platform that is named
 * @throws Error when there is no image, or a part of it is neither there nor to be had
 */
export async function chooseImage(
  builtDigest: string,
  wanted: WantedPlatform,
  options: { readonly source: BlobSource; readonly signal: AbortSignal },
): Promise<ChosenImage> {
  const digest = parseDigest(builtDigest);
  if (digest === undefined) throw new Error('the builder named no digest');
  const root = await readManifest(options.source, digest, options);
  const images = await wantedImages(root, wanted, options);
  for (const image of images) await makePresent(image, options);
  return { root, images };
}

async function makePresent(
  { manifest, platform }: PlatformImage,
  { source, signal }: { readonly source: BlobSource; readonly signal: AbortSignal },
): Promise<void> {
  const missing = await missingBlobs(manifest, { source, signal });
  if (missing === 0) return;
  await source.fetchMissing?.(platform, { signal });
  const still = source.fetchMissing === undefined ? missing : await missingBlobs(manifest, { source, signal });
  if (still > 0) throw new Error(`the builder has not fetched ${still} of ${manifest.blobs.length - 1} layers`);
}

async function wantedImages(
  root: Manifest,
  wanted: WantedPlatform,
  { source, signal }: { readonly source: BlobSource; readonly signal: AbortSignal },
): Promise<readonly PlatformImage[]> {
  const [config] = root.blobs;
  const listed =
    config === undefined
      ? root.manifests.flatMap(({ digest, platform }) =>
          platform === undefined || platform.os === 'unknown' ? [] : [{ digest, platform }],
        )
      : [{ digest: root.digest, platform: await configPlatform(source, config.digest, { signal }) }];
  if (listed.length === 0) throw new Error('the image is for no platform');
  return Promise.all(
    chosenOf(listed, wanted).map(async ({ digest, platform }) => ({
      platform,
      manifest: digest === root.digest ? root : await readManifest(source, digest, { signal }),
    })),
  );
}

function chosenOf<T extends { readonly platform: ImagePlatform }>(
  listed: readonly T[],
  wanted: WantedPlatform,
): readonly T[] {
  if (wanted.is === 'all') return listed;
  const found = listed.find(({ platform }) =>
    wanted.is === 'own' ? platform.architecture === wanted.architecture : isFor(platform, wanted.platform),
  );
  if (found !== undefined) return [found];
  if (wanted.is === 'own') return listed.slice(0, 1);
  throw new NotForPlatform(
    wanted.platform,
    listed.map(({ platform }) => platform),
  );
}

/** A variant that is not named may be any. */
function isFor(platform: ImagePlatform, wanted: ImagePlatform): boolean {
  const isSame = platform.os === wanted.os && platform.architecture === wanted.architecture;
  return isSame && (wanted.variant === '' || wanted.variant === platform.variant);
}

async function missingBlobs(
  { blobs }: Manifest,
  { source, signal }: { readonly source: BlobSource; readonly signal: AbortSignal },
): Promise<number> {
  const present = await Promise.all(blobs.map(({ digest }) => source.has(digest, { signal })));
  return present.filter((isThere) => !isThere).length;
}
