/** What a context of the form `oci-layout://PATH[:TAG][@DIGEST]` names. */
export interface LayoutReference {
  readonly path: string;
  /** `latest` where neither a tag nor a digest is written. */
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const PREFIX = 'oci-layout://';

/** distribution/reference's `DigestRegexp` and `TagRegexp`. */
const DIGEST = /^(.*)@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})$/s;
const TAG = /^(.*):(\w[\w.-]{0,127})$/s;

/** Undefined for what is no OCI layout (docker/buildx `util/ocilayout`). */
export function parseOciLayout(text: string): LayoutReference | undefined {
  if (!text.startsWith(PREFIX)) return undefined;
  const [, beforeDigest = text.slice(PREFIX.length), digest] = DIGEST.exec(text.slice(PREFIX.length)) ?? [];
  const [, path = beforeDigest, tag] = TAG.exec(beforeDigest) ?? [];
  return { path, digest, tag: tag ?? (digest === undefined ? 'latest' : undefined) };
}
