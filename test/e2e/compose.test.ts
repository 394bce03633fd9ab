import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { dockerOf, sharedEngine, sharedRoot } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import { peers } from '../rig/peers.ts';
import { testRegistry } from '../rig/registry.ts';

const LAUNCHER = resolve(import.meta.dirname, '../../cli/depot.mjs');
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

  test('names a missing Dockerfile in words of Compose files', async () => {
    await using folder = await project({ 'compose.yaml': 'services: {a: {build: .}}\n' });
    const failed = await run(folder.path, ['compose', 'build']);
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain('under build:');
    expect(failed.stderr).not.toContain('dockerfile = ');
  });

  test('fails when it cannot say what has been built', async () => {
    await using folder = await project({ 'compose.yaml': 'services: {a: {build: .}}\n', Dockerfile: BASE });
    const shell = ['/bin/sh', '-c', `exec '${process.execPath}' '${LAUNCHER}' "$@" 2> /dev/full`] as const;
    const env = { DOCKER_HOST: engine.dockerHost };
    const lost = await depot(['depot', 'compose', '-p', 'lost', 'build'], {
      cwd: folder.path,
      env,
      program: [...shell],
    });
    expect(lost.exitCode).toBe(1);
    const quiet = ['depot', 'compose', '-p', 'lost', 'build', '--quiet'];
    expect((await depot(quiet, { cwd: folder.path, env, program: [...shell] })).exitCode).toBe(0);
  });

  test('what is not build goes to docker compose', async () => {
    await using folder = await project({ 'compose.yaml': 'services: {a: {image: x}}\n', 'path/other': '' });
    const docker = '#!/bin/sh\n[ "$*" = "compose version" ] && exit 0\necho "$@"\nexit 7\n';
    await writeFile(join(folder.path, 'path', 'docker'), docker, { mode: 0o755 });
    const path = `${join(folder.path, 'path')}:${process.env['PATH'] ?? ''}`;
    const handed = await run(folder.path, ['compose', '-f', 'compose.yaml', 'ps', '--all'], { PATH: path });
    expect(handed).toEqual({ exitCode: 7, stdout: 'compose -f compose.yaml ps --all\n', stderr: '' });
  });
});

describe('depot compose up --build', () => {
  const COMPOSE = [
    'services:',
    '  web:',
    '    build: .',
    '    image: ${IMAGE:-up-test}',
    '    init: true',
    '    command: ["/bin/busybox", "sleep", "600"]',
    '    healthcheck: {test: [CMD, /bin/busybox, "true"], interval: 1s}',
    '',
  ].join('\n');

  /** The variables of a user who has no docker command, but the programs of the sandboxed engine. */
  async function withoutDocker(folder: string): Promise<Readonly<Record<string, string>>> {
    const data = join(folder, 'data');
    await mkdir(join(data, 'engine'), { recursive: true });
    await symlink(await sharedRoot(), join(data, 'engine', 'root'));
    const env = { DEPOT_DATA_DIR: data, PATH: '/nowhere' };
    if (engine.handle.kind !== 'sandbox' || engine.docker.kind !== 'docker-unix') return env;
    await symlink(dirname(engine.docker.path), join(data, 'engine', 'run'));
    return { ...env, DOCKER_HOST: '' };
  }

  test(
    'builds and starts; ps shows it, up alone leaves it, down takes it away',
    async () => {
      await using folder = await project({ 'compose.yaml': COMPOSE, Dockerfile: BASE });
      const env = await withoutDocker(folder.path);
      const compose = (...args: readonly string[]): Promise<DepotRun> =>
        run(folder.path, ['compose', '-p', 'up-build', ...args], env);
      try {
        const started = await compose('--progress=plain', 'up', '-d', '--build', '--wait', 'web');
        expect(started.exitCode, started.stderr).toBe(0);
        expect(started.stdout).toContain('COPY bin/busybox');
        expect(started.stderr).toContain(' up-test  Built\n');
        const [first = ''] = (await compose('ps', '-q')).stdout.split('\n');
        expect(first).toMatch(/^[0-9a-f]{64}$/);
        expect((await compose('ps', '--format', '{{.Service}} {{.Image}} {{.State}}')).stdout).toBe(
          'web up-test running\n',
        );

        const again = await compose('up', '-d');
        expect(again.exitCode, again.stderr).toBe(0);
        expect((await compose('ps', '-q')).stdout).toBe(`${first}\n`);

        expect((await compose('config', '--images')).stdout).toBe('up-test\n');
      } finally {
        const down = await compose('down', '--timeout', '1');
        expect(down.exitCode, down.stderr).toBe(0);
      }
      expect((await compose('ps', '-q')).stdout).toBe('');
    },
    BUILD_MS,
  );

  test('a project from standard input is built and started', async () => {
    await using folder = await project({ Dockerfile: BASE });
    const env = await withoutDocker(folder.path);
    const options = {
      cwd: folder.path,
      input: COMPOSE,
      env: { DOCKER_HOST: engine.dockerHost, ...env, IMAGE: 'up-stdin' },
    };
    const compose = (...args: readonly string[]): Promise<DepotRun> =>
      depot(['compose', '-p', 'up-stdin', '-f', '-', ...args], options);
    try {
      const started = await compose('up', '-d', '--build', '--wait');
      expect(started.exitCode, started.stderr).toBe(0);
      expect((await compose('ps', '--format', '{{.Image}}')).stdout).toBe('up-stdin\n');
    } finally {
      await compose('down', '--timeout', '1');
    }
  });
});
