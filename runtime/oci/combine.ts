import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import { attestedDigest } from './attested.ts';
import type { OciDescriptor } from './descriptor.ts';
import { plainDescriptor } from './descriptor.ts';
import { Digester } from './digest.ts';
import { indexBytes, readImageIndex } from './image-index.ts';
import { DOCKER_LIST, isDockerType, isIndexType, OCI_INDEX } from './media-types.ts';
import type { OciPlatform } from './platform.ts';
import { platformText, wholePlatformText } from './platform.ts';

/** An image, or several, that are to be in an index. */
export interface CombineSource<From> {
  /** With the platform, where it is a single image. */
  readonly descriptor: OciDescriptor;
  /** Of the manifest or the index. */
  readonly bytes: Buffer;
  /** Where it lies, for who is to copy it. */
  readonly from: From;
}

/** An annotation of an index or of what it says of its images. */
export interface IndexAnnotation {
  readonly type: 'index' | 'manifest-descriptor';
  /** Only for images of this platform. */
  readonly platform?: OciPlatform;
  readonly key: string;
  readonly value: string;
}

/** What is to be put under a name: an index with where its images lie, or a single image. */
export interface CombinedImage<From> {
  readonly descriptor: OciDescriptor;
  readonly bytes: Buffer;
  /** Absent for a single image. */
  readonly children?: readonly CombinedChild<From>[];
  /** Where the single image lies, or the index that is taken over as it is. */
  readonly copiedFrom?: From;
}

export interface CombinedChild<From> {
  readonly descriptor: OciDescriptor;
  readonly from: From;
}

/** How images are combined. */
export interface CombineOptions {
  readonly annotations: readonly IndexAnnotation[];
  /** Whether a single image gets an index around it. */
  readonly prefersIndex: boolean;
  /**
   * Whether nothing is lost that sources say: the annotations of their indexes, and which images an attestation is of that is the
   * same for several. `docker buildx imagetools` loses both.
   */
  readonly keepsAll?: boolean;
}

/**
 * One index of all images of the sources, in their order, the same image once; a manifest list of Docker where all of them are of
 * Docker's types, which then has no annotations. A single index without new annotations is taken over as it is (buildx
 * `util/imagetools/create.go`, whose bytes these are). Fails with what is wrong with a source.
 */
export function combine<From>(
  sources: readonly CombineSource<From>[],
  options: CombineOptions,
): Result<CombinedImage<From>, string> {
  const [first] = sources;
  if (first !== undefined && sources.length === 1 && options.annotations.length === 0) {
    if (isIndexType(first.descriptor.mediaType)) return takenOver(first);
    if (!options.prefersIndex) return ok({ descriptor: first.descriptor, bytes: first.bytes, copiedFrom: first.from });
  }
  const found = new Map<string, CombinedChild<From>>();
  const keyOf = (one: OciDescriptor): string =>
    options.keepsAll === true ? `${one.digest} ${attestedDigest(one) ?? ''}` : one.digest;
  const kept = new Map<string, string>();
  for (const source of sources) {
    if (!isIndexType(source.descriptor.mediaType)) {
      add(found, keyOf(source.descriptor), { descriptor: source.descriptor, from: source.from });
      continue;
    }
    const index = readImageIndex(source.bytes);
    if (!index.ok) return fail(`${source.descriptor.digest} is no index: ${index.failure}`);
    for (const descriptor of index.value.manifests) add(found, keyOf(descriptor), { descriptor, from: source.from });
    if (options.keepsAll === true) for (const [key, value] of index.value.annotations) kept.set(key, value);
  }
  const isOfDocker = [...found.values()].every(({ descriptor }) => isDockerType(descriptor.mediaType));
  const children = [...found.values()].map((child) => (isOfDocker ? child : annotated(child, options.annotations)));
  const onIndex = options.annotations.filter(({ type }) => type === 'index');
  const bytes = indexBytes({
    schemaVersion: 2,
    mediaType: isOfDocker ? DOCKER_LIST : OCI_INDEX,
    artifactType: '',
    manifests: children.map(({ descriptor }) => descriptor),
    annotations: new Map(isOfDocker ? [] : [...kept, ...onIndex.map(({ key, value }) => [key, value] as const)]),
  });
  return ok({ descriptor: described(bytes, isOfDocker ? DOCKER_LIST : OCI_INDEX), bytes, children });
}

/** The descriptor of bytes. */
export function described(bytes: Buffer, mediaType: string): OciDescriptor {
  const digester = new Digester(undefined);
  digester.update(bytes);
  return plainDescriptor({ mediaType, digest: digester.digest(), size: bytes.length });
}

function takenOver<From>({ descriptor, bytes, from }: CombineSource<From>): Result<CombinedImage<From>, string> {
  const index = readImageIndex(bytes);
  if (!index.ok) return fail(`${descriptor.digest} is no index: ${index.failure}`);
  const children = index.value.manifests.map((one) => ({ descriptor: one, from }));
  return ok({ descriptor, bytes, children, copiedFrom: from });
}

function add<From>(
  found: Map<string, CombinedChild<From>>,
  key: string,
  { descriptor, from }: CombinedChild<From>,
): void {
  const old = found.get(key)?.descriptor;
  if (old === undefined) {
    found.set(key, { descriptor, from });
    return;
  }
  const platform = descriptor.platform ?? old.platform;
  found.set(key, {
    descriptor: {
      ...old,
      mediaType: old.mediaType === '' ? descriptor.mediaType : old.mediaType,
      annotations: new Map([...old.annotations, ...descriptor.annotations]),
      ...(platform === undefined ? {} : { platform }),
    },
    from,
  });
}

function annotated<From>(
  { descriptor, from }: CombinedChild<From>,
  annotations: readonly IndexAnnotation[],
): CombinedChild<From> {
  const own = annotations.filter(
    ({ type, platform }) =>
      type === 'manifest-descriptor' &&
      (platform === undefined || wholePlatformText(platform) === textOf(descriptor.platform)),
  );
  const added = own.map(({ key, value }) => [key, value] as const);
  return { descriptor: { ...descriptor, annotations: new Map([...descriptor.annotations, ...added]) }, from };
}

function textOf(platform: OciPlatform | undefined): string | undefined {
  return platform === undefined ? undefined : platformText(platform);
}
