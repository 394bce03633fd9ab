import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { engineDown, engineUp } from '../../../../runtime/hosts/engine/engine.ts';
import type { MachineFacts } from '../../../../runtime/hosts/engine/facts.ts';
import { distributions } from '../../../../runtime/hosts/engine/facts.ts';
import { tempFolder } from '../../../rig/folder.ts';

const signal = AbortSignal.timeout(600_000);
const DEBIAN: MachineFacts = { platform: 'linux', architecture: 'amd64', userId: 0, distributions: ['debian'] };
const INSTEAD =
  'Install Docker Engine 23 or newer and start it (docs.docker.com/engine/install), or set BUILDKIT_HOST to a BuildKit daemon.';

describe('an engine cannot be set up', () => {
  test.each<[string, Partial<MachineFacts>, string, string]>([
    [
      'by someone who is not root',
      { userId: 1000 },
      'setting up an engine without root',
      `Run \`sudo depot engine up\`. Or: ${INSTEAD}`,
    ],
    [
      'on a Mac',
      { platform: 'darwin', distributions: [] },
      'setting up an engine on darwin',
      'Install Docker Desktop and start it, or set BUILDKIT_HOST to a BuildKit daemon.',
    ],
    [
      'on another Linux',
      { distributions: ['fedora'] },
      'setting up an engine on fedora, which is neither Debian nor Ubuntu',
      INSTEAD,
    ],
    ['on a processor Debian has no Docker for', { architecture: 'mips' }, 'setting up an engine on mips', INSTEAD],
  ])('%s', async (_, faked, what, hint) => {
    await using data = await tempFolder('data');
    const options = { dataDir: data.path, env: process.env, report: () => undefined, sandboxOnly: true, signal };
    expect(await engineUp({ ...options, facts: { ...DEBIAN, ...faked } })).toEqual({
      ok: false,
      failure: { reason: 'unsupported', what, hint },
    });
  });

  test('where the programs it is made with are missing', async () => {
    await using data = await tempFolder('data');
    const env = { PATH: join(data.path, 'empty') };
    const options = { dataDir: data.path, env, report: () => undefined, sandboxOnly: true, signal };
    const refused = await engineUp({ ...options, facts: DEBIAN });
    expect(refused).toMatchObject({
      failure: { reason: 'unsupported', what: 'setting up an engine without apt-get' },
    });
  });

  test('on a disk with too little room', async () => {
    await using data = await tempFolder('small');
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', data.path]);
    const options = { dataDir: data.path, env: process.env, report: () => undefined, sandboxOnly: true, signal };
    const refused = await engineUp(options);
    await promisify(execFile)('umount', [data.path]);
    expect(refused).toEqual({
      ok: false,
      failure: {
        reason: 'engine-failed',
        step: 'check the disk',
        cause: `${data.path}/engine has 0.1 GB free and the engine needs 2.5 GB`,
        hint: 'Free some space, or name another folder with DEPOT_DATA_DIR.',
      },
    });
  });

  test('in a folder whose socket would have too long a path', async () => {
    await using data = await tempFolder('data');
    const dataDir = join(data.path, 'long'.repeat(25));
    const options = { dataDir, env: process.env, report: () => undefined, sandboxOnly: true, signal };
    expect(await engineUp(options)).toMatchObject({
      failure: { reason: 'engine-failed', hint: 'Name a shorter data folder with DEPOT_DATA_DIR.' },
    });
  });
});

test('derivatives of Debian are known by what they are like', () => {
  expect(distributions('NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n')).toEqual([
    'linuxmint',
    'ubuntu',
    'debian',
  ]);
  expect(distributions('ID="debian"\nVERSION_ID="12"\n')).toEqual(['debian']);
});

test('taking down where nothing was ever started does nothing and says so', async () => {
  await using data = await tempFolder('data');
  expect(await engineDown({ dataDir: data.path, report: () => undefined, signal })).toEqual({
    ok: true,
    value: { stopped: [], removed: [] },
  });
});

test.each(['/proc/nope', '/proc/nope/deeper'])(
  'a data folder that cannot be made (%s) is named, at once',
  async (dataDir) => {
    const signal = AbortSignal.timeout(20_000);
    const ended = await engineUp({
      dataDir,
      env: process.env,
      facts: DEBIAN,
      report: () => undefined,
      sandboxOnly: true,
      signal,
    });
    expect(ended).toMatchObject({
      ok: false,
      failure: {
        reason: 'engine-failed',
        cause: `${dataDir} cannot be written to (no folder can be made there)`,
        hint: expect.stringContaining('DEPOT_DATA_DIR') as string,
      },
    });
  },
);
