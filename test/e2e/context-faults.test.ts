import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import { tar } from '../rig/tar.ts';
import { tree } from '../rig/tree.ts';

const TEST_MS = 60_000;

/** As many files as are sent at once, each as large as takes a while. */
const AHEAD = ['0', '1', '2', '3'];
const AHEAD_BYTES = 48 * 1024 * 1024;

/** When so much has been read, by far more than the program itself, all of those are on their way and nothing behind them is. */
const UNDER_WAY_BYTES = 30 * 1024 * 1024;

let engine: TestEngine;

beforeAll(async () => {
  engine = await sharedEngine();
});

/** A context whose file `late` is sent behind large ones, and of which the build keeps only that. */
async function project(): Promise<TempFolder> {
  const folder = await tree({
    'context/Dockerfile': 'FROM scratch AS all\nCOPY . /\nFROM scratch\nCOPY --from=all /late /\n',
    'context/late': `as listed ${randomBytes(8).toString('hex')}`,
  });
  for (const name of AHEAD) {
    await using file = await open(join(folder.path, 'context', name), 'w');
    await file.truncate(AHEAD_BYTES);
  }
  return folder;
}

/** Builds it; while the large files are being sent, the program is held, and something happens to the folder. */
async function building(folder: string, meanwhile: (late: string) => Promise<void>): Promise<DepotRun> {
  await using temporary = await tempFolder('tmp');
  let pid = 0;
  const run = depot(['build', '-o', `type=local,dest=${join(folder, 'out')}`, join(folder, 'context')], {
    cwd: folder,
    env: { DOCKER_HOST: engine.dockerHost, TMPDIR: temporary.path },
    onStart: (started) => (pid = started),
  });
  let isOver = false;
  void run.finally(() => (isOver = true));
  const readBytes = async (): Promise<number> => {
    const io = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '');
    return Number(/^rchar: (\d+)$/m.exec(io)?.[1] ?? 0);
  };
  while (!isOver && (await readBytes()) < UNDER_WAY_BYTES) await delay(2);
  if (isOver) throw new Error(`it was over before anything was sent:\n${(await run).stderr}`);
  process.kill(pid, 'SIGSTOP');
  try {
    await meanwhile(join(folder, 'context', 'late'));
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  const ended = await run;
  expect(await readdir(temporary.path)).toEqual([]);
  return ended;
}

// On a busy machine the program may be held too late, when all has been sent; then it is tried again.
describe('a file of the context that, while others are sent,', { timeout: TEST_MS, retry: 2 }, () => {
  test('changes is taken as it is then, and named', async () => {
    await using folder = await project();
    const run = await building(folder.path, (late) => appendFile(late, ' and more'));
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toMatch(/^#\d+ WARNING: changed while the folder was sent: late$/m);
    expect(await readFile(join(folder.path, 'out', 'late'), 'utf8')).toMatch(/^as listed \w+ and more$/);
  });

  test('vanishes is empty in the build, as with docker, and named', async () => {
    await using folder = await project();
    const run = await building(folder.path, (late) => rm(late));
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toMatch(/^#\d+ WARNING: vanished while the folder was sent, now empty: late$/m);
    expect(await readFile(join(folder.path, 'out', 'late'), 'utf8')).toBe('');
    // The next build takes what is there by then.
    await writeFile(join(folder.path, 'context', 'late'), 'again');
    const args = ['build', '-o', `type=local,dest=${join(folder.path, 'out')}`, join(folder.path, 'context')];
    const again = await depot(args, { cwd: folder.path, env: { DOCKER_HOST: engine.dockerHost } });
    expect(again.exitCode, again.stderr).toBe(0);
    expect(again.stderr).not.toContain('WARNING');
    expect(await readFile(join(folder.path, 'out', 'late'), 'utf8')).toBe('again');
  });

  test('can no longer be read ends the build, which names it and leaves nothing behind', async () => {
    await using folder = await project();
    const run = await building(folder.path, async (late) => {
      await rm(late);
      await mkdir(late);
    });
    expect(run.exitCode).toBe(1);
    expect(run.stderr.trimEnd().split('\n').at(-1)).toMatch(
      /^ERROR: failed to build: failed to solve: .*late cannot be read: EISDIR/,
    );
    expect(await readdir(folder.path)).toEqual(['context']);
  });
});

test('Ctrl-C ends a build whose context comes from stdin and has stopped coming', { timeout: TEST_MS }, async () => {
  await using folder = await tempFolder('stalled');
  await using temporary = await tempFolder('tmp');
  const interrupt = new AbortController();
  const whole = tar({ Dockerfile: 'FROM scratch\nCOPY a /\n', a: 'a'.repeat(8 * 1024 * 1024) });
  const run = await depot(['build', '-o', 'out', '-'], {
    cwd: folder.path,
    env: { DOCKER_HOST: engine.dockerHost, TMPDIR: temporary.path },
    input: { bytes: whole.subarray(0, -4 * 1024 * 1024), whenTaken: () => interrupt.abort() },
    interrupt: interrupt.signal,
  });
  expect(run.exitCode).toBe(130);
  expect(run.stderr).toMatch(/\nERROR: canceled\n$/);
  expect([await readdir(folder.path), await readdir(temporary.path)]).toEqual([[], []]);
});
