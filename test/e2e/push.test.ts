import { randomBytes } from 'node:crypto';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BytePipe } from '../rig/byte-pipe.ts';
import { remoteBuildkit } from '../rig/byte-pipe.ts';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine, sharedRoot } from '../rig/engine.ts';
import { faultProxy } from '../rig/fault-proxy.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import type { TestRegistry } from '../rig/registry.ts';
import { testRegistry } from '../rig/registry.ts';

const TEST_MS = 120_000;
const UP_MS = 300_000;

const MANIFESTS =
  'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json';

let engine: TestEngine;
let pipe: BytePipe;
let one: TestRegistry;
let two: TestRegistry;

beforeAll(async () => {
  engine = await sharedEngine();
  [pipe, one, two] = await Promise.all([remoteBuildkit(engine.docker), testRegistry(), testRegistry()]);
}, UP_MS);

afterAll(async () => {
  await Promise.all([pipe, one, two].map((part) => part[Symbol.asyncDispose]()));
}, UP_MS);

async function project(): Promise<TempFolder> {
  const folder = await tempFolder('push');
  await writeFile(join(folder.path, 'Dockerfile'), 'FROM scratch\nCOPY layer /layer\n');
  await writeFile(join(folder.path, 'layer'), randomBytes(500_000));
  return folder;
}

/** Builds on the engine, or (`remote`) on its BuildKit as on one of its own. */
async function push(
  folder: TempFolder,
  names: readonly string[],
  { remote = true, args = [] }: { readonly remote?: boolean; readonly args?: readonly string[] } = {},
): Promise<DepotRun> {
  const tags = names.flatMap((name) => ['-t', name]);
  const env = remote ? { BUILDKIT_HOST: pipe.address } : { DOCKER_HOST: engine.dockerHost };
  return depot(['build', '--push', '--progress=plain', '--metadata-file=meta.json', ...args, ...tags, folder.path], {
    cwd: folder.path,
    env: { DOCKER_HOST: engine.dockerHost, ...env },
  });
}

async function digestOf(name: string): Promise<string | undefined> {
  const [, host = '', path = '', tag = ''] = /^([^/]+)\/(.*):([^:/]+)$/.exec(name) ?? [];
  const answer = await fetch(`http://${host}/v2/${path}/manifests/${tag}`, {
    method: 'HEAD',
    headers: { accept: MANIFESTS },
  });
  return answer.headers.get('docker-content-digest') ?? undefined;
}

/** What a repository of a registry holds. */
async function keptBlobs({ folder }: TestRegistry, repository: string): Promise<readonly string[]> {
  const links = join(folder, 'storage/docker/registry/v2/repositories', repository, '_layers/sha256');
  return (await readdir(links)).map((hex) => `sha256:${hex}`).sort();
}

interface AnyManifest {
  readonly manifests?: readonly { readonly digest: string }[];
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string }[];
}

/** What the image `1` of a repository is made of. */
async function namedBlobs({ host }: TestRegistry, repository: string): Promise<readonly string[]> {
  const blobs = new Set<string>();
  const read = async (reference: string): Promise<void> => {
    const answer = await fetch(`http://${host}/v2/${repository}/manifests/${reference}`, {
      headers: { accept: MANIFESTS },
    });
    const { manifests = [], config, layers = [] } = (await answer.json()) as AnyManifest;
    for (const { digest } of [...(config === undefined ? [] : [config]), ...layers]) blobs.add(digest);
    for (const { digest } of manifests) await read(digest);
  };
  await read('1');
  return [...blobs].sort();
}

async function metadata(folder: TempFolder): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await readFile(join(folder.path, 'meta.json'), 'utf8')) as Readonly<Record<string, unknown>>;
}

const unique = (): string => `push-${randomBytes(6).toString('hex')}`;

describe('names of several registries', () => {
  test.each([{ remote: true }, { remote: false }])(
    'all have one image, attestations and platforms and all ($remote)',
    { timeout: TEST_MS },
    async ({ remote }) => {
      await using folder = await project();
      const name = unique();
      const names = [
        `${one.host}/${name}:1`,
        `${two.host}/${name}:1`,
        `${two.host}/${name}:latest`,
        `${two.host}/other/${name}:1`,
      ];
      const run = await push(folder, names, {
        remote,
        args: ['--provenance=true', '--platform=linux/amd64,linux/arm64'],
      });
      expect(run.exitCode, run.stderr).toBe(0);
      const meta = await metadata(folder);
      const digest = meta['containerimage.digest'];
      expect(await Promise.all(names.map(digestOf))).toEqual(names.map(() => digest));
      expect(meta['depot.pushes']).toEqual(names.map((each) => ({ name: each, result: 'pushed', digest })));
      expect(run.stderr).toContain(`pushing to ${one.host}`);
      expect(run.stderr).not.toContain('from here instead');
      const index = (await (
        await fetch(`http://${two.host}/v2/other/${name}/manifests/1`, { headers: { accept: MANIFESTS } })
      ).json()) as { readonly manifests: readonly unknown[] };
      expect(index.manifests).toHaveLength(4);
    },
  );

  test(
    'of linked targets with equal steps each gets its own layers, and no step is run for the push',
    { timeout: TEST_MS },
    async () => {
      await using folder = await tempFolder('push');
      await cp(join(await sharedRoot(), 'srv/busybox'), folder.path, { recursive: true });
      const name = unique();
      await writeFile(
        join(folder.path, 'docker-bake.hcl'),
        `target "base" {
  platforms = ["linux/amd64", "linux/arm64"]
  dockerfile-inline = <<EOT
FROM scratch AS root
ARG TARGETARCH
COPY \${"$"}{TARGETARCH}/busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN echo ${name} >/made
FROM root AS checked
RUN sleep 0.3; date +%N >/checked
FROM root
COPY --from=checked /checked /checked
EOT
}
target "tools" {
  platforms = ["linux/amd64", "linux/arm64"]
  contexts = { base = "target:base" }
  dockerfile-inline = <<EOT
FROM base
COPY docker-bake.hcl /tool
RUN date +%N >/now
EOT
}
target "service" {
  name = "service-\${n}"
  matrix = { n = ["a", "b", "c", "d"] }
  platforms = ["linux/amd64", "linux/arm64"]
  contexts = { base = "target:base", tools = "target:tools" }
  dockerfile-inline = <<EOT
FROM tools AS build
COPY docker-bake.hcl /again
RUN sleep 0.5; date +%N >/now
RUN echo \${n} >/name
FROM base
COPY --from=build /now /name /
RUN date +%N >/built
EOT
  tags = ["${one.host}/${name}/\${n}:1", "${two.host}/${name}/\${n}:1"]
}
`,
      );
      const run = await depot(['bake', 'service', '--push', '--progress=plain'], {
        cwd: folder.path,
        env: { DOCKER_HOST: engine.dockerHost, BUILDKIT_HOST: pipe.address },
      });
      expect(run.exitCode, run.stderr).toBe(0);
      for (const registry of [one, two]) {
        for (const image of ['a', 'b', 'c', 'd'].map((n) => `${name}/${n}`)) {
          expect(await keptBlobs(registry, image)).toEqual(await namedBlobs(registry, image));
        }
      }
    },
  );

  test('a registry that is not there neither stops nor hides the others', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    await using dead = await testRegistry();
    await dead.stop();
    const name = unique();
    const names = [`${dead.host}/${name}:1`, `${one.host}/${name}:1`, `${two.host}/${name}:1`];
    const run = await push(folder, names);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain(`ERROR: the image was built, but ${names[0]} was not pushed: ${dead.host}: `);
    expect(run.stderr).toContain('ECONNREFUSED');
    expect(run.stderr).toMatch(new RegExp(`  ${names[0]}  NOT pushed\n  ${names[1]}  pushed sha256:`));
    const meta = await metadata(folder);
    const digest = meta['containerimage.digest'];
    expect(await Promise.all(names.slice(1).map(digestOf))).toEqual([digest, digest]);
    expect(meta['depot.pushes']).toMatchObject([
      { name: names[0], result: 'failed', error: expect.stringContaining('ECONNREFUSED') },
      { name: names[1], result: 'pushed', digest },
      { name: names[2], result: 'pushed', digest },
    ]);
  });

  test.each([
    { status: 401, hint: 'docker login' },
    { status: 403, hint: 'docker login' },
    { status: 507, hint: 'is not well' },
  ])(
    'a registry that answers $status to uploads is told, and named nothing',
    { timeout: TEST_MS },
    async ({ status, hint }) => {
      await using folder = await project();
      await using faulty = await faultProxy(one.url);
      faulty.add({ on: /^(?:POST|PUT|PATCH) /, does: { is: 'answered', status } });
      const name = unique();
      const names = [`${faulty.host}/${name}:1`, `${two.host}/${name}:1`];
      const run = await push(folder, names);
      expect(run.exitCode).toBe(1);
      expect(run.stderr).toContain(`${names[0]} was not pushed: ${faulty.host}: `);
      expect(run.stderr).toContain(`status ${status}`);
      expect(run.stderr).toContain(hint);
      expect(await digestOf(`${one.host}/${name}:1`)).toBeUndefined();
      expect(await digestOf(names[1] ?? '')).toMatch(/^sha256:/);
    },
  );

  test.each([
    {
      what: 'asks to wait',
      on: /^(?:HEAD|POST|PUT) .*(?:blobs|manifests)/,
      does: { is: 'answered', status: 429 } as const,
    },
    { what: 'has lost an upload', on: /^PUT .*\/blobs\/uploads\//, does: { is: 'answered', status: 404 } as const },
    {
      what: 'breaks off in mid-blob',
      on: /^PUT .*\/blobs\/uploads\//,
      does: { is: 'cut', afterBytes: 100_000 } as const,
    },
    { what: 'is not well for a while', on: /^(?:POST|PUT) /, does: { is: 'answered', status: 503 } as const },
  ])('a registry that $what gets the image in the end', { timeout: TEST_MS }, async ({ on, does }) => {
    await using folder = await project();
    await using faulty = await faultProxy(one.url);
    faulty.add({ on, does, times: 2 });
    const name = unique();
    const names = [`${faulty.host}/${name}:1`, `${two.host}/${name}:1`];
    const run = await push(folder, names);
    expect(run.exitCode, run.stderr).toBe(0);
    const digest = (await metadata(folder))['containerimage.digest'];
    expect(await digestOf(`${one.host}/${name}:1`)).toBe(digest);
  });

  test('an account that a registry does not know is no failure of another', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    await using closed = await testRegistry({ account: { username: 'someone', password: 'secret-of-someone' } });
    const name = unique();
    const names = [`${closed.host}/${name}:1`, `${two.host}/${name}:1`];
    const run = await push(folder, names);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain(`docker login ${closed.host}`);
    expect(await digestOf(names[1] ?? '')).toMatch(/^sha256:/);
  });
});

describe('names of one registry', () => {
  test.each([
    { what: 'asks to wait', status: 429, on: /^PUT .*\/manifests\//, times: 7 },
    { what: 'has lost an upload', status: 404, on: /^PUT .*\/blobs\/uploads\//, times: 1 },
  ])('are pushed in the end where it $what', { timeout: TEST_MS }, async ({ status, on, times }) => {
    await using folder = await project();
    await using faulty = await faultProxy(one.url);
    faulty.add({ on, does: { is: 'answered', status }, times });
    const name = unique();
    const run = await push(folder, [`${faulty.host}/${name}:1`]);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toContain('pushing again');
    expect(await digestOf(`${one.host}/${name}:1`)).toBe((await metadata(folder))['containerimage.digest']);
  });

  test('are given up at once where it refuses', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    await using faulty = await faultProxy(one.url);
    faulty.add({ on: /^(?:POST|PUT) /, does: { is: 'answered', status: 403 } });
    const run = await push(folder, [`${faulty.host}/${unique()}:1`]);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).not.toContain('pushing again');
    expect(run.stderr).toContain('403');
  });
});
