import type { OciDescriptor } from './descriptor.ts';

const REFERENCE_TYPE = 'vnd.docker.reference.type';
const REFERENCE_DIGEST = 'vnd.docker.reference.digest';
const ATTESTATION = 'attestation-manifest';

/** The image that this is an attestation of, where it is one (moby/buildkit `docs/attestations/attestation-storage.md`). */
export function attestedDigest({ annotations }: OciDescriptor): string | undefined {
  return annotations.get(REFERENCE_TYPE) === ATTESTATION ? annotations.get(REFERENCE_DIGEST) : undefined;
}
