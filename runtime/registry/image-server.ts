import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
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

const TAG = 'image';

const BAD_REQUEST = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n';

/**
 * A registry from which images can be pulled, each under an unguessable name, since every user of the machine can reach a
 * port; there is nothing else that it does (OCI distribution spec, "Pull"). Blobs are read from their source when they are asked
 * for, and only those that an image names; nothing is kept.
 */
export class ImageServer implements AsyncDisposable {
  readonly #address: string;
  readonly #images = new Map<string, Image>();
  readonly #server: http.Server;
  #wasReached = false;

  /** `address`: where those who pull find it: `127.0.0.1:PORT`. Connections come by {@link ImageServer.accept}. */
  constructor(address: string, server = http.createServer()) {
    this.#address = address;
    this.#server = server;
    server.on('connection', () => (this.#wasReached = true));
    // Docker tries TLS first, and goes on in the clear when it has read this answer to the end.
    server.on('clientError', (_error, connection) => connection.end(BAD_REQUEST));
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      answer(request, response, this.#images).catch(() => response.destroy());
    });
  }

  /** One on a free port of the loopback interface. */
  static async listen({ signal }: { readonly signal: AbortSignal }): Promise<ImageServer> {
    const server = http.createServer();
    server.listen(0, LOOPBACK);
    await once(server, 'listening', { signal });
    return new ImageServer(`${LOOPBACK}:${(server.address() as AddressInfo).port}`, server);
  }

  /** Whether anyone has ever connected. */
  get wasReached(): boolean {
    return this.#wasReached;
  }

  /** Takes a connection that came another way than by a port of this machine. */
  accept(connection: Duplex): void {
    this.#server.emit('connection', connection);
  }

  /** Serves an image until it is disposed of, or the signal ends. */
  serve(root: Manifest, source: BlobSource, { signal }: { readonly signal: AbortSignal }): ServedImage {
    const name = randomBytes(16).toString('hex');
    const ended = new AbortController();
    const image = new Image(root, source, AbortSignal.any([signal, ended.signal]));
    this.#images.set(name, image);
    return {
      repository: `${this.#address}/${name}`,
      tag: TAG,
      sentBytes: () => image.sentBytes,
      [Symbol.asyncDispose]: async () => {
        ended.abort();
        this.#images.delete(name);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise<void>((closed) => this.#server.close(() => closed()));
  }
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
  images: ReadonlyMap<string, Image>,
): Promise<void> {
  const url = request.url ?? '';
  response.setHeader('Docker-Distribution-API-Version', 'registry/2.0');
  if (url === '/v2/' || url === '/v2') return void response.end();
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const [, repository, kind, reference = ''] = /^\/v2\/([^/]+)\/(manifests|blobs)\/([^/?]+)$/.exec(url) ?? [];
  const image = isRead ? images.get(repository ?? '') : undefined;
  if (image === undefined) return refuse(response, 'NAME_UNKNOWN');
  const digest = reference === TAG ? image.root.digest : parseDigest(reference.replace(/%3A/i, ':'));
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
  response.end(
    JSON.stringify({ errors: [{ code, message: 'this registry serves what it was asked to load, and no more' }] }),
  );
}
