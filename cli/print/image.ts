import type { Diagnostic } from '../../planner/diagnostic.ts';
import type { Result } from '../../planner/result.ts';
import type { Attestations } from '../../runtime/images/attestations.ts';
import type { ImageContents, Wanted } from '../../runtime/images/contents.ts';
import { descriptorStruct, plainDescriptor } from '../../runtime/oci/descriptor.ts';
import type { OciDescriptor } from '../../runtime/oci/descriptor.ts';
import type { GoField, GoValue } from '../../runtime/oci/go-value.ts';
import { GoStruct, GoTexts } from '../../runtime/oci/go-value.ts';
import type { ImageIndex } from '../../runtime/oci/image-index.ts';
import { indexHead } from '../../runtime/oci/image-index.ts';
import { platformText } from '../../runtime/oci/platform.ts';
import type { StoredManifest } from '../../runtime/registry/client.ts';
import type { ImageReference } from '../../runtime/registry/image-reference.ts';
import { referenceText } from '../../runtime/registry/image-reference.ts';
import { tabTable } from './tab-table.ts';
import type { ReadTemplate } from './template/template.ts';

/** An image or an index of a registry, as it is shown. */
export interface ShownImage {
  readonly reference: ImageReference;
  readonly root: StoredManifest;
  /** Absent for a single image. */
  readonly index?: ImageIndex;
}

/** The name, the digest, and the images of an index (buildx `util/imagetools/printers.go`). */
export function imageText({ reference, root, index }: ShownImage): string {
  const head = [
    ['Name:', referenceText(reference)],
    ['MediaType:', root.mediaType],
    ['Digest:', root.digest],
  ];
  if (index === undefined) return tabTable(head, 1);
  const tables: (readonly (readonly string[])[])[] = [
    head,
    [
      ['', ''],
      ['Manifests:', ''],
    ],
  ];
  let open: (readonly string[])[] = [];
  for (const [at, manifest] of index.manifests.entries()) {
    if (at > 0) open.push(['', '']);
    open.push(...manifestRows(manifest, reference));
    const { annotations, platform } = manifest;
    if (platform === undefined || annotations.size === 0) continue;
    tables.push(
      [...open, ['  Annotations:', '']],
      [...annotations].sort(byName).map(([key, value]) => [`    ${key}:`, value]),
    );
    open = [];
  }
  return [...tables, ...(open.length === 0 ? [] : [open])].map((rows) => tabTable(rows, 1)).join('');
}

function manifestRows(
  { digest, mediaType, platform, urls }: OciDescriptor,
  of: ImageReference,
): readonly (readonly string[])[] {
  const name = referenceText({ ...of, digest });
  const rows = [
    ['  Name:', name],
    ['  MediaType:', mediaType],
  ];
  if (platform === undefined) return rows;
  rows.push(['  Platform:', platformText(platform)]);
  if (platform.osVersion !== '') rows.push(['  OSVersion:', platform.osVersion]);
  if (platform.osFeatures.length > 0) rows.push(['  OSFeatures:', platform.osFeatures.join(', ')]);
  if (urls.length > 0) rows.push(['  URLs:', urls.join(', ')]);
  return rows;
}

/** docker buildx has them in another order each time. */
function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether a template is no template but the name of the text that is shown without one. */
export function isPlainFormat(format: string): boolean {
  return /^\{\{\s*\.Manifest\s*\}\}$/.test(format.trim());
}

/** What a template is to be told of an image's contents. */
export function wantedBy({ names }: ReadTemplate): Wanted {
  return { config: names.has('Image') || names.has(''), provenance: names.has('Provenance'), sbom: names.has('SBOM') };
}

/**
 * A template filled in: `.Name`, `.Manifest`, `.Image`, `.Provenance`, `.SBOM`; where there are several platforms, the last three
 * are maps by them.
 */
export function imageByTemplate(
  template: ReadTemplate,
  shown: ShownImage & { readonly name: string; readonly contents: ReadonlyMap<string, ImageContents> },
): Result<string, Diagnostic> {
  return template.fill(
    new GoStruct('image', [
      { name: 'Name', json: 'name', value: shown.name, omitEmpty: true },
      { name: 'Manifest', json: 'manifest', value: manifestStruct(shown) },
      ...contentFields([...shown.contents]),
    ]),
  );
}

function manifestStruct({ root, index }: ShownImage): GoStruct {
  const { digest, bytes } = root;
  if (index === undefined) return descriptorStruct(plainDescriptor({ ...root, size: bytes.length }));
  return new GoStruct('Manifest', [
    ...indexHead(index),
    { name: 'Digest', json: 'digest', value: digest },
    { name: 'Size', json: 'size', value: BigInt(bytes.length) },
    { name: 'Manifests', json: 'manifests', value: index.manifests.map(descriptorStruct) },
    { name: 'Annotations', json: 'annotations', value: new GoTexts(index.annotations), omitEmpty: true },
  ]);
}

function contentFields(contents: readonly (readonly [platform: string, ImageContents])[]): readonly GoField[] {
  if (contents.length > 1) {
    const byPlatform = (of: (one: ImageContents) => GoStruct | undefined): GoValue =>
      new Map(contents.flatMap(([platform, one]) => toPairs(platform, of(one))));
    return [
      { name: 'Image', json: 'image', value: byPlatform(({ config }) => config), omitEmpty: true },
      { name: 'SBOM', value: byPlatform((one) => (one.sboms.length === 0 ? undefined : sbomStruct(one))) },
      {
        name: 'Provenance',
        value: byPlatform((one) => (one.provenance === undefined ? undefined : provenanceStruct(one))),
      },
    ];
  }
  const [, only = { sboms: [] }] = contents[0] ?? [];
  return [
    { name: 'Image', json: 'image', value: only.config ?? new GoStruct('Image', undefined), omitEmpty: true },
    { name: 'SBOM', value: sbomStruct(only) },
    { name: 'Provenance', value: provenanceStruct(only) },
  ];
}

function toPairs(platform: string, value: GoStruct | undefined): readonly (readonly [string, GoStruct])[] {
  return value === undefined ? [] : [[platform, value]];
}

function sbomStruct({ sboms: [first, ...more] }: Attestations): GoStruct {
  return new GoStruct('SBOM', [
    { name: 'SPDX', json: 'SPDX', value: first, omitEmpty: first === undefined },
    { name: 'AdditionalSPDXs', json: 'AdditionalSPDXs', value: more.length === 0 ? undefined : more, omitEmpty: true },
  ]);
}

function provenanceStruct({ provenance }: Attestations): GoStruct {
  return new GoStruct('Provenance', [
    { name: 'SLSA', json: 'SLSA', value: provenance, omitEmpty: provenance === undefined },
  ]);
}
