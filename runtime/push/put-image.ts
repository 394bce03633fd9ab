import pLimit from 'p-limit';
import type { CombinedImage } from '../oci/combine.ts';
import type { Digest } from '../oci/digest.ts';
import { isIndexType } from '../oci/media-types.ts';
import type { ImageReference, Repository } from '../registry/image-reference.ts';
import { manifestName, referenceText, repositoryText, tagged } from '../registry/image-reference.ts';
import type { Registries } from '../registry/registries.ts';
import type { CopyProgress } from './copy-image.ts';
import { ImageCopier } from './copy-image.ts';

/** One name that an image is to have. */
export interface WantedName {
  /** As the user wrote it. */
  readonly name: string;
  readonly reference: ImageReference;
}

/** What came of one name. */
export type NameResult = WantedName &
  ({ readonly is: 'pushed'; readonly digest: Digest } | { readonly is: 'failed'; readonly failure: Error });

/** How an image is put under names. */
export interface PutOptions {
  readonly registries: Registries;
  /** Shows what is done for one repository. */
  readonly step: <T>(name: string, work: (progress: CopyProgress) => Promise<T>) => Promise<T>;
  readonly signal: AbortSignal;
}

/** As many as docker sends at a time. */
const BLOBS_AT_A_TIME = 5;

/**
 * Puts an image or an index under names of any registries: all of them at once, each repository by itself, so that the failure of
 * one neither stops nor hides another. A name is given when all that the image names is there. Never rejects but with the
 * reason of the signal.
 */
export async function putImage(
  image: CombinedImage<readonly Repository[]>,
  names: readonly WantedName[],
  options: PutOptions,
): Promise<readonly NameResult[]> {
  const repositories = Map.groupBy(names, ({ reference }) => repositoryText(reference));
  const results = await Promise.all([...repositories.values()].map((some) => putIntoRepository(image, some, options)));
  options.signal.throwIfAborted();
  const all = results.flat();
  return names.flatMap((wanted) => all.find(({ name }) => name === wanted.name) ?? []);
}

/** Ends a step as a failed one, when all that can be done has been done. */
class Failed extends Error {
  readonly results: readonly NameResult[];

  constructor(failure: Error, results: readonly NameResult[]) {
    super(failure.message);
    this.results = results;
  }
}

async function putIntoRepository(
  image: CombinedImage<readonly Repository[]>,
  names: readonly WantedName[],
  { registries, step, signal }: PutOptions,
): Promise<readonly NameResult[]> {
  const [first] = names;
  if (first === undefined) return [];
  const { registry, path } = first.reference;
  try {
    return await step(`[internal] pushing ${repositoryText(first.reference)}`, async (progress) => {
      const copier = new ImageCopier(
        { registry, path },
        { registries, limit: pLimit(BLOBS_AT_A_TIME), progress, signal },
      );
      await putNamed(image, copier).catch((error: unknown) => {
        throw new Failed(asError(error), failed(names, asError(error)));
      });
      const results = await Promise.all(
        names.map((wanted) => putName(image, wanted, { registries, progress, signal })),
      );
      const problem = results.find((result) => result.is === 'failed');
      if (problem !== undefined) throw new Failed(problem.failure, results);
      return results;
    });
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Failed ? error.results : failed(names, asError(error));
  }
}

/** All that the image names. */
async function putNamed(image: CombinedImage<readonly Repository[]>, copier: ImageCopier): Promise<void> {
  // All that can be copied is, before a failure ends it: nothing goes on behind the back of who is told.
  const copied = await Promise.allSettled(
    (image.children ?? []).map(({ descriptor, from }) => copier.ensure(descriptor, from)),
  );
  const problems = copied.find((one) => one.status === 'rejected');
  if (problems !== undefined) throw problems.reason;
  if (isIndexType(image.descriptor.mediaType)) return;
  const { digest, mediaType } = image.descriptor;
  let problem: unknown;
  for (const from of image.copiedFrom ?? []) {
    try {
      await copier.ensureNamed({ digest, mediaType, bytes: image.bytes }, from);
      return;
    } catch (error) {
      problem = error;
    }
  }
  throw problem;
}

async function putName(
  { descriptor, bytes }: CombinedImage<readonly Repository[]>,
  wanted: WantedName,
  { registries, progress, signal }: Omit<PutOptions, 'step'> & { readonly progress: CopyProgress },
): Promise<NameResult> {
  const { digest, mediaType } = descriptor;
  const reference = tagged(wanted.reference);
  progress(`pushing ${digest} to ${referenceText(reference)}`, 0);
  try {
    if (reference.digest !== undefined && reference.digest !== digest)
      throw new Error(`the image has the digest ${digest}, and cannot be ${wanted.name}`);
    const name = reference.tag ?? manifestName(reference);
    await registries
      .client(reference.registry)
      .putManifest(reference.path, name, { digest, mediaType, bytes }, { signal });
    return { ...wanted, is: 'pushed', digest };
  } catch (error) {
    return { ...wanted, is: 'failed', failure: asError(error) };
  }
}

function failed(names: readonly WantedName[], failure: Error): readonly NameResult[] {
  return names.map((wanted) => ({ ...wanted, is: 'failed', failure }));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
