import { isLocked, MAX_KEY_BYTES, PASSPHRASE_NEEDED, readSshKey } from '../../planner/options/ssh-key.ts';
import type { LockedKeyText, OpenKeyText } from '../../planner/options/ssh-key.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import { readBeginning } from './limited-file.ts';
import type { SshAgent } from './ssh-agent.ts';
import type { SshKey } from './ssh-key.ts';
import { sshKeyOf } from './ssh-key.ts';
import { keyringAgent } from './ssh-keyring.ts';

/** A file that holds no key that can be used: its path, and why, in words that hold nothing of it. */
export interface BadKeyFile {
  readonly path: string;
  readonly cause: string;
}

/** Asks somebody for the passphrase of a key; undefined where none is given. `isAgain`: the last one was wrong. */
export type AskPassphrase = (
  file: string,
  options: { readonly isAgain: boolean; readonly signal: AbortSignal },
) => Promise<Uint8Array | undefined>;

/** Keys that have been read, by their files, so that nobody is asked twice. */
export type KnownKeys = Map<string, Promise<Result<SshKey, string>>>;

/** How keys are read. */
export interface KeyFileOptions {
  readonly resolve: (path: string) => string;
  /** Absent: nobody can be asked, and a key with a passphrase cannot be used. */
  readonly ask?: AskPassphrase | undefined;
  /** Shared by who reads the same keys; by default they are read anew. */
  readonly known?: KnownKeys | undefined;
  readonly signal: AbortSignal;
}

/** So often somebody may err, as with ssh. */
const MOST_TRIES = 3;

/** An agent that holds the private keys in these files. They are read once, and kept in memory alone; passphrases are not kept. */
export async function keyFilesAgent(
  paths: readonly string[],
  { resolve, ask, known = new Map(), signal }: KeyFileOptions,
): Promise<Result<SshAgent, BadKeyFile>> {
  const keys: SshKey[] = [];
  for (const path of paths) {
    const file = resolve(path);
    const reading = known.get(file) ?? keyIn(file, { ask, signal });
    known.set(file, reading);
    const key = await reading;
    if (!key.ok) return fail({ path, cause: key.failure });
    keys.push(key.value);
  }
  return ok(keyringAgent(keys));
}

type Options = Pick<KeyFileOptions, 'ask' | 'signal'>;

async function keyIn(file: string, { ask, signal }: Options): Promise<Result<SshKey, string>> {
  let bytes: Buffer;
  try {
    bytes = await readBeginning(file, { maxBytes: MAX_KEY_BYTES, signal });
  } catch (error) {
    return fail(signal.aborted ? 'canceled' : error instanceof Error ? error.message : String(error));
  }
  const text = readSshKey(bytes.toString('latin1'));
  if (!text.ok) return text;
  if (!isLocked(text.value)) return sshKeyOf(text.value);
  const opened = await opening(text.value, file, { ask, signal });
  return opened.ok ? sshKeyOf(opened.value) : opened;
}

async function opening(
  key: LockedKeyText,
  file: string,
  { ask, signal }: Options,
): Promise<Result<OpenKeyText, string>> {
  if (ask === undefined) return fail(PASSPHRASE_NEEDED);
  const { unlocked } = await import('./ssh-unlock.ts');
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const passphrase = await ask(file, { isAgain: tries > 0, signal });
    if (signal.aborted) return fail('canceled');
    if (passphrase === undefined || passphrase.length === 0) return fail(`${PASSPHRASE_NEEDED}, and none was given`);
    const opened = unlocked(key, passphrase);
    passphrase.fill(0);
    if (opened.ok) return opened;
    if (opened.failure !== 'wrong') return fail(opened.failure.unsupported);
  }
  return fail(`${PASSPHRASE_NEEDED}, and what was given is not it`);
}
