import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { dockerOf, sharedEngine, sharedRoot } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import { peers } from '../rig/peers.ts';
import { testRegistry } from '../rig/registry.ts';

const SHOP = resolve(import.meta.dirname, '../../fixtures/compose-shop');
const BUILD_MS = 240_000;

let engine: TestEngine;
let busybox: string;

beforeAll(async () => {
  engine = await sharedEngine();
  busybox = join(await sharedRoot(), 'srv', 'busybox');
});

function run(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<DepotRun> {
  return depot(args, { cwd, env: { DOCKER_HOST: engine.dockerHost, BUSYBOX: busybox, ...env } });
}

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

const BASE = 'FROM scratch\nCOPY bin/busybox /bin/busybox\nSHELL ["/bin/busybox", "sh", "-c"]\n';

async function tagsOf(url: string, name: string): Promise<readonly string[]> {
  const answer = (await (await fetch(`${url}/v2/${name}/tags/list`)).json()) as { readonly tags?: readonly string[] };
  return [...(answer.tags ?? [])].sort();
}

describe('depot compose build of the shop', () => {
  test(
    'loads every image; docker compose then runs the api and does not build it',
    async () => {
      const built = await run(SHOP, ['compose', '--progress=plain', 'build'], { DAY: 'evening' });
      expect(built.exitCode, built.stderr).toBe(0);
      expect(built.stdout).toContain('RUN --mount=type=secret,id=license');
      const images = ['127.0.0.1:5001/shop/api:1.2.3', 'shop-base', '127.0.0.1:5001/shop/migrate:1.2.3'];
      images.push('127.0.0.1:5001/shop/web:1.2.3', 'shop/worker:local');
      expect(built.stderr).toBe(images.map((image) => ` ${image}  Built\n`).join(''));

      using docker = dockerOf(engine);
      const signal = AbortSignal.timeout(30_000);
      for (const image of [...images, '127.0.0.1:5001/shop/web:latest']) {
        expect(await docker.inspectImage(image, { signal }), image).toMatchObject({ architecture: 'amd64' });
      }
      await using programs = await peers({ dockerHost: engine.dockerHost });
      const about = ['compose', 'run', '--rm', '--no-deps', '--pull=never', 'api'];
      const ran = await programs.run('docker', about, { cwd: SHOP, env: { BUSYBOX: busybox } });
      expect(ran.exitCode, ran.stderr).toBe(0);
      expect(JSON.parse(ran.stdout.trimEnd().split('\n').at(-1) ?? '')).toEqual({
        service: 'api',
        version: '1.2.3',
        says: 'good evening',
      });
      expect(ran.stdout, 'the api is built once more').not.toContain('shop/api');
      await programs.run('docker', ['compose', 'down', '--volumes'], { cwd: SHOP, env: { BUSYBOX: busybox } });
    },
    BUILD_MS,
  );

  test(
    'pushes the services that have an image, with all their tags, and only those that were asked for',
    async () => {
      await using registry = await testRegistry();
      const env = { REGISTRY: registry.host };
      const pushed = await run(SHOP, ['compose', '-f', 'compose.yaml', 'build', '--push', 'web', 'migrate'], env);
      expect(pushed.exitCode, pushed.stderr).toBe(0);
      expect(pushed.stderr).toBe(
        [' shop-base', ` ${registry.host}/shop/migrate:1.2.3`, ` ${registry.host}/shop/web:1.2.3`]
          .map((image) => `${image}  Built\n`)
          .join(''),
      );
      expect(await tagsOf(registry.url, 'shop/web')).toEqual(['1.2.3', 'latest']);
      expect(await tagsOf(registry.url, 'shop/migrate')).toEqual(['1.2.3']);
      const { repositories } = (await (await fetch(`${registry.url}/v2/_catalog`)).json()) as {
        repositories: string[];
      };
      expect(repositories).toEqual(['shop/migrate', 'shop/web']);
    },
    BUILD_MS,
  );

  test(
    'bakes the same files, those behind profiles included',
    async () => {
      await using registry = await testRegistry();
      const allow = ['--allow', `fs.read=${busybox}`];
      const args = [
        'bake',
        ...allow,
        '--push',
        '--set',
        `reports.tags=${registry.host}/shop/reports`,
        'reports',
        'api',
      ];
      const baked = await run(SHOP, args, { REGISTRY: registry.host });
      expect(baked.exitCode, baked.stderr).toBe(0);
      expect(await tagsOf(registry.url, 'shop/reports')).toEqual(['latest']);
      expect(await tagsOf(registry.url, 'shop/api')).toEqual(['1.2.3']);
    },
    BUILD_MS,
  );
});

describe('depot compose build', () => {
  test('shows the line of a Dockerfile that fails, exits with 1, and calls nothing built', async () => {
    await using folder = await project({
      'compose.yaml': 'services:\n  bad: {build: {context: ., dockerfile: Bad}}\n',
      Bad: `${BASE}RUN echo so it goes && exit 3\n`,
    });
    const failed = await run(folder.path, ['compose', 'build']);
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toMatch(/>>> +RUN echo so it goes && exit 3/);
    expect(failed.stderr).toContain('target bad: failed to solve: ');
    expect(failed.stderr).not.toContain('Built');
  });

  test('a secret may come from a variable of .env; the quiet way says nothing', async () => {
    await using folder = await project({
      'compose.yaml': [
        'services:',
        '  a: {build: {context: ., secrets: [s]}}',
        'secrets: {s: {environment: FROM_DOTENV}}',
        '',
      ].join('\n'),
      '.env': 'FROM_DOTENV=said in .env\n',
      Dockerfile: `${BASE}RUN --mount=type=secret,id=s /bin/busybox grep -qx "said in .env" /run/secrets/s\n`,
    });
    expect(await run(folder.path, ['compose', '-p', 'quiet', 'build', '-q'])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('two services whose names differ in a dot are both built', async () => {
    await using folder = await project({
      'compose.yaml':
        'services:\n  a.b: {build: {context: ., target: one}}\n  a_b: {build: {context: ., target: two}}\n',
      Dockerfile: `${BASE}FROM scratch AS one\nLABEL n=1\nFROM scratch AS two\nLABEL n=2\n`,
    });
    const built = await run(folder.path, ['compose', '-p', 'dots', '--progress', 'json', 'build']);
    expect(built.exitCode, built.stderr).toBe(0);
    expect(built.stderr).toBe('{"id":"dots-a.b","status":"Built"}\n{"id":"dots-a_b","status":"Built"}\n');
  });

  test('what is not build goes to docker compose, or it is said that there is none', async () => {
    await using folder = await project({ 'compose.yaml': 'services: {a: {image: x}}\n', 'path/other': '' });
    await writeFile(join(folder.path, 'path', 'docker'), '#!/bin/sh\necho "$@"\nexit 7\n', { mode: 0o755 });
    const path = `${join(folder.path, 'path')}:${process.env['PATH'] ?? ''}`;
    const handed = await run(folder.path, ['compose', '-f', 'compose.yaml', 'ps', '--all'], { PATH: path });
    expect(handed).toEqual({ exitCode: 7, stdout: 'compose -f compose.yaml ps --all\n', stderr: '' });
    const alone = await run(folder.path, ['compose', 'ps'], { PATH: '/nowhere' });
    expect(alone.exitCode).toBe(1);
    expect(alone.stderr).toContain('there is no docker on PATH');
  });
});
