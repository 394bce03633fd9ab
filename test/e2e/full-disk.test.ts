import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import { tree } from '../rig/tree.ts';

const TEST_MS = 60_000;
const LAUNCHER = resolve(import.meta.dirname, '../../cli/depot.mjs');
const DISK = 'size=256k,nr_inodes=32';

let engine: TestEngine;

beforeAll(async () => {
  engine = await sharedEngine();
});

/** A disk of 256 kB, which goes away with its scope. */
async function smallDisk(folder: string): Promise<{ readonly path: string } & Disposable> {
  const path = join(folder, 'full');
  await mkdir(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', DISK, 'tmpfs', path]);
  return { path, [Symbol.dispose]: () => void execFileSync('umount', [path]) };
}

const FILES = {
  Dockerfile: 'FROM scratch\nCOPY small large later /\n',
  small: 'small',
  large: randomBytes(512 * 1024).toString('hex'),
  later: 'later',
};

describe.runIf(process.getuid?.() === 0)('a disk that is full', { timeout: TEST_MS }, () => {
  test.each([
    ['type=tar,dest=full/out.tar', 'full/out.tar', []],
    ['type=oci,dest=full/out.tar', 'full/out.tar', []],
    ['type=docker,dest=full/sub/out.tar', 'full/sub/out.tar', ['sub']],
    ['type=local,dest=full/sub', 'full/sub/large', ['later', 'small', 'sub']],
  ])('is told with what was to be written, and nothing half is left: %s', async (output, file, mayStay) => {
    await using folder = await tree(FILES);
    await using temporary = await tempFolder('tmp');
    using disk = await smallDisk(folder.path);
    const run = await depot(['build', '-t', 'full-disk', '--provenance=false', '-o', output, '.'], {
      cwd: folder.path,
      env: { DOCKER_HOST: engine.dockerHost, TMPDIR: temporary.path },
    });
    expect(run.exitCode, run.stderr).toBe(1);
    const last = run.stderr.trimEnd().split('\n').at(-1);
    expect(last).toMatch(/^ERROR: .* cannot be written: .*no space left on device/);
    expect(last).toContain(join(folder.path, file));
    const left = (await readdir(disk.path, { recursive: true })).map((name) => basename(name));
    expect(mayStay).toEqual(expect.arrayContaining(left));
    expect(await readdir(temporary.path)).toEqual([]);
  });

  test('is told where it is behind standard output', async () => {
    await using folder = await tree(FILES);
    using disk = await smallDisk(folder.path);
    const words = ['build', '--provenance=false', '-o', '-', '.'].join(' ');
    const run = await depot(['-c', `"$0" "$1" ${words} > full/out.tar`, process.execPath, LAUNCHER], {
      cwd: folder.path,
      env: { DOCKER_HOST: engine.dockerHost },
      program: ['sh'],
    });
    expect(run.exitCode, run.stderr).toBe(1);
    expect(run.stderr.trimEnd().split('\n').at(-1)).toMatch(/^ERROR: .*no space left on device/);
    expect(await readdir(disk.path)).toEqual(['out.tar']);
  });

  test.each([['--metadata-file=full/m.json'], ['--iidfile=full/id']])(
    'is told of %s, and no file is left',
    async (flag) => {
      await using folder = await tree(FILES);
      using disk = await smallDisk(folder.path);
      execFileSync('sh', ['-c', `dd if=/dev/zero of=${disk.path}/filler bs=4k 2>/dev/null || true`]);
      const run = await depot(['build', flag, '.'], { cwd: folder.path, env: { DOCKER_HOST: engine.dockerHost } });
      expect(run.exitCode, run.stderr).toBe(1);
      expect(run.stderr.trimEnd().split('\n').at(-1)).toMatch(
        /^ERROR: the .* file .*full\/\S+ cannot be written: ENOSPC/,
      );
      expect(await readdir(disk.path)).toEqual(['filler']);
    },
  );
});
