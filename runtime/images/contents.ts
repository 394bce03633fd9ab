import type { OciDescriptor } from '../oci/descriptor.ts';
import { plainDescriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { parseDigest } from '../oci/digest.ts';
import type { GoStruct } from '../oci/go-value.ts';
import type { ImageConfig } from '../oci/image-config.ts';
import { readImageConfig } from '../oci/image-config.ts';
import { readImageIndex } from '../oci/image-index.ts';
import type { ImageManifest } from '../oci/image-manifest.ts';
import { readImageManifest } from '../oci/image-manifest.ts';
import { parsedJson } from '../oci/json-fields.ts';
import { isIndexType, isManifestType } from '../oci/media-types.ts';
import { normalPlatform, platformText } from '../oci/platform.ts';
import type { StoredManifest } from '../registry/client.ts';
import type { RegistryClient } from '../registry/client.ts';
import { MAX_MANIFEST_BYTES } from '../registry/manifest.ts';
import { wholeBlob } from '../registry/steady-blob.ts';
import type { Attestations } from './attestations.ts';
import { readAttestations } from './attestations.ts';
import { BadImage } from './bad-image.ts';

/** Where an image lies. */
export interface ImagePlace {
  readonly client: RegistryClient;
  /** Without its registry. */
  readonly repository: string;
}

/** What is in one image. */
export interface ImageContents extends Attestations {
  /** Absent where it is not wanted. */
  readonly config?: GoStruct;
}

/** What is wanted of an image: each is to be fetched, and attestations are as large as they like. */
export interface Wanted {
  readonly config: boolean;
  readonly provenance: boolean;
  readonly sbom: boolean;
}

/**
 * The images of a manifest or an index by their platforms (`linux/amd64`), in the order of those names (buildx
 * `util/imagetools/loader.go`). Of two for one platform the later counts. Throws {@link BadImage}, or a `RegistryError`.
 */
export async function readContents(
  root: StoredManifest,
  place: ImagePlace,
  options: { readonly wanted: Wanted; readonly signal: AbortSignal },
): Promise<ReadonlyMap<string, ImageContents>> {
  const { signal } = options;
  const found: Found = { images: new Map(), references: new Map() };
  await collect(
    { ...root, descriptor: plainDescriptor({ ...root, size: root.bytes.length }) },
    { place, found, signal },
  );
  const contents = new Map<string, ImageContents>();
  for (const platform of [...found.images.keys()].sort()) {
    const image = found.images.get(platform);
    if (image === undefined) continue;
    const attached = found.references.get(image.digest) ?? [];
    contents.set(platform, {
      ...(options.wanted.config ? { config: (await image.config()).struct } : {}),
      ...(await readAttestations(attached, place, options)),
    });
  }
  return contents;
}

interface Found {
  readonly images: Map<string, { readonly digest: Digest; readonly config: () => Promise<ImageConfig> }>;
  /** Attestations, by what they are of. */
  readonly references: Map<Digest, ImageManifest[]>;
}

interface Collecting {
  readonly place: ImagePlace;
  readonly found: Found;
  readonly signal: AbortSignal;
}

/** Which image an attestation is of: the newer name, and the one in use. */
const REFERENCES = ['com.docker.reference.digest', 'vnd.docker.reference.digest'];

async function collect(
  { descriptor, ...stored }: StoredManifest & { readonly descriptor: OciDescriptor },
  collecting: Collecting,
): Promise<void> {
  const { place, found, signal } = collecting;
  if (isIndexType(descriptor.mediaType)) {
    const index = readImageIndex(stored.bytes);
    if (!index.ok) throw new BadImage(stored.digest, index.failure);
    const known = index.value.manifests.filter(({ mediaType }) => isIndexType(mediaType) || isManifestType(mediaType));
    const read = await Promise.all(
      known.map(async (child) => ({
        ...(await place.client.readManifest(place.repository, child.digest, { signal })),
        descriptor: child,
      })),
    );
    for (const child of read) await collect(child, collecting);
    return;
  }
  if (!isManifestType(descriptor.mediaType)) return;
  const manifest = readImageManifest(stored.bytes);
  if (!manifest.ok) throw new BadImage(stored.digest, manifest.failure);
  const named = REFERENCES.map((name) => descriptor.annotations.get(name)).find((one) => one !== undefined);
  if (named !== undefined) {
    const subject = parseDigest(named);
    if (subject === undefined) throw new BadImage(stored.digest, `it names ${JSON.stringify(named)} as its image`);
    found.references.set(subject, [...(found.references.get(subject) ?? []), manifest.value]);
    return;
  }
  let read: Promise<ImageConfig> | undefined;
  const config = (): Promise<ImageConfig> => (read ??= configOf(manifest.value, place, signal));
  const platform = descriptor.platform ?? (await config()).platform;
  found.images.set(platformText(normalPlatform(platform)), { digest: stored.digest, config });
}

/** The config that a manifest names. Throws as {@link readContents} does. */
export async function configOf(
  { config }: ImageManifest,
  { client, repository }: ImagePlace,
  signal: AbortSignal,
): Promise<ImageConfig> {
  const { digest, size } = config;
  const bytes = await wholeBlob(client, { repository, digest, size }, { maxBytes: MAX_MANIFEST_BYTES, signal });
  const read = readImageConfig(parsedJson(bytes));
  if (!read.ok) throw new BadImage(digest, read.failure);
  return read.value;
}
