import { goJson } from '../../planner/go-json.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { OciDescriptor } from './descriptor.ts';
import { descriptorStruct, readDescriptor } from './descriptor.ts';
import type { GoField } from './go-value.ts';
import { GoStruct, goPlain, GoTexts } from './go-value.ts';
import { asText, asTextMap, isRecord, parsedJson } from './json-fields.ts';

/** An index, or a manifest list of Docker (OCI image spec, image-index.md). Empty where nothing is said. */
export interface ImageIndex {
  readonly schemaVersion: number;
  readonly mediaType: string;
  readonly artifactType: string;
  readonly manifests: readonly OciDescriptor[];
  readonly subject?: OciDescriptor;
  readonly annotations: ReadonlyMap<string, string>;
}

/** Reads the bytes of an index. Fails with what is wrong with them. */
export function readImageIndex(bytes: Uint8Array): Result<ImageIndex, string> {
  const json = parsedJson(bytes);
  if (!isRecord(json)) return fail('it is no JSON object');
  const listed = json['manifests'] ?? [];
  if (!Array.isArray(listed)) return fail('its manifests are no list');
  const manifests: OciDescriptor[] = [];
  for (const one of listed) {
    const descriptor = readDescriptor(one);
    if (!descriptor.ok) return fail(`a manifest in it: ${descriptor.failure}`);
    manifests.push(descriptor.value);
  }
  const subject = json['subject'] ?? undefined;
  const read = subject === undefined ? undefined : readDescriptor(subject);
  if (read !== undefined && !read.ok) return fail(`its subject: ${read.failure}`);
  const [mediaType, artifactType, annotations] = [
    asText(json['mediaType']),
    asText(json['artifactType']),
    asTextMap(json['annotations']),
  ];
  if (mediaType === undefined || artifactType === undefined || annotations === undefined)
    return fail('its fields are not of the kind that an index has');
  const schemaVersion = Number.isSafeInteger(json['schemaVersion']) ? Number(json['schemaVersion']) : 0;
  const said = { schemaVersion, mediaType, artifactType, manifests, annotations };
  return ok(read === undefined ? said : { ...said, subject: read.value });
}

/** The bytes of an index, as docker buildx makes them, so that the digests are the same. */
export function indexBytes({ subject, ...index }: ImageIndex): Buffer {
  const struct = new GoStruct('Index', [
    ...indexHead(index),
    { name: 'ArtifactType', json: 'artifactType', value: index.artifactType, omitEmpty: true },
    { name: 'Manifests', json: 'manifests', value: index.manifests.map(descriptorStruct) },
    { name: 'Subject', json: 'subject', value: subject && descriptorStruct(subject), omitEmpty: true },
    { name: 'Annotations', json: 'annotations', value: new GoTexts(index.annotations), omitEmpty: true },
  ]);
  return Buffer.from(goJson(goPlain(struct)).trimEnd());
}

/** What an index begins with. */
export function indexHead({
  schemaVersion,
  mediaType,
}: Pick<ImageIndex, 'schemaVersion' | 'mediaType'>): readonly GoField[] {
  return [
    { name: 'SchemaVersion', json: 'schemaVersion', value: BigInt(schemaVersion) },
    { name: 'MediaType', json: 'mediaType', value: mediaType, omitEmpty: true },
  ];
}
