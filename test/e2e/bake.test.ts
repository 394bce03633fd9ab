import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { dockerOf, sharedEngine, sharedRoot } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import { testRegistry } from '../rig/registry.ts';

const MONOREPO = resolve(import.meta.dirname, '../../fixtures/monorepo');
const BUILD_MS = 240_000;

let engine: TestEngine;
let busybox: string;

beforeAll(async () => {
  engine = await sharedEngine();
  busybox = join(await sharedRoot(), 'srv', 'busybox');
});

/** A folder with these files and a base image's busybox in `bin/`. */
async function project(files: Readonly<Record<string, string>>): ReturnType<typeof tempFolder> {
  const folder = await tempFolder('project');
  await mkdir(join(folder.path, 'bin'));
  await cp(join(busybox, 'amd64', 'busybox'), join(folder.path, 'bin', 'busybox'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder.path, name, '..'), { recursive: true });
    await writeFile(join(folder.path, name), text);
  }
  return folder;
}

function bake(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<DepotRun> {
  return depot(['bake', ...args], { cwd, env: { DOCKER_HOST: engine.dockerHost, ...env } });
}

const BASE = 'FROM scratch\nCOPY bin/busybox /bin/busybox\nSHELL ["/bin/busybox", "sh", "-c"]\n';

test(
  'a bake of more targets than fit on one connection to a Docker Engine, which takes 250 calls at once on each',
  async () => {
    const targets = Array.from({ length: 100 }, (_, at) => `t${at}`);
    await using folder = await project({
      file: 'x',
      'docker-bake.hcl': [
        `group "default" {\n  targets = ${JSON.stringify(targets)}\n}\n`,
        ...targets.map((name) => `target "${name}" {\n  dockerfile-inline = "FROM scratch\\nCOPY file /${name}"\n}\n`),
      ].join(''),
    });
    const run = await bake(folder.path, ['--set=*.output=type=cacheonly']);
    expect(run.exitCode, run.stderr.slice(-2_000)).toBe(0);
  },
  BUILD_MS,
);

describe('depot bake of the monorepo', () => {
  test(
    'pushes both platforms to both registries, loads, and tells the digests',
    async () => {
      await using a = await testRegistry();
      await using b = await testRegistry();
      await using folder = await tempFolder('metadata');
      const metadata = join(folder.path, 'metadata.json');
      const env = { REGISTRY_A: a.host, REGISTRY_B: b.host, BUSYBOX: busybox };
      const args = [`--allow=fs.read=${busybox}`, '--push', '--load', '--metadata-file', metadata];
      const run = await bake(MONOREPO, args, env);
      expect(run.exitCode, run.stderr).toBe(0);

      const images = ['api', 'base', 'cli', 'cli-full', 'cli-slim', 'mailer', 'scheduler', 'web', 'worker'];
      for (const { url } of [a, b]) {
        const { repositories } = (await (await fetch(`${url}/v2/_catalog`)).json()) as { repositories: string[] };
        expect(repositories).toEqual(images.map((image) => `monorepo/${image}`));
      }
      const accept = 'application/vnd.oci.image.index.v1+json';
      const index = await fetch(`${a.url}/v2/monorepo/api/manifests/1.0.0`, { headers: { accept } });
      const { manifests } = (await index.json()) as { manifests: { platform: { architecture: string } }[] };
      const architectures = manifests.map(({ platform }) => platform.architecture).filter((one) => one !== 'unknown');
      expect(architectures).toEqual(['amd64', 'arm64']);

      const told = JSON.parse(await readFile(metadata, 'utf8')) as Record<string, Record<string, unknown>>;
      expect(told['service-api']?.['containerimage.digest']).toBe(index.headers.get('docker-content-digest'));
      expect(told['service-api']?.['containerimage.descriptor']).toMatchObject({ mediaType: accept });

      using docker = dockerOf(engine);
      const signal = AbortSignal.timeout(30_000);
      expect(await docker.inspectImage(`${a.host}/monorepo/worker:1.0.0`, { signal })).toMatchObject({
        architecture: 'amd64',
      });
    },
    BUILD_MS,
  );
});

describe('a failing bake', () => {
  test('shows the line of the Dockerfile, skips what links to it, builds the rest, and exits with 1', async () => {
    const mark = `fine-${Math.random()}`;
    await using folder = await project({
      'docker-bake.hcl': `
group "default" { targets = ["broken", "child", "fine"] }
target "broken" { dockerfile = "broken.Dockerfile" }
target "child" {
  dockerfile = "child.Dockerfile"
  contexts = { parent = "target:broken" }
}
target "fine" { dockerfile = "fine.Dockerfile" }
`,
      'broken.Dockerfile': `${BASE}RUN echo to-the-log && exit 7\n`,
      'child.Dockerfile': 'FROM parent\nCOPY bin/busybox /x\n',
      'fine.Dockerfile': `${BASE}RUN echo ${mark} > /fine\n`,
    });
    const run = await bake(folder.path, []);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain('broken.Dockerfile:4');
    expect(run.stderr).toContain('   4 | >>> RUN echo to-the-log && exit 7');
    expect(run.stderr).toMatch(/^ERROR: target broken: failed to solve: process .* exit code: 7$/m);
    expect(run.stderr).toContain('[child] SKIPPED: target broken was not built');
    expect(run.stderr).toMatch(/\[fine 2\/2\] RUN echo fine-[\d.]+ > \/fine\n#\d+ DONE/);
  });

  test.each<[string, Readonly<Record<string, string>>, readonly string[], string]>([
    [
      'an unknown target',
      { 'docker-bake.hcl': 'target "web" {}\n' },
      ['wbe'],
      'ERROR: failed to find target wbe; did you mean "web"?\n',
    ],
    [
      'links in a circle',
      {
        'docker-bake.hcl':
          'target "a" {\n  contexts = { b = "target:b" }\n}\ntarget "b" {\n  contexts = { a = "target:a" }\n}\n',
      },
      ['a'],
      [
        'ERROR: docker-bake.hcl:5:14: infinite loop from b to a: a -> b -> a',
        '  5 |   contexts = { a = "target:a" }',
        '    |              ^^^^^^^^^^^^^^^^^^ break the circle of contexts',
        'docker-bake.hcl:2:14: a links to b here',
        '  2 |   contexts = { b = "target:b" }',
        '    |              ^^^^^^^^^^^^^^^^^^\n',
      ].join('\n'),
    ],
    [
      'a missing Dockerfile',
      { 'docker-bake.hcl': '\ntarget "web" {\n  dockerfile = "nope.Dockerfile"\n}\n', 'web.Dockerfile': BASE },
      ['web'],
      'ERROR: docker-bake.hcl:2:1: target web: Dockerfile nope.Dockerfile cannot be used: no such file\n  there is web.Dockerfile\n',
    ],
    [
      'a Dockerfile that is a folder',
      { 'docker-bake.hcl': 'target "web" {}\n', 'Dockerfile/x': '' },
      ['web'],
      'ERROR: docker-bake.hcl:1:1: target web: Dockerfile Dockerfile cannot be used: not a file\n',
    ],
    [
      'a metadata file in a folder that is not there, before anything is built,',
      { 'docker-bake.hcl': 'target "web" { dockerfile = "nope" }\n' },
      ['web', '--metadata-file=/none/at/all.json'],
      'ERROR: the metadata file "/none/at/all.json" cannot be written: there is no folder /none/at\n',
    ],
    [
      'a syntax error',
      { 'docker-bake.hcl': 'target "web" {\n  tags = ["a" "b"]\n}\n' },
      ['web'],
      'ERROR: docker-bake.hcl:2:15: A comma or ] is expected after this item\n  2 |   tags = ["a" "b"]\n    |               ^ separate items by commas, and close with ]\n',
    ],
  ])('%s is told clearly', async (_, files, args, expected) => {
    await using folder = await project(files);
    expect(await bake(folder.path, args)).toEqual({ exitCode: 1, stdout: '', stderr: expected });
  });

  test('a registry that is down is named, with what to look at', async () => {
    await using folder = await project({
      'docker-bake.hcl': 'target "web" { tags = ["127.0.0.1:1/web:1"] }\n',
      Dockerfile: BASE,
    });
    const run = await bake(folder.path, ['--push', 'web']);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(
      /^ERROR: target web: failed to solve: failed to push 127\.0\.0\.1:1\/web:1: .*connection refused$/m,
    );
    expect(run.stderr).toContain('is the registry 127.0.0.1:1 running');
  });

  test('an engine that is not there is named', async () => {
    await using folder = await project({ 'docker-bake.hcl': 'target "web" {}\n', Dockerfile: BASE });
    const run = await bake(folder.path, ['web'], { BUILDKIT_HOST: `unix://${folder.path}/none.sock` });
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/^ERROR: the builder at unix:\/\/.*none\.sock cannot be reached: .*ENOENT/m);
  });
});
