import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Digest } from '../oci/digest.ts';
import { parseDigest } from '../oci/digest.ts';
import type { BlobSource, ContentDescriptor, Manifest } from './manifest.ts';
import { readManifest } from './manifest.ts';

const LOOPBACK = '127.0.0.1';

/** One image that is served under a name nobody else knows. */
export interface ServedImage extends AsyncDisposable {
  /** `127.0.0.1:PORT/RANDOM`. */
  readonly repository: string;
  readonly tag: string;
  /** How many bytes of blobs have gone out. */
  sentBytes(): number;
}

/**
 * Serves one image as a registry does, to be pulled and nothing else (OCI distribution spec, "Pull"): on a free port of the
 * loopback interface, under an unguessable name, since every user of the machine can reach a port. Blobs are read from
 * the source when they are asked for, and only those that the image names; nothing is kept.
 */
export async function serveImage(
  root: Manifest,
  source: BlobSource,
  { signal }: { readonly signal: AbortSignal },
): Promise<ServedImage> {
  const name = randomBytes(16).toString('hex');
  const tag = 'image';
  const ended = new AbortController();
  const image = new Image(root, source, AbortSignal.any([signal, ended.signal]));
  const server = http.createServer((request, response) => {
    answer(request, response, { image, name, tag }).catch(() => response.destroy());
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening', { signal });
  const { port } = server.address() as AddressInfo;
  return {
    repository: `${LOOPBACK}:${port}/${name}`,
    tag,
    sentBytes: () => image.sentBytes,
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

/** What belongs to an image: grows as its manifests are read. */
class Image {
  readonly root: Manifest;
  readonly signal: AbortSignal;
  sentBytes = 0;
  readonly #source: BlobSource;
  readonly #manifests = new Map<Digest, Promise<Manifest>>();
  readonly #named = new Map<Digest, ContentDescriptor>();

  constructor(root: Manifest, source: BlobSource, signal: AbortSignal) {
    this.root = root;
    this.signal = signal;
    this.#source = source;
    this.#add(root);
  }

  /** Undefined for what the image does not name as a manifest. */
  manifest(digest: Digest): Promise<Manifest> | undefined {
    const known = this.#manifests.get(digest);
    if (known !== undefined || !this.root.manifests.some((one) => one.digest === digest)) return known;
    const read = readManifest(this.#source, digest, { signal: this.signal }).then((manifest) => this.#add(manifest));
    read.catch(() => this.#manifests.delete(digest));
    this.#manifests.set(digest, read);
    return read;
  }

  /** What is known of a blob; undefined for one that no manifest read so far names. */
  blob(digest: Digest): ContentDescriptor | undefined {
    return this.#named.get(digest);
  }

  async *read(digest: Digest, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const part of this.#source.read(digest, { offset, signal: this.signal })) {
      this.sentBytes += part.length;
      yield part;
    }
  }

  #add(manifest: Manifest): Manifest {
    this.#manifests.set(manifest.digest, Promise.resolve(manifest));
    for (const blob of manifest.blobs) this.#named.set(blob.digest, blob);
    return manifest;
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { image, name, tag }: { readonly image: Image; readonly name: string; readonly tag: string },
): Promise<void> {
  const url = request.url ?? '';
  response.setHeader('Docker-Distribution-API-Version', 'registry/2.0');
  if (url === '/v2/' || url === '/v2') return void response.end();
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const [, repository, kind, reference = ''] = /^\/v2\/([^/]+)\/(manifests|blobs)\/([^/?]+)$/.exec(url) ?? [];
  if (!isRead || repository !== name) return refuse(response, 'NAME_UNKNOWN');
  const digest = reference === tag ? image.root.digest : parseDigest(reference.replace(/%3A/i, ':'));
  if (kind === 'manifests') {
    const manifest = digest === undefined ? undefined : await image.manifest(digest);
    if (manifest === undefined) return refuse(response, 'MANIFEST_UNKNOWN');
    response.writeHead(200, {
      'Content-Type': manifest.mediaType,
      'Content-Length': manifest.bytes.length,
      'Docker-Content-Digest': manifest.digest,
    });
    return void response.end(request.method === 'HEAD' ? undefined : manifest.bytes);
  }
  const blob = digest === undefined ? undefined : image.blob(digest);
  if (blob === undefined) return refuse(response, 'BLOB_UNKNOWN');
  await sendBlob(request, response, { image, blob });
}

async function sendBlob(
  request: IncomingMessage,
  response: ServerResponse,
  { image, blob }: { readonly image: Image; readonly blob: ContentDescriptor },
): Promise<void> {
  const offset = rangeStart(request.headers.range, blob.size);
  response.writeHead(offset > 0 ? 206 : 200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': blob.size - offset,
    'Accept-Ranges': 'bytes',
    'Docker-Content-Digest': blob.digest,
    ...(offset > 0 ? { 'Content-Range': `bytes ${offset}-${blob.size - 1}/${blob.size}` } : {}),
  });
  if (request.method === 'HEAD') return void response.end();
  await pipeline(Readable.from(image.read(blob.digest, offset), { objectMode: false }), response, {
    signal: image.signal,
  });
}

/** Where a download that broke off goes on: `bytes=N-`; what asks for anything else gets the whole. */
function rangeStart(range: string | undefined, size: number): number {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  return start < size ? start : 0;
}

function refuse(response: ServerResponse, code: string): void {
  response.writeHead(404, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ errors: [{ code, message: 'this registry serves one image' }] }));
}
