import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import { attestedDigest } from './attested.ts';
import type { CombinedChild, CombinedImage } from './combine.ts';
import { described } from './combine.ts';
import type { OciDescriptor } from './descriptor.ts';
import { indexBytes, readImageIndex } from './image-index.ts';
import type { OciPlatform } from './platform.ts';
import { isForPlatform, platformText } from './platform.ts';

/**
 * The same with the images of some platforms only, and their attestations; as it is where that is all of them (buildx
 * `commands/imagetools/create.go`). What names no platform stays. Fails with words where nothing is left.
 */
export function keepPlatforms<From>(
  image: CombinedImage<From>,
  platforms: readonly OciPlatform[],
): Result<CombinedImage<From>, string> {
  const { children, descriptor } = image;
  if (platforms.length === 0) return ok(image);
  const fits = ({ platform }: OciDescriptor): boolean =>
    platform === undefined || platforms.some((one) => isForPlatform(platform, one));
  if (children === undefined) {
    if (fits(descriptor)) return ok(image);
    const { platform } = descriptor;
    return fail(
      `the image is for ${platform === undefined ? 'no platform' : platformText(platform)}, which is not asked for`,
    );
  }
  const byDigest = new Map<string, OciDescriptor>(children.map((one) => [one.descriptor.digest, one.descriptor]));
  const isKept = (one: OciDescriptor): boolean => {
    const subject = byDigest.get(attestedDigest(one) ?? '');
    return fits(one) || (subject !== undefined && fits(subject));
  };
  const kept = children.filter((child) => isKept(child.descriptor));
  if (kept.length === children.length) return ok(image);
  if (kept.length === 0)
    return fail(`none of the images is for ${platforms.map(platformText).join(', ')}; ${has(children)}`);
  const index = readImageIndex(image.bytes);
  if (!index.ok) return fail(`${descriptor.digest} is no index: ${index.failure}`);
  const bytes = indexBytes({ ...index.value, manifests: kept.map((child) => child.descriptor) });
  return ok({ descriptor: described(bytes, descriptor.mediaType), bytes, children: kept });
}

function has<From>(children: readonly CombinedChild<From>[]): string {
  const names = children
    .filter(({ descriptor }) => attestedDigest(descriptor) === undefined)
    .flatMap(({ descriptor: { platform } }) => (platform === undefined ? [] : [platformText(platform)]));
  return `there are ${[...new Set(names)].join(', ')}`;
}
