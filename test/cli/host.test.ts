import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect, test } from 'vitest';
import { depot } from '../rig/depot.ts';
import { tempFolder } from '../rig/folder.ts';

const LAUNCHER = path.resolve(import.meta.dirname, '../../cli/depot.mjs');
const DEPOT = `${process.execPath} ${LAUNCHER}`;
const PLAN = { target: { x: { context: '.', dockerfile: 'Dockerfile' } } };

test('a pipe that nobody writes to is refused', async () => {
  await using folder = await tempFolder('pipe');
  execFileSync('mkfifo', [path.join(folder.path, 'pipe.hcl')]);
  const run = await depot(['bake', '--print', '-f', 'pipe.hcl'], { cwd: folder.path });
  expect(run).toMatchObject({ exitCode: 1, stdout: '' });
  expect(run.stderr).toContain('pipe that nobody writes to');
});

test('a device without an end is refused', async () => {
  await using folder = await tempFolder('device');
  const run = await depot(['bake', '--print', '-f', '/dev/zero'], { cwd: folder.path });
  expect(run).toMatchObject({ exitCode: 1, stdout: '' });
  expect(run.stderr).toContain('it is no regular file');
});

test.each([
  ['a substituted process', `${DEPOT} bake --print x -f <(sleep 0.2; echo 'target "x" {}')`],
  ['a named pipe with a late writer', `mkfifo p; (sleep 0.2; echo 'target "x" {}' > p) & ${DEPOT} bake --print x -f p`],
  [
    'a named pipe with a slow writer',
    `mkfifo p; (echo 'target "x" {'; sleep 0.5; echo '}') > p & ${DEPOT} bake --print x -f p`,
  ],
  ['standard input by its path', `echo 'target "x" {}' | ${DEPOT} bake --print x -f /dev/stdin`],
])('a definition is read from %s', async (_name, line) => {
  await using folder = await tempFolder('pipe');
  const child = spawn('bash', ['-c', line], { cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, 'close');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject(PLAN);
});
