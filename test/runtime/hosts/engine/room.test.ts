import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, runInRoom } from '../../../../runtime/hosts/engine/room.ts';
import { tempFolder } from '../../../rig/folder.ts';

const signal = AbortSignal.timeout(600_000);
const env = { PATH: process.env['PATH'] ?? '' };
const MODULE = new URL('../../../../runtime/hosts/engine/room.ts', import.meta.url).href;

test('a command gives its output, the end of both outputs and its exit code, and its log grows', async () => {
  await using folder = await tempFolder('room');
  const log = join(folder.path, 'log');
  const argv = ['sh', '-c', 'read line; echo "out $line"; echo err >&2; exit 3'] as const;
  const lines: string[] = [];
  const outcome = await run({ argv, env, input: 'in\n', log, onLine: (line) => lines.push(line) }, { signal });
  expect(outcome).toEqual({ exitCode: 3, stdout: 'out in', tail: expect.arrayContaining(['out in', 'err']) });
  expect(lines.toSorted()).toEqual(['err', 'out in']);
  await run({ argv, env, input: 'again\n', log }, { signal });
  expect((await readFile(log, 'utf8')).split('\n').toSorted()).toEqual(['', 'err', 'err', 'out again', 'out in']);
});

test('a program that is not there is exit code 127', async () => {
  const outcome = await run({ argv: ['/no/such/program'], env }, { signal });
  expect(outcome).toEqual({ exitCode: 127, stdout: '', tail: ['spawn /no/such/program ENOENT'] });
});

test('what is mounted in a room is not seen outside and gone with it', async () => {
  await using folder = await tempFolder('room');
  const script = 'mount -t tmpfs tmpfs "$1" && touch "$1/inside" && ls "$1"';
  const outcome = await runInRoom({ argv: ['sh', '-c', script, 'sh', folder.path], env }, { signal });
  expect(outcome).toMatchObject({ exitCode: 0, stdout: 'inside' });
  expect(await readdir(folder.path)).toEqual([]);
  expect(await readFile('/proc/mounts', 'utf8')).not.toContain(folder.path);
});

test('a room that is cancelled ends with everything started in it', async () => {
  const canceling = new AbortController();
  const mark = `${process.pid}.25`;
  const argv = ['sh', '-c', 'sleep "$1" & sleep "$1" & echo ready; wait', 'sh', mark] as const;
  const running = runInRoom(
    { argv, env, onLine: () => canceling.abort(new Error('enough')) },
    { signal: canceling.signal },
  );
  await expect(running).rejects.toThrow('enough');
  await expect.poll(() => sleepersOf(mark)).toEqual([]);
});

test('a room ends with the process that opened it, also when that is killed and the command has changed its user', async () => {
  const mark = `${process.pid}.75`;
  const program = `
    import { runInRoom } from ${JSON.stringify(MODULE)};
    const argv = ['setpriv', '--reuid', '65534', '--clear-groups', 'sleep', ${JSON.stringify(mark)}];
    await runInRoom({ argv, env: process.env }, { signal: new AbortController().signal });
  `;
  const opener = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], { stdio: 'inherit' });
  await expect.poll(() => sleepersOf(mark), { timeout: 10_000 }).toHaveLength(1);
  opener.kill('SIGKILL');
  await once(opener, 'close');
  await expect.poll(() => sleepersOf(mark)).toEqual([]);
});

async function sleepersOf(mark: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command === `sleep\0${mark}\0`) found.push(pid);
  }
  return found;
}
