import type { OciDescriptor } from '../oci/descriptor.ts';
import type { GoValue } from '../oci/go-value.ts';
import { goAny } from '../oci/go-value.ts';
import type { ImageManifest } from '../oci/image-manifest.ts';
import { isRecord, parsedJson } from '../oci/json-fields.ts';
import { wholeBlob } from '../registry/steady-blob.ts';
import { BadImage } from './bad-image.ts';
import type { ImagePlace, Wanted } from './contents.ts';

/** What is said of an image by attestations: the predicates of in-toto statements. */
export interface Attestations {
  /** Absent where there is none, or it was not wanted. */
  readonly provenance?: GoValue;
  /** SPDX documents. */
  readonly sboms: readonly GoValue[];
}

const IN_TOTO = 'application/vnd.in-toto+json';
const SIGNED = /^application\/vnd\.in-toto\..*\+dsse$/;
const PREDICATE_TYPE = 'in-toto.io/predicate-type';
const SPDX = 'https://spdx.dev/Document';
const SLSA = 'https://slsa.dev/provenance/';

/** A list of packages with their files is some ten MB. */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * Reads those of them that are wanted: of several provenances the last counts (buildx `util/imagetools/loader.go`). Throws
 * {@link BadImage}, or a `RegistryError`.
 */
export async function readAttestations(
  manifests: readonly ImageManifest[],
  place: ImagePlace,
  { wanted, signal }: { readonly wanted: Wanted; readonly signal: AbortSignal },
): Promise<Attestations> {
  const sboms: GoValue[] = [];
  let provenance: GoValue;
  for (const { layers } of manifests) {
    const statements = layers.filter(({ mediaType }) => mediaType === IN_TOTO || SIGNED.test(mediaType));
    const typed = (fits: (type: string) => boolean): readonly OciDescriptor[] =>
      statements.filter(({ annotations }) => fits(annotations.get(PREDICATE_TYPE) ?? ''));
    if (wanted.sbom)
      for (const layer of typed((type) => type === SPDX)) sboms.push(await predicate(layer, place, signal));
    const [said] = typed((type) => type.startsWith(SLSA));
    if (wanted.provenance && said !== undefined) provenance = await predicate(said, place, signal);
  }
  return provenance === undefined ? { sboms } : { sboms, provenance };
}

async function predicate(
  { digest, size, mediaType }: OciDescriptor,
  { client, repository }: ImagePlace,
  signal: AbortSignal,
): Promise<GoValue> {
  const bytes = await wholeBlob(client, { repository, digest, size }, { maxBytes: MAX_BYTES, signal });
  const statement = parsedJson(SIGNED.test(mediaType) ? payloadOf(bytes) : bytes);
  if (!isRecord(statement)) throw new BadImage(digest, 'it is no in-toto statement');
  return goAny(statement['predicate']);
}

/** What is inside of a DSSE envelope. */
function payloadOf(bytes: Uint8Array): Buffer {
  const envelope = parsedJson(bytes);
  const payload = isRecord(envelope) ? envelope['payload'] : undefined;
  return Buffer.from(typeof payload === 'string' ? payload : '', 'base64');
}
