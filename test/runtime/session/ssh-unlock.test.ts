import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { bcryptPbkdf } from '../../../runtime/session/bcrypt-pbkdf.ts';
import type { AskPassphrase, KnownKeys } from '../../../runtime/session/ssh-key-files.ts';
import { keyFilesAgent } from '../../../runtime/session/ssh-key-files.ts';
import { keysOf, LIST_KEYS, signRequest, verified } from '../../rig/ssh-client.ts';

const KEYS = path.resolve(import.meta.dirname, '../../../fixtures/ssh-keys');
const PASSPHRASE = 'of the fixture';
const DATA = Buffer.from('what is to be signed');
const signal = AbortSignal.timeout(60_000);
const resolve = (name: string): string => path.resolve(KEYS, name);

/** Somebody who answers with these, one after the other, and with nothing then. */
function somebody(...answers: readonly string[]): {
  readonly ask: AskPassphrase;
  readonly asked: (readonly [name: string, isAgain: boolean])[];
  readonly given: Uint8Array[];
} {
  const asked: (readonly [string, boolean])[] = [];
  const given: Uint8Array[] = [];
  const ask: AskPassphrase = async (file, { isAgain }) => {
    asked.push([path.basename(file), isAgain]);
    const answer = answers[asked.length - 1];
    if (answer === undefined) return undefined;
    const bytes = Buffer.from(answer);
    given.push(bytes);
    return bytes;
  };
  return { ask, asked, given };
}

// From OpenBSD's and joyent's tests of it.
test.each([
  ['password', 'salt', 4, '5bbf0cc293587f1c3635555c27796598d47e579071bf427e9d8fbe842aba34d9'],
  ['password', '\0', 4, 'c12b566235eee04c212598970a579a67'],
  ['\0', 'salt', 4, '6051be18c2f4f82cbf0efee5471b4bb9'],
  [
    'password',
    'salt',
    8,
    'e1367ec5151a33faac4cc1c144cd23fa15d5548493ecc99b9b5d9c0d3b27bec76227ea66088b849b20ab7aa478010246e74bba51723fefa9f9474d6508845e8d',
  ],
])('bcrypt makes of %j and %j, in %i rounds, %s', (passphrase, salt, rounds, key) => {
  const made = bcryptPbkdf(Buffer.from(passphrase), { salt: Buffer.from(salt), rounds, keyBytes: key.length / 2 });
  expect(made.toString('hex')).toBe(key);
});

describe('a key with a passphrase', () => {
  test.each(['locked', 'locked-gcm', 'locked-cbc', 'locked-pem', 'locked-pkcs8'])(
    'is opened by it, and signs: %s',
    async (name) => {
      const { ask, asked, given } = somebody(PASSPHRASE);
      const agent = await keyFilesAgent([name], { resolve, ask, signal });
      if (!agent.ok) throw new Error(agent.failure.cause);
      using conversation = await agent.value.connect(signal);
      const [key] = keysOf(await conversation.ask(LIST_KEYS));
      const blob = Buffer.from(key?.blob ?? '', 'base64');
      expect(
        verified(await conversation.ask(signRequest(blob, DATA, name.startsWith('locked-p') ? 4 : 0)), {
          blob,
          data: DATA,
        }),
      ).toMatch(/^(?:ssh|rsa)-/);
      expect(asked).toEqual([[name, false]]);
      // What was given is not kept.
      expect(given.map((bytes) => bytes.every((byte) => byte === 0))).toEqual([true]);
    },
  );

  test('is asked for again where it is wrong, three times at most', async () => {
    const right = somebody('wrong', PASSPHRASE);
    expect((await keyFilesAgent(['locked'], { resolve, ask: right.ask, signal })).ok).toBe(true);
    expect(right.asked).toEqual([
      ['locked', false],
      ['locked', true],
    ]);
    for (const name of ['locked', 'locked-gcm', 'locked-pem', 'locked-pkcs8']) {
      const wrong = somebody('1', '2', '3', PASSPHRASE);
      const agent = await keyFilesAgent([name], { resolve, ask: wrong.ask, signal });
      expect(agent).toMatchObject({
        failure: { path: name, cause: 'ssh: this private key is passphrase protected, and what was given is not it' },
      });
      expect(wrong.asked).toHaveLength(3);
    }
  });

  test.each([[[]], [['']]])('cannot be used without one: %j', async (answers) => {
    const agent = await keyFilesAgent(['locked'], { resolve, ask: somebody(...answers).ask, signal });
    expect(agent).toMatchObject({
      failure: { path: 'locked', cause: 'ssh: this private key is passphrase protected, and none was given' },
    });
  });

  test('that is not encrypted by AES is told so', async () => {
    const agent = await keyFilesAgent(['locked-chacha'], { resolve, ask: somebody(PASSPHRASE).ask, signal });
    expect(agent).toMatchObject({
      failure: { cause: 'ssh: it is encrypted with a cipher other than AES; an agent may know it' },
    });
  });

  test('that several use is asked for once', async () => {
    const known: KnownKeys = new Map();
    const { ask, asked } = somebody(PASSPHRASE);
    const agents = await Promise.all(
      ['locked', './locked'].map((name) => keyFilesAgent([name], { resolve, ask, known, signal })),
    );
    expect(agents.map(({ ok }) => ok)).toEqual([true, true]);
    expect(asked).toHaveLength(1);
  });

  test('damaged in any byte is wrong or refused, and nothing worse', async () => {
    const text = await readFile(resolve('locked'), 'utf8');
    const { readSshKey } = await import('../../../planner/options/ssh-key.ts');
    const lines = text.trim().split('\n');
    for (let line = 1; line < lines.length - 1; line++) {
      const changed = lines.with(line, `${lines[line]?.startsWith('A') === true ? 'B' : 'A'}${lines[line]?.slice(1)}`);
      const read = readSshKey(changed.join('\n'));
      if (!read.ok) expect(read.failure).toMatch(/^ssh: /);
    }
  });
});
