import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pack } from 'tar-stream';
import { pack } from 'tar-stream';
import type { ImageName } from '../docker/api.ts';
import type { Digest } from '../oci/digest.ts';
import { digestParts } from '../oci/digest.ts';
import type { BlobSource, ContentDescriptor, Manifest } from '../registry/manifest.ts';
import { repositoryName } from '../registry/repository-name.ts';

/** What goes into an archive: an image, or images of an index together with the index. */
export interface ArchivedImage {
  /** What the names stand for. */
  readonly root: Manifest;
  /** The images whose blobs are written: the root itself, or some that it lists; a store of single images takes the first. */
  readonly chosen: readonly Manifest[];
  readonly names: readonly ImageName[];
}

/**
 * An image as an archive that `docker load` takes, whatever store the engine has: an OCI layout (containerd's importer reads
 * the names in the annotations of index.json) which is a `docker save` archive as well (manifest.json). Blobs are read
 * one after the other while the archive is read; nothing is kept.
 *
 * The stream ends with the source's error, or with the reason of the signal.
 */
export async function* imageArchive(
  image: ArchivedImage,
  { source, signal }: { readonly source: BlobSource; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const archive = pack();
  fill(archive, image, { source, signal }).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  for await (const chunk of archive) if (chunk instanceof Uint8Array) yield chunk;
}

async function fill(
  archive: Pack,
  { root, chosen, names }: ArchivedImage,
  { source, signal }: { readonly source: BlobSource; readonly signal: AbortSignal },
): Promise<void> {
  const [config, ...layers] = chosen[0]?.blobs ?? [];
  if (config === undefined) throw new Error(`${root.digest} is no image`);
  const descriptor = { mediaType: root.mediaType, digest: root.digest, size: root.bytes.length };
  const named = names.map(({ repository, tag }) => ({
    ...descriptor,
    annotations: {
      'io.containerd.image.name': `${repositoryName(repository).repository}:${tag}`,
      'org.opencontainers.image.ref.name': tag,
    },
  }));
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: named };
  const saved = {
    Config: blobPath(config.digest),
    RepoTags: names.map(({ repository, tag }) => `${repository}:${tag}`),
    Layers: layers.map(({ digest }) => blobPath(digest)),
  };
  archive.entry({ name: 'oci-layout' }, JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  archive.entry({ name: 'index.json' }, JSON.stringify(index));
  archive.entry({ name: 'manifest.json' }, JSON.stringify([saved]));
  for (const manifest of new Set([root, ...chosen])) {
    archive.entry({ name: blobPath(manifest.digest) }, manifest.bytes);
  }
  for (const blob of distinct(chosen.flatMap(({ blobs }) => blobs))) {
    await writeBlob(archive, blob, { bytes: source.read(blob.digest, { offset: 0, signal }), signal });
  }
}

async function writeBlob(
  archive: Pack,
  { digest, size }: ContentDescriptor,
  { bytes, signal }: { readonly bytes: AsyncIterable<Uint8Array>; readonly signal: AbortSignal },
): Promise<void> {
  const written = Promise.withResolvers<void>();
  const entry = archive.entry({ name: blobPath(digest), size }, (error) =>
    error ? written.reject(error) : written.resolve(),
  );
  await Promise.all([pipeline(Readable.from(bytes, { objectMode: false }), entry, { signal }), written.promise]);
}

function distinct(blobs: readonly ContentDescriptor[]): Iterable<ContentDescriptor> {
  return new Map(blobs.map((blob) => [blob.digest, blob])).values();
}

function blobPath(digest: Digest): string {
  return `blobs/${digestParts(digest).join('/')}`;
}
