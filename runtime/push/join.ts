import { readSource } from '../images/read-source.ts';
import type { CombineSource, IndexAnnotation } from '../oci/combine.ts';
import { combine } from '../oci/combine.ts';
import type { OciDescriptor } from '../oci/descriptor.ts';
import type { Repository } from '../registry/image-reference.ts';
import type { NameResult, PutOptions, WantedName } from './put-image.ts';
import { putImage } from './put-image.ts';

/** What one builder made for its platforms: an image or an index, pushed by its digest. */
export interface BuiltPart {
  /** As the builder describes it, with the platform where it knows that. */
  readonly descriptor: OciDescriptor;
  /** Where it has been pushed to. */
  readonly repositories: readonly Repository[];
}

/** What came of a join. */
export interface Joined {
  /** Of the index; absent where its parts could not be read. */
  readonly descriptor?: OciDescriptor;
  readonly results: readonly NameResult[];
}

/**
 * Makes one index of what several builders have pushed, and puts it under every name in every registry. Annotations of the parts'
 * own indexes, the platforms, and attestations stay as they are: an attestation names its image by the digest, which does not
 * change. What is missing in one registry is copied from another one. Never rejects but with the reason of the signal.
 */
export async function joinParts(
  parts: readonly BuiltPart[],
  names: readonly WantedName[],
  options: PutOptions & { readonly annotations?: readonly IndexAnnotation[] },
): Promise<Joined> {
  try {
    const sources = await Promise.all(parts.map((part) => readPart(part, options)));
    const { annotations = [] } = options;
    const image = combine(sources, { annotations, prefersIndex: true, keepsAll: true });
    if (!image.ok) throw new Error(image.failure);
    return { descriptor: image.value.descriptor, results: await putImage(image.value, names, options) };
  } catch (error) {
    options.signal.throwIfAborted();
    const failure = error instanceof Error ? error : new Error(String(error));
    return { results: names.map((wanted) => ({ ...wanted, is: 'failed', failure })) };
  }
}

async function readPart(
  { descriptor, repositories }: BuiltPart,
  options: PutOptions,
): Promise<CombineSource<readonly Repository[]>> {
  let problem: unknown = new Error(`${descriptor.digest} has been pushed nowhere`);
  for (const repository of repositories) {
    try {
      const reference = { ...repository, digest: descriptor.digest };
      return { ...(await readSource({ reference, said: descriptor }, options)), from: repositories };
    } catch (error) {
      options.signal.throwIfAborted();
      problem = error;
    }
  }
  throw problem;
}
