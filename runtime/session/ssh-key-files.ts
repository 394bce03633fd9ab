import { MAX_KEY_BYTES, readSshKey } from '../../planner/options/ssh-key.ts';
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

/** An agent that holds the private keys in these files. They are read once, and kept in memory alone. */
export async function keyFilesAgent(
  paths: readonly string[],
  { resolve, signal }: { readonly resolve: (path: string) => string; readonly signal: AbortSignal },
): Promise<Result<SshAgent, BadKeyFile>> {
  const keys: SshKey[] = [];
  for (const path of paths) {
    const key = await keyIn(resolve(path), signal);
    if (!key.ok) return fail({ path, cause: key.failure });
    keys.push(key.value);
  }
  return ok(keyringAgent(keys));
}

async function keyIn(file: string, signal: AbortSignal): Promise<Result<SshKey, string>> {
  let bytes: Buffer;
  try {
    bytes = await readBeginning(file, { maxBytes: MAX_KEY_BYTES, signal });
  } catch (error) {
    return fail(signal.aborted ? 'canceled' : error instanceof Error ? error.message : String(error));
  }
  const text = readSshKey(bytes.toString('latin1'));
  return text.ok ? sshKeyOf(text.value) : text;
}
