import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { Digest } from './digest.ts';
import { parseDigest } from './digest.ts';
import type { GoField } from './go-value.ts';
import { GoStruct, GoTexts } from './go-value.ts';
import { asText, asTextMap, asTexts, isRecord } from './json-fields.ts';
import type { OciPlatform } from './platform.ts';

/** All that an index says of a manifest (OCI image spec, descriptor.md). Empty where nothing is said. */
export interface OciDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  readonly urls: readonly string[];
  readonly annotations: ReadonlyMap<string, string>;
  /** In base64, as it is written. */
  readonly data: string;
  readonly platform?: OciPlatform;
  readonly artifactType: string;
}

/** A descriptor of which only what every one has is known. */
export function plainDescriptor(known: Pick<OciDescriptor, 'mediaType' | 'digest' | 'size'>): OciDescriptor {
  return { ...known, urls: [], annotations: new Map(), data: '', artifactType: '' };
}

/** Reads a descriptor; fields that nobody knows are passed over. Fails with what is wrong with it. */
export function readDescriptor(json: unknown): Result<OciDescriptor, string> {
  if (!isRecord(json)) return fail('it is no JSON object');
  const digest = parseDigest(typeof json['digest'] === 'string' ? json['digest'] : '');
  if (digest === undefined) return fail('it has no digest (`"digest": "sha256:..."`)');
  const size = json['size'] ?? 0;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    return fail(`the size of ${digest} is no number of bytes`);
  const [mediaType, data, artifactType] = ['mediaType', 'data', 'artifactType'].map((key) => asText(json[key]));
  const [urls, annotations] = [asTexts(json['urls']), asTextMap(json['annotations'])];
  const platform = json['platform'] ?? undefined;
  const read = platform === undefined ? undefined : readPlatform(platform);
  if (
    mediaType === undefined ||
    data === undefined ||
    artifactType === undefined ||
    urls === undefined ||
    annotations === undefined ||
    (platform !== undefined && read === undefined)
  )
    return fail(`what is said of ${digest} is not of the kind that a descriptor has`);
  const said = { mediaType, digest, size, urls, annotations, data, artifactType };
  return ok(read === undefined ? said : { ...said, platform: read });
}

/** The `platform` of a descriptor, or the same fields of an image's config; undefined for what is neither. */
export function readPlatform(json: unknown): OciPlatform | undefined {
  if (!isRecord(json)) return undefined;
  const [os, architecture, variant, osVersion] = ['os', 'architecture', 'variant', 'os.version'].map((key) =>
    asText(json[key]),
  );
  const osFeatures = asTexts(json['os.features']);
  if (
    os === undefined ||
    architecture === undefined ||
    variant === undefined ||
    osVersion === undefined ||
    osFeatures === undefined
  )
    return undefined;
  return { os, architecture, variant, osVersion, osFeatures };
}

/** As Go's programs hold it, for JSON and templates. */
export function descriptorStruct({ platform, ...said }: OciDescriptor): GoStruct {
  return new GoStruct('Descriptor', [
    { name: 'MediaType', json: 'mediaType', value: said.mediaType },
    { name: 'Digest', json: 'digest', value: said.digest },
    { name: 'Size', json: 'size', value: BigInt(said.size) },
    { name: 'URLs', json: 'urls', value: said.urls, omitEmpty: true },
    { name: 'Annotations', json: 'annotations', value: new GoTexts(said.annotations), omitEmpty: true },
    { name: 'Data', json: 'data', value: said.data, omitEmpty: true },
    { name: 'Platform', json: 'platform', value: platformStruct(platform), omitEmpty: true },
    { name: 'ArtifactType', json: 'artifactType', value: said.artifactType, omitEmpty: true },
  ]);
}

function platformStruct(platform: OciPlatform | undefined): GoStruct {
  return new GoStruct('Platform', platform === undefined ? undefined : platformFields(platform));
}

/** The fields of a platform, which an image's config has as well. */
export function platformFields(platform: OciPlatform): readonly GoField[] {
  return [
    { name: 'Architecture', json: 'architecture', value: platform.architecture },
    { name: 'OS', json: 'os', value: platform.os },
    { name: 'OSVersion', json: 'os.version', value: platform.osVersion, omitEmpty: true },
    { name: 'OSFeatures', json: 'os.features', value: platform.osFeatures, omitEmpty: true },
    { name: 'Variant', json: 'variant', value: platform.variant, omitEmpty: true },
  ];
}
