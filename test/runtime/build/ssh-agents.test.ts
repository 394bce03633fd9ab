import { execFileSync, spawn } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { SshEntry } from '../../../planner/target.ts';
import { gitSshEntry, sshAgents } from '../../../runtime/build/ssh-agents.ts';
import { tempFolder } from '../../rig/folder.ts';
import { keysOf, LIST_KEYS } from '../../rig/ssh-client.ts';

const KEYS = path.resolve(import.meta.dirname, '../../../fixtures/ssh-keys');
const signal = AbortSignal.timeout(20_000);

/** How many keys the agents have, by their ids; or what cannot be used, and why. */
async function told(
  entries: readonly SshEntry[],
  { cwd = KEYS, agent = '' }: { readonly cwd?: string; readonly agent?: string } = {},
): Promise<unknown> {
  const agents = await sshAgents(entries, { cwd, env: new Map([['SSH_AUTH_SOCK', agent]]), signal });
  if (!agents.ok) return agents.failure;
  const counted = [...agents.value].map(async ([id, one]) => {
    using conversation = await one.connect(signal);
    return [id, keysOf(await conversation.ask(LIST_KEYS)).length] as const;
  });
  return Object.fromEntries(await Promise.all(counted));
}

test('keys lie where they are named, from the working directory', async () => {
  expect(await told([{ id: 'a', paths: ['rsa', path.join(KEYS, 'ed25519')] }])).toEqual({ a: 2 });
});

test('an agent without a name is the default one, and no other is', async () => {
  expect(await told([{ id: '', paths: ['rsa'] }])).toEqual({ default: 1 });
  const twice = [
    { id: 'default', paths: ['rsa'] },
    { id: '', paths: ['ed25519'] },
  ];
  expect(await told(twice)).toEqual({ id: 'default', path: 'ed25519', cause: 'another agent has the same id' });
});

test.each([[[]], [['']]])('an agent of %j is that of SSH_AUTH_SOCK, which may be a key as well', async (paths) => {
  expect(await told([{ id: 'a', paths }], { agent: 'rsa' })).toEqual({ a: 1 });
  expect(await told([{ id: 'a', paths }])).toEqual({ id: 'a', path: 'SSH_AUTH_SOCK', cause: 'it is not set' });
});

test('a socket stands alone', async () => {
  await using folder = await tempFolder('agent');
  const server = createServer();
  const socket = path.join(folder.path, 'agent.sock');
  await new Promise<void>((listening) => server.listen(socket, listening));
  try {
    const cause = async (...paths: readonly string[]): Promise<unknown> => told([{ id: 'a', paths }]);
    expect(await cause(socket, 'rsa')).toMatchObject({ path: 'rsa', cause: 'only single socket allowed' });
    expect(await cause(socket, 'gone')).toMatchObject({ path: 'gone', cause: 'only single socket allowed' });
    expect(await cause('rsa', socket)).toMatchObject({
      path: socket,
      cause: 'invalid combination of keys and sockets',
    });
  } finally {
    server.close();
  }
});

test('what cannot be used is told by its name', async () => {
  const cause = async (...paths: readonly string[]): Promise<unknown> => told([{ id: 'a', paths }]);
  expect(await cause('rsa', 'gone')).toEqual({ id: 'a', path: 'gone', cause: 'there is no such file' });
  expect(await cause('rsa', 'rsa.pub')).toEqual({
    id: 'a',
    path: 'rsa.pub',
    cause: 'ssh: no key found; this is a public key',
  });
});

test('a key may come through a pipe; one that nobody writes to is refused', async () => {
  await using folder = await tempFolder('pipe');
  const pipe = path.join(folder.path, 'key');
  execFileSync('mkfifo', [pipe]);
  const writer = spawn('sh', ['-c', `cat ${path.join(KEYS, 'ed25519')} > ${pipe}`], { stdio: 'ignore' });
  const ended = new Promise((resolve) => writer.once('close', resolve));
  expect(await told([{ id: 'a', paths: [pipe] }])).toEqual({ a: 1 });
  await ended;
  expect(await told([{ id: 'a', paths: [pipe] }])).toMatchObject({ cause: 'it is a pipe that nobody writes to' });
});

test('a key is read once: what happens to its file then does not matter', async () => {
  await using folder = await tempFolder('key');
  await copyFile(path.join(KEYS, 'rsa'), path.join(folder.path, 'key'));
  const entries = [{ id: 'a', paths: ['key'] }];
  const agents = await sshAgents(entries, { cwd: folder.path, env: new Map(), signal });
  await writeFile(path.join(folder.path, 'key'), 'gone');
  if (!agents.ok) throw new Error(agents.failure.cause);
  using conversation = await agents.value.get('a')?.connect(signal);
  expect(keysOf((await conversation?.ask(LIST_KEYS)) ?? LIST_KEYS)).toHaveLength(1);
});

test('BUILDX_BAKE_GIT_SSH names a socket or keys', () => {
  const entry = (text: string): SshEntry => gitSshEntry(new Map([['BUILDX_BAKE_GIT_SSH', text]]));
  expect(entry('')).toEqual({ id: 'default', paths: [] });
  expect(entry('/a.sock')).toEqual({ id: 'default', paths: ['/a.sock'] });
  expect(entry('a,b')).toEqual({ id: 'default', paths: ['a', 'b'] });
});
