import type { Digest } from '../oci/digest.ts';
import { Digester, parseDigest } from '../oci/digest.ts';

const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

/** What is asked of a registry: images and indexes, of OCI and of Docker. */
export const MANIFEST_TYPES: readonly string[] = [
  INDEX_TYPE,
  MANIFEST_TYPE,
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** No manifest, index or config is larger (distribution's own limit for manifests). */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** Where the bytes of blobs come from. */
export interface BlobSource {
  /** The bytes of one blob from `offset` on. Throws where there is no such blob. */
  read(digest: Digest, options: { readonly offset: number; readonly signal: AbortSignal }): AsyncIterable<Uint8Array>;
  /** Whether it is there. A builder names layers of base images that it never had to fetch. */
  has(digest: Digest, options: { readonly signal: AbortSignal }): Promise<boolean>;
  /** Gets what is missing of the image for a platform, where that can be done. */
  fetchMissing?(platform: ImagePlatform, options: { readonly signal: AbortSignal }): Promise<void>;
}

/** What a manifest or an index says of a piece of content (OCI image spec, descriptor.md). */
export interface ContentDescriptor {
  readonly digest: Digest;
  readonly mediaType: string;
  /** In bytes. */
  readonly size: number;
  readonly platform?: ImagePlatform;
}

/** Go's names: `linux`, `arm64`. */
export interface ImagePlatform {
  readonly os: string;
  readonly architecture: string;
  /** `v7`; empty where nothing is said. */
  readonly variant: string;
}

/** A manifest or an index, its bytes as they are digested. */
export interface Manifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
  /** The images of an index, attestations among them; empty for a manifest. */
  readonly manifests: readonly ContentDescriptor[];
  /** The config and the layers of a manifest; empty for an index. */
  readonly blobs: readonly ContentDescriptor[];
}

/**
 * Reads a manifest or an index, and checks it.
 * @throws Error for what is not there, is no manifest, is larger than 4 MiB, or has another digest
 */
export async function readManifest(
  source: BlobSource,
  digest: Digest,
  options: { readonly signal: AbortSignal },
): Promise<Manifest> {
  const bytes = await readSmall(source, digest, options);
  const body = jsonObject(bytes, digest);
  const [config, layers, manifests] = [body['config'], list(body['layers']), list(body['manifests'])];
  const isIndex = config === undefined;
  const named = body['mediaType'];
  return {
    digest,
    mediaType: typeof named === 'string' ? named : isIndex ? INDEX_TYPE : MANIFEST_TYPE,
    bytes,
    manifests: manifests.map((one) => descriptor(one, digest)),
    blobs: isIndex ? [] : [config, ...layers].map((one) => descriptor(one, digest)),
  };
}

/** The platform that the config of an image names. */
export async function configPlatform(
  source: BlobSource,
  digest: Digest,
  options: { readonly signal: AbortSignal },
): Promise<ImagePlatform> {
  return platformOf(jsonObject(await readSmall(source, digest, options), digest));
}

function platformOf({ os, architecture, variant }: Readonly<Record<string, unknown>>): ImagePlatform {
  return { os: String(os ?? ''), architecture: String(architecture ?? ''), variant: String(variant ?? '') };
}

async function readSmall(
  source: BlobSource,
  digest: Digest,
  { signal }: { readonly signal: AbortSignal },
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const digester = new Digester(digest);
  let length = 0;
  for await (const part of source.read(digest, { offset: 0, signal })) {
    length += part.length;
    if (length > MAX_MANIFEST_BYTES) throw new Error(`${digest} is larger than a manifest may be`);
    digester.update(part);
    parts.push(part);
  }
  if (digester.digest() !== digest) throw new Error(`the builder gave something else in place of ${digest}`);
  return Buffer.concat(parts);
}

function jsonObject(bytes: Buffer, digest: Digest): Readonly<Record<string, unknown>> {
  const body: unknown = parsed(bytes);
  if (!isRecord(body)) throw new Error(`${digest} is no manifest`);
  return body;
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function descriptor(value: unknown, within: Digest): ContentDescriptor {
  const { digest, mediaType, size, platform } = isRecord(value) ? value : {};
  const checked = typeof digest === 'string' ? parseDigest(digest) : undefined;
  if (checked === undefined || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new Error(`${within} names something without a digest and a size`);
  }
  const known = isRecord(platform) ? { platform: platformOf(platform) } : {};
  return { digest: checked, mediaType: typeof mediaType === 'string' ? mediaType : '', size, ...known };
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
