import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BytePipe } from '../rig/byte-pipe.ts';
import { remoteBuildkit } from '../rig/byte-pipe.ts';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import { presentPlatforms } from '../rig/docker-state.ts';
import type { TestEngine } from '../rig/engine.ts';
import { dockerOf, ownEngine, sharedEngine } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import { busybox, shellContext } from '../rig/image.ts';
import { refusingDocker } from '../rig/refusing-docker.ts';
import { testRegistry } from '../rig/registry.ts';

const TEST_MS = 120_000;
const UP_MS = 300_000;

const LARGE_BYTES = 20_000_000;

/** The one builds, as a BuildKit of its own; the images go into the other. */
let builder: TestEngine;
let docker: Awaited<ReturnType<typeof ownEngine>>;
let pipe: BytePipe;

beforeAll(async () => {
  [builder, docker] = await Promise.all([sharedEngine(), ownEngine()]);
  pipe = await remoteBuildkit(builder.docker);
}, UP_MS);

afterAll(async () => {
  await pipe[Symbol.asyncDispose]();
  await docker[Symbol.asyncDispose]();
}, UP_MS);

const signal = (): AbortSignal => AbortSignal.timeout(TEST_MS);

/** A large layer that stays, and a small one that changes. */
async function project(): Promise<TempFolder> {
  const folder = await shellContext('COPY large /large', 'COPY small /small');
  await writeFile(join(folder.path, 'large'), randomBytes(LARGE_BYTES));
  await writeFile(join(folder.path, 'small'), randomBytes(100));
  return folder;
}

async function build(
  folder: TempFolder,
  { dockerHost }: Pick<TestEngine, 'dockerHost'>,
  ...args: readonly string[]
): Promise<DepotRun> {
  const base = ['build', `--build-context=busybox=${await busybox()}`, '--progress=plain', ...args, folder.path];
  return depot(base, { cwd: folder.path, env: { BUILDKIT_HOST: pipe.address, DOCKER_HOST: dockerHost } });
}

const uniqueName = (): string => `load-${randomBytes(6).toString('hex')}`;

describe('an image that another builder made', () => {
  test('is pulled into Docker under its names, and nothing else is left', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    using api = dockerOf(docker);
    const name = uniqueName();
    const run = await build(
      folder,
      docker,
      '--load',
      '-t',
      name,
      '-t',
      `registry.example/${name}:two`,
      '--iidfile',
      'iid',
    );
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toContain('importing to docker');
    expect(run.stderr).not.toContain('exporting to oci image format');
    const image = await api.inspectImage(name, { signal: signal() });
    expect(image?.tags.toSorted()).toEqual([`${name}:latest`, `registry.example/${name}:two`]);
    expect((await api.inspectImage(`registry.example/${name}:two`, { signal: signal() }))?.id).toBe(image?.id);
  });

  test('sends only the layers that Docker lacks', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    using api = dockerOf(docker);
    const name = uniqueName();
    expect((await build(folder, docker, '--load', '-t', name)).exitCode).toBe(0);
    const first = await api.inspectImage(name, { signal: signal() });
    await writeFile(join(folder.path, 'small'), randomBytes(100));
    const before = pipe.sentBytes();
    const run = await build(folder, docker, '--load', '-t', name);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(pipe.sentBytes() - before).toBeLessThan(LARGE_BYTES / 10);
    const second = await api.inspectImage(name, { signal: signal() });
    expect(second?.id).toMatch(/^sha256:/);
    expect(second?.id).not.toBe(first?.id);
  });

  test('is pushed and loaded by one export', { timeout: TEST_MS }, async () => {
    await using registry = await testRegistry();
    await using folder = await project();
    using api = dockerOf(docker);
    const name = `${registry.host}/${uniqueName()}:1`;
    const run = await build(folder, docker, '--push', '--load', '-t', name);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr.match(/exporting to image$/gm)?.length).toBeGreaterThan(0);
    expect(run.stderr).not.toContain('exporting to oci image format');
    const image = await api.inspectImage(name, { signal: signal() });
    expect(run.stderr).toContain(`exporting manifest list ${image?.id}`);
  });

  test('for another platform than this is loaded as well', { timeout: TEST_MS }, async () => {
    await using folder = await shellContext('COPY mark /mark');
    await writeFile(join(folder.path, 'mark'), randomBytes(10));
    await writeFile(join(folder.path, 'Dockerfile'), 'FROM scratch\nCOPY mark /mark\n');
    using api = dockerOf(docker);
    const name = uniqueName();
    const run = await build(folder, docker, '--load', '-t', name, '--platform=linux/arm64');
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).not.toContain('exporting to oci image format');
    expect(await api.inspectImage(name, { signal: signal() })).toBeDefined();
  });

  test('goes as an archive where Docker cannot pull, and it is said', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    using api = dockerOf(docker);
    await using refusing = await refusingDocker(docker.docker, {
      refused: /\/images\/create/,
      message: 'no way there',
    });
    const name = uniqueName();
    const run = await build(folder, { dockerHost: refusing.dockerHost }, '--load', '-t', name);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toMatch(/importing to docker: sent as an archive, since no way there\n.*\n?.*sending archive/);
    expect(run.stderr, 'what was done in the end is no error').not.toContain('ERROR');
    const image = await api.inspectImage(name, { signal: signal() });
    expect(image?.tags).toEqual([`${name}:latest`]);
    expect(run.stderr, 'the same image, attestations and all').toContain(`exporting manifest list ${image?.id}`);
  });

  test('has the builder fetch the layers of its base that no step needed', { timeout: TEST_MS }, async () => {
    await using registry = await testRegistry();
    await using base = await shellContext('COPY mark /mark');
    await writeFile(join(base.path, 'mark'), randomBytes(10));
    const baseName = `${registry.host}/${uniqueName()}:1`;
    const made = await depot(
      ['build', `--build-context=busybox=${await busybox()}`, '--push', '-t', baseName, base.path],
      { cwd: base.path, env: { DOCKER_HOST: docker.dockerHost } },
    );
    expect(made.exitCode, made.stderr).toBe(0);
    await using folder = await tempFolder('lazy');
    await writeFile(join(folder.path, 'Dockerfile'), `FROM ${baseName}\nLABEL made=here\n`);
    using api = dockerOf(docker);
    const name = uniqueName();
    // A BuildKit with no image store of its own, as a standalone one, keeps no layer that it does not need.
    const run = await build(folder, docker, '-o', 'type=docker,store=false', '-t', name);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).not.toContain('as an archive');
    expect((await api.inspectImage(name, { signal: signal() }))?.tags).toEqual([`${name}:latest`]);
  });

  test('is pulled as well when it was made from another target', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    const name = uniqueName();
    const targets = [
      `target "base" {\n  contexts = { busybox = "${await busybox()}" }\n}`,
      `target "app" {\n  contexts = { base = "target:base" }\n  tags = ["${name}"]\n  output = ["type=docker"]`,
      '  dockerfile-inline = "FROM base\\nRUN echo made > /made"\n}',
    ];
    await writeFile(join(folder.path, 'docker-bake.hcl'), targets.join('\n'));
    using api = dockerOf(docker);
    const bake = (dockerHost: string): Promise<DepotRun> =>
      depot(['bake', '--allow=fs.read=*', '--progress=plain', 'app'], {
        cwd: folder.path,
        env: { BUILDKIT_HOST: pipe.address, DOCKER_HOST: dockerHost },
      });
    const run = await bake(docker.dockerHost);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).not.toContain('exporting to oci image format');
    expect(run.stderr).not.toContain('as an archive');
    expect(await api.removeImage(name, { signal: signal() })).toBe(true);
    await using refusing = await refusingDocker(docker.docker, {
      refused: /\/images\/create/,
      message: 'no way there',
    });
    const slow = await bake(refusing.dockerHost);
    expect(slow.exitCode, slow.stderr).toBe(0);
    expect(slow.stderr).toContain('as an archive');
    expect((await api.inspectImage(name, { signal: signal() }))?.tags).toEqual([`${name}:latest`]);
  });

  test('and many more are pulled a few at a time', { timeout: TEST_MS }, async () => {
    await using folder = await tempFolder('many');
    const names = Array.from({ length: 8 }, () => uniqueName());
    const targets = names.map(
      (name) =>
        `target "${name}" {\n  tags = ["${name}"]\n  output = ["type=docker"]\n  dockerfile-inline = "FROM scratch\\nCOPY mark /mark\\nLABEL name=${name}"\n}`,
    );
    await writeFile(join(folder.path, 'mark'), randomBytes(3_000_000));
    await writeFile(join(folder.path, 'docker-bake.hcl'), targets.join('\n'));
    await using counting = await refusingDocker(docker.docker);
    const run = await depot(['bake', ...names], {
      cwd: folder.path,
      env: { BUILDKIT_HOST: pipe.address, DOCKER_HOST: counting.dockerHost },
    });
    expect(run.exitCode, run.stderr).toBe(0);
    expect(counting.mostPulls()).toBeGreaterThan(1);
    expect(counting.mostPulls()).toBeLessThanOrEqual(3);
    using api = dockerOf(docker);
    for (const name of names) expect(await api.inspectImage(name, { signal: signal() })).toBeDefined();
  });

  test('leaves no name behind when a name cannot be given', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    using api = dockerOf(docker);
    await using refusing = await refusingDocker(docker.docker, {
      refused: /\/(?:tag|load)\?/,
      message: 'no more names',
    });
    const name = uniqueName();
    const run = await build(folder, { dockerHost: refusing.dockerHost }, '--load', '-t', name);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain('the image was built, but not loaded: no more names');
    expect(await api.inspectImage(name, { signal: signal() })).toBeUndefined();
  });
});

describe('of an image for two platforms', () => {
  const both = ['--load', '--platform=linux/amd64,linux/arm64'];

  test.each([
    { asked: undefined, there: ['linux/amd64'] },
    { asked: 'linux/arm64', there: ['linux/arm64'] },
    { asked: 'all', there: ['linux/amd64', 'linux/arm64'] },
  ])('$asked is loaded when asked for', { timeout: TEST_MS }, async ({ asked, there }) => {
    await using folder = await project();
    await writeFile(join(folder.path, 'Dockerfile'), 'FROM scratch\nARG TARGETARCH\nCOPY small /small-$TARGETARCH\n');
    const name = uniqueName();
    const run = await build(
      folder,
      docker,
      ...both,
      '-t',
      name,
      ...(asked === undefined ? [] : [`--load-platform=${asked}`]),
    );
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).not.toContain('as an archive');
    expect(await presentPlatforms(docker.docker, `${name}:latest`)).toEqual(there);
  });

  test('all go by an archive as well', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    await writeFile(join(folder.path, 'Dockerfile'), 'FROM scratch\nARG TARGETARCH\nCOPY small /small-$TARGETARCH\n');
    await using refusing = await refusingDocker(docker.docker, {
      refused: /\/images\/create/,
      message: 'no way there',
    });
    const name = uniqueName();
    const run = await build(folder, refusing, ...both, '-t', name, '--load-platform=all');
    expect(run.exitCode, run.stderr).toBe(0);
    expect(await presentPlatforms(docker.docker, `${name}:latest`)).toEqual(['linux/amd64', 'linux/arm64']);
  });

  test('one that there is none for is told with those that there are', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    await writeFile(join(folder.path, 'Dockerfile'), 'FROM scratch\nCOPY small /small\n');
    const run = await build(folder, docker, ...both, '-t', uniqueName(), '--load-platform=linux/s390x');
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain('the image is not for linux/s390x, but for linux/amd64, linux/arm64');
    expect(run.stderr).not.toContain('as an archive');
    const wrong = await build(folder, docker, ...both, '-t', uniqueName(), '--load-platform=arm');
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stderr).toContain('--load-platform=arm is no platform; give one such as linux/arm64, or all');
  });
});

describe('a Docker Engine with the classic image store', () => {
  let classic: Awaited<ReturnType<typeof ownEngine>>;

  beforeAll(async () => {
    classic = await ownEngine({ imageStore: 'classic' });
  }, UP_MS);

  afterAll(async () => {
    await classic[Symbol.asyncDispose]();
  }, UP_MS);

  test('pulls its own image out of one for two platforms', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    using api = dockerOf(classic);
    const name = uniqueName();
    const both = ['--load', '-t', name, '--platform=linux/amd64,linux/arm64'];
    const run = await build(folder, classic, ...both);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).not.toContain('as an archive');
    const { architecture } = await api.version({ signal: signal() });
    expect(await api.inspectImage(name, { signal: signal() })).toMatchObject({
      architecture,
      tags: [`${name}:latest`],
    });
    const before = pipe.sentBytes();
    await writeFile(join(folder.path, 'small'), randomBytes(100));
    expect((await build(folder, classic, ...both)).exitCode).toBe(0);
    expect(pipe.sentBytes() - before).toBeLessThan(LARGE_BYTES / 10);
  });

  test('is not given the images for all platforms, of which it would keep one', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    const both = ['--load', '-t', uniqueName(), '--platform=linux/amd64,linux/arm64'];
    const run = await build(folder, classic, ...both, '--load-platform=all');
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain(
      'keeps an image for one platform only; name one, or turn on its containerd image store',
    );
  });

  test('takes the archive where it cannot pull', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    using api = dockerOf(classic);
    await using refusing = await refusingDocker(classic.docker, {
      refused: /\/images\/create/,
      message: 'no way there',
    });
    const name = uniqueName();
    const run = await build(folder, { dockerHost: refusing.dockerHost }, '--load', '-t', name);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toContain('sent as an archive, since no way there');
    expect((await api.inspectImage(name, { signal: signal() }))?.tags).toEqual([`${name}:latest`]);
  });
});

test.each([
  ['tcp://127.0.0.1:9', 'tcp://127.0.0.1:9 cannot be reached: connect ECONNREFUSED 127.0.0.1:9'],
  ['bogus://x', 'a bogus:// address of this form in DOCKER_HOST cannot be used'],
])('a Docker that was named has no other in its place: %s', { timeout: TEST_MS }, async (dockerHost, why) => {
  await using folder = await project();
  const name = uniqueName();
  // The sandboxed engine of this data folder would be there to load into.
  const env = { BUILDKIT_HOST: pipe.address, DOCKER_HOST: dockerHost, DEPOT_DATA_DIR: docker.dataDir };
  const words = ['--load', '-t', name, `--build-context=busybox=${await busybox()}`, folder.path];
  const run = await depot(['build', ...words], { cwd: folder.path, env });
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain(`there is no Docker Engine to load into: ${why}`);
  expect(await dockerOf(docker).inspectImage(name, { signal: signal() })).toBeUndefined();
  const other = await depot(['build', '-o', 'type=cacheonly', ...words.slice(1)], { cwd: folder.path, env });
  expect(other.exitCode, other.stderr).toBe(0);
});
