import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine } from '../rig/engine.ts';
import type { TreeItem } from '../rig/tree.ts';
import { tree } from '../rig/tree.ts';

let engine: TestEngine;

beforeAll(async () => {
  engine = await sharedEngine();
});

const COPY_ALL = {
  Dockerfile: 'FROM scratch\nCOPY . /\n',
  'docker-bake.hcl': 'target "t" { output = ["type=tar,dest=out.tar"] }\n',
};
const NOT_SENT = 'Dockerfile\ndocker-bake.hcl\nout.tar\n.dockerignore\n';

async function bake(cwd: string): Promise<DepotRun> {
  return await depot(['bake', 't'], { cwd, env: { DOCKER_HOST: engine.dockerHost } });
}

/** What arrived in the image, as `tar -tv` lists it: type and mode, size, name (and what a link points to). */
async function arrived(cwd: string): Promise<readonly string[]> {
  const run = await bake(cwd);
  expect(run.exitCode, run.stderr).toBe(0);
  const options = ['--quoting-style=c', '--numeric-owner', '--utc', '-tvf', join(cwd, 'out.tar')];
  const { stdout } = await promisify(execFile)('tar', options);
  const line = /^(\S+) (\S+) +(\d+) \S+ \S+ (.*)$/;
  return stdout
    .trimEnd()
    .split('\n')
    .map((one) => one.replace(line, '$1 $2 $3 $4'))
    .sort((a, b) => (a.slice(a.indexOf('"')) < b.slice(b.indexOf('"')) ? -1 : 1));
}

/** The names alone. */
async function names(items: Readonly<Record<string, TreeItem>>): Promise<readonly string[]> {
  await using folder = await tree({ ...COPY_ALL, ...items });
  const lines = await arrived(folder.path);
  return lines.flatMap((line) => /"(.*?)\/?"/.exec(line)?.slice(1) ?? []).sort();
}

describe('a build context', () => {
  test('arrives with the names, modes and links that it has', async () => {
    await using folder = await tree({
      ...COPY_ALL,
      '.dockerignore': NOT_SENT,
      'bin/run': '#!/bin/sh\n',
      'bin/again': { hardLink: 'bin/run' },
      'größe/日本 語.txt': 'x',
      'quo"te\\back*[1]': 'q',
      out: { link: '../../../../../../etc/passwd' },
      abs: { link: '/etc/shadow' },
      dangling: { link: 'nowhere' },
      empty: 'a folder',
    });
    await chmod(join(folder.path, 'bin/run'), 0o755);
    await chmod(join(folder.path, 'empty'), 0o1777);
    const server = net.createServer().listen(join(folder.path, 'socket'));
    try {
      expect(await arrived(folder.path)).toEqual([
        'lrwxrwxrwx 0/0 0 "abs" -> "/etc/shadow"',
        'drwxr-xr-x 0/0 0 "bin/"',
        '-rwxr-xr-x 0/0 10 "bin/again"',
        'hrwxr-xr-x 0/0 0 "bin/run" link to "bin/again"',
        'lrwxrwxrwx 0/0 0 "dangling" -> "nowhere"',
        'drwxrwxrwt 0/0 0 "empty/"',
        'drwxr-xr-x 0/0 0 "größe/"',
        '-rw-r--r-- 0/0 1 "größe/日本 語.txt"',
        'lrwxrwxrwx 0/0 0 "out" -> "../../../../../../etc/passwd"',
        '-rw-r--r-- 0/0 1 "quo\\"te\\\\back*[1]"',
        '-rwxr-xr-x 0/0 0 "socket"',
      ]);
    } finally {
      server.close();
    }
  });
});

describe('a .dockerignore', () => {
  const PROJECT = { 'a.md': 'a', 'docs/b.md': 'b', 'docs/c.txt': 'c', 'node_modules/x/y.js': 'y', 'src/main.ts': 'm' };
  test.each<[string, string, readonly string[]]>([
    ['leaves out', `${NOT_SENT}node_modules\n**/*.md\n`, ['docs', 'docs/c.txt', 'src', 'src/main.ts']],
    ['lets in again', '# all but\n*\n!docs/b.md\n', ['docs', 'docs/b.md']],
    ['may leave out everything', '**\n', []],
  ])('%s', async (_, text, expected) => {
    expect(await names({ ...PROJECT, '.dockerignore': text })).toEqual(expected);
  });

  test('beside the Dockerfile, with its name, comes first', async () => {
    const found = await names({ ...PROJECT, '.dockerignore': '**\n', 'Dockerfile.dockerignore': '*\n!src\n' });
    expect(found).toEqual(['src', 'src/main.ts']);
  });

  test('that is wrong is told, not followed', async () => {
    await using folder = await tree({ ...COPY_ALL, ...PROJECT, '.dockerignore': '[\n' });
    const run = await bake(folder.path);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/^ERROR: target t: failed to solve: .*(?:bad pattern|syntax error in pattern)/m);
  });

  test('of 200,000 patterns, more than Node takes as headers, is followed', async () => {
    await using folder = await tree({
      ...COPY_ALL,
      '.dockerignore': `${NOT_SENT}left-out\n${'name-\n'.repeat(200_000)}`,
      'left-out': 'x',
      stays: 'x',
    });
    expect((await arrived(folder.path)).map((line) => /"(.*?)"/.exec(line)?.[1])).toEqual(['stays']);
  });

  test('too large to travel is named with its size', async () => {
    const patterns = 'name-\n'.repeat(800_000);
    await using folder = await tree({ ...COPY_ALL, '.dockerignore': patterns });
    const run = await bake(folder.path);
    expect(run.exitCode).toBe(1);
    const size = `${(patterns.length / 1_000_000).toFixed(1)} MB`;
    expect(run.stderr).toContain(
      `target t: ignore file ${folder.path}/.dockerignore cannot be used: with ${size} it is too large for BuildKit`,
    );
  });

  test('made to be slow costs no time', async () => {
    await using folder = await tree({
      ...COPY_ALL,
      [`${'a'.repeat(60)}/x`]: 'x',
      '.dockerignore': `${NOT_SENT}${'*a'.repeat(30)}b\n`.repeat(20),
    });
    const started = performance.now();
    expect((await bake(folder.path)).exitCode).toBe(0);
    expect(performance.now() - started).toBeLessThan(8_000);
  });
});

test('a file from the far future arrives', async () => {
  await using folder = await tree({ ...COPY_ALL, '.dockerignore': NOT_SENT, late: 'x' });
  await promisify(execFile)('touch', ['-d', '2500-01-01', join(folder.path, 'late')]);
  expect(await arrived(folder.path)).toEqual([expect.stringContaining('"late"')]);
});

test('a name that is no text is told, not garbled', async () => {
  await using folder = await tree({ ...COPY_ALL, '.dockerignore': NOT_SENT });
  await writeFile(Buffer.concat([Buffer.from(`${folder.path}/latin1-`), Buffer.from([0xe9])]), 'n');
  const run = await bake(folder.path);
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain('the name "latin1-\\xe9" is not UTF-8');
});
