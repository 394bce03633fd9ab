import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { OciDescriptor } from '../oci/descriptor.ts';
import { readDescriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { parseDigest } from '../oci/digest.ts';
import { isRecord, parsedJson } from '../oci/json-fields.ts';
import type { ImageReference, Repository } from '../registry/image-reference.ts';
import { parseImageReference, repositoryText, tagged } from '../registry/image-reference.ts';

/** What a source of a new image is written as: a name, a digest, or a descriptor in JSON. */
export type SourceText =
  | { readonly is: 'reference'; readonly reference: ImageReference }
  | { readonly is: 'digest'; readonly digest: Digest }
  | { readonly is: 'descriptor'; readonly descriptor: OciDescriptor };

/** A source, and where it is to be looked for. */
export interface PlacedSource {
  readonly reference: ImageReference;
  /** What a descriptor says of it. */
  readonly said?: OciDescriptor;
}

/** Reads one (buildx `commands/imagetools/create.go`); space around it means nothing. Fails with what is wrong with it. */
export function parseSourceText(text: string): Result<SourceText, string> {
  const source = text.trim();
  if (source.startsWith('{')) {
    const json = parsedJson(Buffer.from(source));
    if (json === undefined) return fail('what begins with { is to be a descriptor in JSON, and is no JSON');
    if (isRecord(json) && json['schemaVersion'] !== undefined)
      return fail(
        'this is a manifest or an index itself; what is wanted is a descriptor of one, or its name or digest',
      );
    const descriptor = readDescriptor(json);
    if (!descriptor.ok) return fail(`this is JSON, but no descriptor: ${descriptor.failure}`);
    return ok({ is: 'descriptor', descriptor: descriptor.value });
  }
  const digest = parseDigest(source);
  if (digest !== undefined) return ok({ is: 'digest', digest });
  if (/^sha\d+:/.test(source))
    return fail(`${JSON.stringify(source)} is no digest: it has another length than its algorithm gives`);
  const reference = parseImageReference(source);
  if (reference.ok) return ok({ is: 'reference', reference: tagged(reference.value) });
  return fail(`${reference.failure}; a source is a name, a digest (sha256:...) or a descriptor in JSON`);
}

/**
 * Where sources are: digests and descriptors in the one repository that tags and names are in. Fails where there are several, or
 * none.
 */
export function placeSources(
  sources: readonly SourceText[],
  tags: readonly ImageReference[],
): Result<readonly PlacedSource[], string> {
  const named = sources.flatMap((source) => (source.is === 'reference' ? [source.reference] : []));
  const repositories = new Map<string, Repository>();
  for (const one of [...tags, ...named])
    repositories.set(repositoryText(one), { registry: one.registry, path: one.path });
  const [only, ...others] = repositories.values();
  const placed: PlacedSource[] = [];
  for (const source of sources) {
    if (source.is === 'reference') {
      placed.push({ reference: source.reference });
      continue;
    }
    const { digest } = source.is === 'digest' ? source : source.descriptor;
    if (only === undefined)
      return fail(`no repository is named in which ${digest} could be; name one as REPOSITORY@${digest}`);
    if (others.length > 0)
      return fail(
        `${digest} could be in any of ${[...repositories.keys()].join(', ')}; name it as REPOSITORY@${digest}`,
      );
    const reference = { ...only, digest };
    placed.push(source.is === 'digest' ? { reference } : { reference, said: source.descriptor });
  }
  return ok(placed);
}
