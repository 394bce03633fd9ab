import type { CombineSource } from '../oci/combine.ts';
import type { OciDescriptor } from '../oci/descriptor.ts';
import { plainDescriptor } from '../oci/descriptor.ts';
import { readImageManifest } from '../oci/image-manifest.ts';
import { isManifestType } from '../oci/media-types.ts';
import type { OciPlatform } from '../oci/platform.ts';
import { normalPlatform, plainPlatform } from '../oci/platform.ts';
import type { StoredManifest } from '../registry/client.ts';
import type { Repository } from '../registry/image-reference.ts';
import { manifestName } from '../registry/image-reference.ts';
import type { Registries } from '../registry/registries.ts';
import { BadImage } from './bad-image.ts';
import type { ImagePlace } from './contents.ts';
import { configOf } from './contents.ts';
import type { PlacedSource } from './source-text.ts';

/**
 * Reads a source of a new image, with the platform of a single image from its config, where its descriptor does not say it (buildx
 * `util/imagetools/create.go`). Throws {@link BadImage}, or a `RegistryError`.
 */
export async function readSource(
  { reference, said }: PlacedSource,
  { registries, signal }: { readonly registries: Registries; readonly signal: AbortSignal },
): Promise<CombineSource<readonly Repository[]>> {
  const { registry, path } = reference;
  const client = registries.client(registry);
  const stored = await client.readManifest(path, manifestName(reference), { signal });
  const descriptor = await withPlatform(stored, describedAs(stored, said), { client, repository: path }, signal);
  return { descriptor, bytes: stored.bytes, from: [{ registry, path }] };
}

/** What is written of it counts before what the registry says; its size is to be the same. */
function describedAs({ digest, mediaType, bytes }: StoredManifest, said: OciDescriptor | undefined): OciDescriptor {
  const known = plainDescriptor({ digest, mediaType, size: bytes.length });
  if (said === undefined) return known;
  if (said.size !== 0 && said.size !== known.size)
    throw new BadImage(digest, `its descriptor says ${said.size} bytes, and it has ${known.size}`);
  return { ...said, size: known.size, mediaType: said.mediaType === '' ? mediaType : said.mediaType };
}

/** A descriptor of a single image, with its platform. Throws as {@link readSource} does. */
export async function withPlatform(
  { digest, bytes }: StoredManifest,
  descriptor: OciDescriptor,
  place: ImagePlace,
  signal: AbortSignal,
): Promise<OciDescriptor> {
  const { platform = plainPlatform('', '') } = descriptor;
  if (!isManifestType(descriptor.mediaType) || (platform.os !== '' && platform.architecture !== '')) return descriptor;
  const manifest = readImageManifest(bytes);
  if (!manifest.ok) throw new BadImage(digest, manifest.failure);
  const known = normalPlatform((await configOf(manifest.value, place, signal)).platform);
  return { ...descriptor, platform: completed(platform, known) };
}

function completed(platform: OciPlatform, known: OciPlatform): OciPlatform {
  const hasArchitecture = platform.architecture !== '';
  return {
    ...platform,
    os: platform.os === '' ? known.os : platform.os,
    architecture: hasArchitecture ? platform.architecture : known.architecture,
    variant: hasArchitecture || platform.variant !== '' ? platform.variant : known.variant,
  };
}
