import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
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

describe('a Compose file in UTF-16 with a byte order mark, as PowerShell writes it,', () => {
  const text = '\ufeffservices: {a: {build: {context: ., args: {X: "é😀"}}}}\r\n';
  const wide = Buffer.from(text, 'utf16le');

  test.each([
    ['little-endian', wide],
    ['big-endian', Buffer.from(wide).swap16()],
  ])('%s is read by bake and compose', async (_order, bytes) => {
    await using folder = await tempFolder('wide');
    await writeFile(path.join(folder.path, 'compose.yaml'), bytes);
    for (const args of [
      ['bake', '-f', 'compose.yaml', '--print'],
      ['compose', 'build', '--print'],
    ]) {
      const run = await depot(args, { cwd: folder.path });
      expect(run).toMatchObject({ exitCode: 0, stderr: '' });
      expect(JSON.parse(run.stdout)).toMatchObject({ target: { a: { args: { X: 'é😀' } } } });
    }
  });

  test('is read from standard input', async () => {
    await using folder = await tempFolder('wide');
    for (const args of [
      ['bake', '-f', '-', '--print'],
      ['compose', '-f', '-', 'build', '--print'],
    ]) {
      const run = await depot(args, { cwd: folder.path, input: wide });
      expect(run.stderr).toBe('');
      expect(JSON.parse(run.stdout)).toMatchObject({ target: { a: { args: { X: 'é😀' } } } });
    }
  });

  test('and one that is no text is refused, with nothing said of -f when none was given', async () => {
    await using folder = await tempFolder('wide');
    await writeFile(path.join(folder.path, 'compose.yaml'), wide.subarray(0, -1));
    const run = await depot(['compose', 'build', '--print'], { cwd: folder.path });
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toContain('UTF-16 with a byte order mark');
    expect(run.stderr.replaceAll(folder.path, '')).not.toContain('-f');
    const piped = await depot(['compose', '-f', '-', 'build', '--print'], {
      cwd: folder.path,
      input: wide.subarray(0, -1),
    });
    expect(piped).toMatchObject({ exitCode: 1, stdout: '' });
    expect(piped.stderr).toContain('standard input');
  });
});
