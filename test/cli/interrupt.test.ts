import { execFileSync, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import { tempFolder } from '../rig/folder.ts';
import { depotOnTerminal } from '../rig/terminal.ts';

const LAUNCHER = path.resolve(import.meta.dirname, '../../cli/depot.mjs');

/** More than a pipe holds, and the beginning of anything. */
const BYTES = Buffer.from('#\n'.repeat(1024 * 1024));

/** A Node that is too old to run the program, so that the launcher has to start another. */
const OLD_NODE = ['/usr/bin/node', '/usr/local/bin/node'].find((file) => {
  try {
    const major = Number(execFileSync(file, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }));
    return major >= 18 && major < 24;
  } catch {
    return false;
  }
});

const READERS: readonly (readonly string[])[] = [
  ['build', '-'],
  ['build', '-f', '-', '.'],
  ['bake', '-f', '-'],
  ['bake', '-f', '-', '--list=targets'],
  ['compose', '-f', '-', 'build'],
];

async function interrupted(
  args: readonly string[],
  options: Partial<Parameters<typeof depot>[1]> = {},
): Promise<DepotRun> {
  await using folder = await tempFolder('interrupt');
  const interrupt = new AbortController();
  return await depot(args, {
    cwd: folder.path,
    input: { bytes: BYTES, whenTaken: () => interrupt.abort() },
    interrupt: interrupt.signal,
    ...options,
  });
}

test('Ctrl-C while an engine is asked that does not answer ends it', async () => {
  await using folder = await tempFolder('interrupt');
  await writeFile(path.join(folder.path, 'Dockerfile'), 'FROM scratch\n');
  const asked = Promise.withResolvers<void>();
  const silent = net.createServer(() => asked.resolve());
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
  const interrupt = new AbortController();
  const run = depot(['build', folder.path], {
    cwd: folder.path,
    env: { DOCKER_HOST: `tcp://127.0.0.1:${(silent.address() as AddressInfo).port}` },
    interrupt: interrupt.signal,
  });
  await asked.promise;
  interrupt.abort();
  expect(await run).toMatchObject({ exitCode: 130, stderr: expect.stringMatching(/\nERROR: canceled\n$/) });
  silent.close();
});

test.each([
  ['-o', '-'],
  ['-o', 'type=oci'],
  ['-o', 'type=docker,dest=-'],
])('%s %s is refused on a terminal', async (...output) => {
  await using folder = await tempFolder('terminal');
  await writeFile(path.join(folder.path, 'Dockerfile'), 'FROM scratch\n');
  const { exitCode, shown } = await depotOnTerminal(['build', ...output, '.'], { cwd: folder.path, says: [] });
  expect(shown).toContain(
    'ERROR: an archive is not for a terminal; name a file with dest=FILE, or redirect the output',
  );
  expect(exitCode).toBe(1);
});

test('a build whose reader goes away does not end as if it were done', async () => {
  await using folder = await tempFolder('reader');
  await writeFile(path.join(folder.path, 'docker-bake.hcl'), `target "a" { tags = ["${'x'.repeat(200_000)}"] }`);
  const child = spawn(process.execPath, [LAUNCHER, 'bake', '--print', 'a'], {
    cwd: folder.path,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code, 'as of a program that SIGPIPE ends').toBe(141);
});

describe('one Ctrl-C while standard input is read', () => {
  test.each(READERS.map((args) => [args.join(' '), args] as const))('ends %s', async (_line, args) => {
    const run = await interrupted(args);
    expect(run.stderr).toMatch(/Canceling\.\.\. .*\nERROR: canceled\n$/);
    expect(run).toMatchObject({ exitCode: 130, stdout: '' });
  });

  test.skipIf(OLD_NODE === undefined)('is heard when only the launcher is told', async () => {
    const run = await interrupted(['bake', '-f', '-'], { program: [OLD_NODE ?? '', LAUNCHER] });
    expect(run.stderr).toMatch(/Canceling\.\.\. .*\nERROR: canceled\n$/);
    expect(run.exitCode).toBe(130);
  });
});

test('what the terminal and the launcher tell of one Ctrl-C is one', async () => {
  await using folder = await tempFolder('interrupt');
  const child = spawn(process.execPath, [LAUNCHER, 'bake', '-f', '-'], {
    cwd: folder.path,
    env: { ...process.env, DEPOT_LAUNCHED: '3', HOME: folder.path },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const code = new Promise((resolve) => child.once('close', resolve));
  const told = text(child.stderr);
  await new Promise((resolve) => child.stdin.write(BYTES, resolve));
  // A program that is stopped learns of both at once, whatever came first.
  child.kill('SIGSTOP');
  (child.stdio[3] as NodeJS.WritableStream).write('.');
  child.kill('SIGINT');
  await delay(50);
  child.kill('SIGCONT');
  expect(await code).toBe(130);
  expect(await told).toMatch(/Canceling\.\.\. .*\nERROR: canceled\n$/);
});

test('Ctrl-C at a question is no answer, and ends the program as such', async () => {
  await using folder = await tempFolder('interrupt');
  await writeFile(
    path.join(folder.path, 'docker-bake.hcl'),
    'target "default" {\n  entitlements = ["network.host"]\n}\n',
  );
  const { exitCode, shown } = await depotOnTerminal(['bake'], { cwd: folder.path, says: [[/\[y\/N\] $/, '\x03']] });
  expect(exitCode).toBe(130);
  expect(shown).toMatch(/Canceling\.\.\. .*\nERROR: canceled\n$/);
});
