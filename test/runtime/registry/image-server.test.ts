import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Digest } from '../../../runtime/oci/digest.ts';
import { ImageServer } from '../../../runtime/registry/image-server.ts';
import type { BlobSource } from '../../../runtime/registry/manifest.ts';
import { readManifest } from '../../../runtime/registry/manifest.ts';

const { signal } = new AbortController();

const digestOf = (bytes: Uint8Array): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;

/** Blobs in memory; `lies` gives other bytes than a digest promises. */
class Blobs implements BlobSource {
  readonly all = new Map<Digest, Buffer>();
  lies = false;

  put(content: Buffer | object): { readonly digest: Digest; readonly size: number } {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    this.all.set(digestOf(bytes), bytes);
    return { digest: digestOf(bytes), size: bytes.length };
  }

  async *read(digest: Digest, { offset }: { readonly offset: number }): AsyncGenerator<Uint8Array> {
    const bytes = this.all.get(digest);
    if (bytes === undefined) throw new Error(`no ${digest}`);
    yield (this.lies ? Buffer.concat([bytes, Buffer.from(' ')]) : bytes).subarray(offset);
  }

  async has(digest: Digest): Promise<boolean> {
    return this.all.has(digest);
  }
}

function image(blobs: Blobs): { readonly root: Digest; readonly manifest: Digest; readonly layer: Digest } {
  const layer = blobs.put(randomBytes(100_000));
  const config = blobs.put({ os: 'linux', architecture: 'amd64' });
  const manifest = blobs.put({ schemaVersion: 2, config, layers: [layer] });
  const platform = { os: 'linux', architecture: 'amd64' };
  const { digest: root } = blobs.put({ schemaVersion: 2, manifests: [{ ...manifest, platform }] });
  return { root, manifest: manifest.digest, layer: layer.digest };
}

test('serves what the image names, and nothing else', async () => {
  const blobs = new Blobs();
  const { root, manifest, layer } = image(blobs);
  const { digest: foreign } = blobs.put(randomBytes(10));
  await using server = await ImageServer.listen({ signal });
  await using served = server.serve(await readManifest(blobs, root, { signal }), blobs, { signal });
  const [host = '', name = ''] = served.repository.split('/');
  expect(host).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(name).toMatch(/^[0-9a-f]{32}$/);
  const url = `http://${host}/v2`;
  const get = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${url}${path}`, init);

  expect((await get('/')).status).toBe(200);
  const index = await get(`/${name}/manifests/${served.tag}`, { method: 'HEAD' });
  expect(index.headers.get('docker-content-digest')).toBe(root);
  expect(index.headers.get('content-type')).toBe('application/vnd.oci.image.index.v1+json');
  expect((await get(`/${name}/blobs/${layer}`)).status).toBe(404);
  const found = await get(`/${name}/manifests/${manifest}`);
  expect(digestOf(new Uint8Array(await found.arrayBuffer()))).toBe(manifest);
  const whole = Buffer.from(await (await get(`/${name}/blobs/${layer}`)).arrayBuffer());
  expect(whole).toEqual(blobs.all.get(layer));
  const rest = await get(`/${name}/blobs/${layer}`, { headers: { range: 'bytes=99990-' } });
  expect(rest.status).toBe(206);
  expect(rest.headers.get('content-range')).toBe('bytes 99990-99999/100000');
  expect(Buffer.from(await rest.arrayBuffer())).toEqual(whole.subarray(99_990));
  expect(served.sentBytes()).toBe(100_010);
  for (const path of [
    `/${name}/blobs/${foreign}`,
    `/${name}/manifests/${foreign}`,
    `/other/manifests/${served.tag}`,
    `/${name}/manifests/other`,
    '/_catalog',
    `/${name}/blobs/%2e%2e%2f`,
    `/${name}/blobs/%`,
  ]) {
    expect((await get(path)).status, path).toBe(404);
  }
  expect((await get(`/${name}/blobs/uploads/`, { method: 'POST' })).status).toBe(404);
});

test('a builder that gives something else than was named is found out', async () => {
  const blobs = new Blobs();
  const { root } = image(blobs);
  blobs.lies = true;
  await expect(readManifest(blobs, root, { signal })).rejects.toThrow(`something else in place of ${root}`);
});

test.each([
  ['no JSON', Buffer.from('{'), 'is no manifest'],
  ['a list', Buffer.from('[]'), 'is no manifest'],
  ['a layer without a digest', Buffer.from('{"config":{"digest":"x","size":1}}'), 'without a digest and a size'],
  [
    'a negative size',
    Buffer.from(`{"manifests":[{"digest":"sha256:${'0'.repeat(64)}","size":-1}]}`),
    'without a digest',
  ],
  ['more than 4 MiB', Buffer.alloc(4 * 1024 * 1024 + 1, ' '), 'is larger than a manifest may be'],
])('%s is refused', async (_what, bytes, message) => {
  const blobs = new Blobs();
  const { digest } = blobs.put(bytes);
  await expect(readManifest(blobs, digest, { signal })).rejects.toThrow(message);
});
