import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { SshConversation } from '../../../runtime/session/ssh-agent.ts';
import { agentMessages } from '../../../runtime/session/ssh-agent.ts';
import { keyFilesAgent } from '../../../runtime/session/ssh-key-files.ts';
import { tempFolder } from '../../rig/folder.ts';
import { FAILURE, keysOf, LIST_KEYS, NO_KEYS, signRequest, verified } from '../../rig/ssh-client.ts';

const KEYS = path.resolve(import.meta.dirname, '../../../fixtures/ssh-keys');
const DATA = Buffer.from('what is to be signed');
const signal = AbortSignal.timeout(20_000);

const resolve = (name: string): string => path.resolve(KEYS, name);

async function agentWith(...files: readonly string[]): Promise<SshConversation> {
  const agent = await keyFilesAgent(files, { resolve, signal });
  if (!agent.ok) throw new Error(agent.failure.cause);
  return agent.value.connect(signal);
}

async function causeOf(file: string): Promise<string> {
  const agent = await keyFilesAgent([file], { resolve, signal });
  return agent.ok ? 'it was taken' : agent.failure.cause;
}

async function publicKey(name: string): Promise<Buffer> {
  const [, blob = ''] = (await readFile(resolve(`${name}.pub`), 'utf8')).split(' ');
  return Buffer.from(blob, 'base64');
}

describe('an agent of keys in files', () => {
  test('tells the public keys, in the order of the files, each once and without a comment', async () => {
    using agent = await agentWith('rsa', 'ed25519', 'rsa', 'ecdsa256');
    const blobs = await Promise.all(['rsa', 'ed25519', 'ecdsa256'].map(publicKey));
    const expected = blobs.map((blob) => ({ blob: blob.toString('base64'), comment: '' }));
    expect(keysOf(await agent.ask(LIST_KEYS))).toEqual(expected);
  });

  test('without keys has none', async () => {
    using agent = await agentWith();
    expect(await agent.ask(LIST_KEYS)).toEqual(NO_KEYS);
  });

  test.each([
    ['ed25519', 0, 'ssh-ed25519'],
    ['ecdsa256', 0, 'ecdsa-sha2-nistp256'],
    ['ecdsa384', 0, 'ecdsa-sha2-nistp384'],
    ['ecdsa521', 0, 'ecdsa-sha2-nistp521'],
    ['ecdsa-pem', 0, 'ecdsa-sha2-nistp256'],
    ['rsa', 0, 'ssh-rsa'],
    ['rsa', 2, 'rsa-sha2-256'],
    ['rsa', 4, 'rsa-sha2-512'],
    ['rsa-pem', 4, 'rsa-sha2-512'],
    ['rsa-pkcs8', 2, 'rsa-sha2-256'],
  ])('signs with the key in %s and the flags %i: %s', async (file, flags, algorithm) => {
    using agent = await agentWith(file);
    const blob = await publicKey(file);
    // Numbers of ECDSA signatures are shorter now and then.
    for (let time = 0; time < 20; time++) {
      const data = Buffer.concat([DATA, Buffer.of(time)]);
      expect(verified(await agent.ask(signRequest(blob, data, flags)), { blob, data })).toBe(algorithm);
    }
  });

  test('refuses to sign with what it does not have, and in ways that the key does not sign', async () => {
    using agent = await agentWith('rsa', 'ed25519', 'ecdsa256');
    const [rsa, ed25519, ecdsa, other] = await Promise.all(['rsa', 'ed25519', 'ecdsa256', 'rsa-pem'].map(publicKey));
    for (const request of [
      signRequest(other ?? DATA, DATA),
      signRequest(DATA, DATA),
      signRequest(rsa ?? DATA, DATA, 6),
      signRequest(ed25519 ?? DATA, DATA, 2),
      signRequest(ecdsa ?? DATA, DATA, 4),
      signRequest(rsa ?? DATA, DATA).subarray(0, -4),
      Buffer.from([0, 0, 0, 1, 13]),
    ]) {
      expect(await agent.ask(request)).toEqual(FAILURE);
    }
  });

  test('does not sign with a key that is too short for the hash', async () => {
    await using folder = await tempFolder('keys');
    const file = path.join(folder.path, 'key');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 512 });
    await writeFile(file, privateKey.export({ format: 'pem', type: 'pkcs1' }));
    using agent = await agentWith(file);
    const [key] = keysOf(await agent.ask(LIST_KEYS));
    const blob = Buffer.from(key?.blob ?? '', 'base64');
    expect(verified(await agent.ask(signRequest(blob, DATA, 0)), { blob, data: DATA })).toBe('ssh-rsa');
    expect(await agent.ask(signRequest(blob, DATA, 4))).toEqual(FAILURE);
  });

  test.each([1, 9, 17, 18, 19, 20, 21, 22, 23, 25, 26, 27])('does nothing else (%i)', async (type) => {
    using agent = await agentWith('ed25519');
    expect(await agent.ask(Buffer.from([0, 0, 0, 1, type]))).toEqual(FAILURE);
    expect(keysOf(await agent.ask(LIST_KEYS))).toHaveLength(1);
  });
});

describe('a file', () => {
  test.each([
    ['locked', 'ssh: this private key is passphrase protected'],
    ['locked-pem', 'ssh: this private key is passphrase protected'],
    ['locked-pkcs8', 'ssh: this private key is passphrase protected'],
    ['rsa.pub', 'ssh: no key found; this is a public key'],
    ['README.md', 'ssh: no key found'],
    ['.', 'EISDIR: illegal operation on a directory, read'],
  ])('%s is refused: %s', async (file, cause) => {
    expect(await causeOf(file)).toBe(cause);
  });

  test('that is not there is told by its name', async () => {
    expect(await keyFilesAgent(['rsa', 'gone'], { resolve, signal })).toEqual({
      ok: false,
      failure: { path: 'gone', cause: `ENOENT: no such file or directory, open '${resolve('gone')}'` },
    });
  });

  test('may have anything before and behind its key, and any line ends', async () => {
    await using folder = await tempFolder('keys');
    const file = path.join(folder.path, 'key');
    const key = await readFile(resolve('ecdsa256'), 'utf8');
    for (const text of [`# mine\n${key}`, key.replaceAll('\n', '\r\n'), key.trimEnd(), `${key}\n${key}`]) {
      await writeFile(file, text);
      expect(await causeOf(file)).toBe('it was taken');
    }
    for (const text of [key.replaceAll('\n', ''), `${'#'.repeat(100 * 1024)}\n${key}`, key.replace('END', 'end')]) {
      await writeFile(file, text);
      expect(await causeOf(file)).toBe('ssh: no key found');
    }
  });

  test('with a key of a kind that ssh does not have is refused', async () => {
    await using folder = await tempFolder('keys');
    const file = path.join(folder.path, 'key');
    const { privateKey: x25519 } = generateKeyPairSync('x25519');
    const { privateKey: koblitz } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const { privateKey: brainpool } = generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' });
    const { privateKey: padded } = generateKeyPairSync('rsa-pss', { modulusLength: 1024 });
    const { privateKey: ed25519 } = generateKeyPairSync('ed25519');
    for (const [key, cause] of [
      [x25519, 'ssh: unsupported key type x25519'],
      [koblitz, 'ssh: unsupported key type ec (secp256k1)'],
      [brainpool, 'ssh: unsupported key type ec (brainpoolP256r1)'],
      [padded, 'ssh: unsupported key type rsa-pss'],
      [ed25519, 'it was taken'],
    ] as const) {
      await writeFile(file, key.export({ format: 'pem', type: 'pkcs8' }));
      expect(await causeOf(file)).toBe(cause);
    }
    await writeFile(file, '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n');
    expect(await causeOf(file)).toBe('ssh: unsupported key type "EC PARAMETERS"');
  });

  test.each(['ed25519', 'ecdsa521', 'rsa', 'rsa-pem', 'ecdsa-pem', 'rsa-pkcs8'])(
    '%s that is damaged anywhere is refused, or is the same key: never does a wrong key sign',
    async (name) => {
      await using folder = await tempFolder('keys');
      const file = path.join(folder.path, 'key');
      const text = await readFile(resolve(name), 'utf8');
      const [begin = '', ...rest] = text.trimEnd().split('\n');
      const end = rest.pop() ?? '';
      const whole = Buffer.from(rest.join(''), 'base64');
      const blob = await publicKey(name);
      for (let at = 0; at < whole.length; at += 7) {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ 0x55;
        await writeFile(file, `${begin}\n${damaged.toString('base64')}\n${end}\n`);
        const agent = await keyFilesAgent([file], { resolve, signal });
        if (!agent.ok) {
          expect(agent.failure.cause).toMatch(/^ssh: [\w ;()"-]+$/);
          continue;
        }
        using conversation = await agent.value.connect(signal);
        const [key] = keysOf(await conversation.ask(LIST_KEYS));
        const told = Buffer.from(key?.blob ?? '', 'base64');
        const answer = await conversation.ask(signRequest(told, DATA, 0));
        expect(() => verified(answer, { blob: told, data: DATA })).not.toThrow();
        expect(told.equals(blob), `damaged at ${at}`).toBe(true);
      }
    },
  );
});

const sshAdd = await promisify(execFile)('ssh-add', ['-l'], { env: { PATH: process.env['PATH'] ?? '' } }).then(
  () => true,
  (error: { readonly code?: unknown }) => error.code !== 'ENOENT',
);

test.skipIf(!sshAdd)('ssh-add, where there is one, knows the keys and what they sign', async () => {
  await using folder = await tempFolder('agent');
  const names = ['ed25519', 'rsa', 'rsa-pem', 'rsa-pkcs8', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'ecdsa-pem'];
  using agent = await agentWith(...names);
  const socket = path.join(folder.path, 'agent.sock');
  const server = createServer(async (client) => {
    client.on('error', () => undefined);
    for await (const message of agentMessages(client)) client.write(await agent.ask(message));
  });
  await new Promise<void>((listening) => server.listen(socket, listening));
  const env = { PATH: process.env['PATH'] ?? '', SSH_AUTH_SOCK: socket };
  try {
    const { stdout } = await promisify(execFile)('ssh-add', ['-L'], { env });
    expect(stdout.trimEnd().split('\n')).toHaveLength(names.length);
    await promisify(execFile)('ssh-add', ['-T', ...names.map((name) => resolve(`${name}.pub`))], { env });
  } finally {
    server.close();
  }
});
