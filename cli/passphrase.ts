import type { AskPassphrase } from '../runtime/session/ssh-key-files.ts';
import type { CommandContext } from './command.ts';
import { printableLine } from './print/text.ts';

/**
 * Asks for passphrases on the terminal, one at a time, without showing what is typed; undefined where there is none. What is
 * given is kept by nobody here.
 */
export function passphrasePrompt(context: CommandContext): AskPassphrase | undefined {
  if (!context.stdin.isTTY || !context.stderr.isTTY) return undefined;
  let busy: Promise<unknown> = Promise.resolve();
  return (file, { isAgain, signal }) => {
    const turn = busy.then(() => {
      if (signal.aborted) return undefined;
      return hiddenLine(`${isAgain ? 'Wrong. ' : ''}Passphrase for the key ${printableLine(file)}: `, context, signal);
    });
    busy = turn;
    return turn;
  };
}

const ENTER = new Set([0x0a, 0x0d]);
const CTRL_C = 0x03;
const CTRL_D = 0x04;
const CTRL_U = 0x15;
const ERASE = new Set([0x08, 0x7f]);

/** A line that the terminal does not show; undefined where it is given up. It is asked for when nothing is shown any more. */
async function hiddenLine(
  question: string,
  { stdin, stderr }: CommandContext,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const typed: number[] = [];
  const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
  const onData = (chunk: Buffer): void => {
    for (const byte of chunk) {
      if (ENTER.has(byte)) resolve(Uint8Array.from(typed));
      else if (byte === CTRL_D && typed.length === 0) resolve(undefined);
      else if (byte === CTRL_C) process.kill(process.pid, 'SIGINT');
      else if (byte === CTRL_U) typed.length = 0;
      else if (ERASE.has(byte)) typed.splice(lastCharacter(typed));
      else typed.push(byte);
    }
    chunk.fill(0);
  };
  const giveUp = (): void => resolve(undefined);
  signal.addEventListener('abort', giveUp, { once: true });
  stdin.once('end', giveUp);
  stdin.setRawMode(true).on('data', onData).resume();
  stderr.write(question);
  try {
    return await promise;
  } finally {
    stdin.off('data', onData).off('end', giveUp).pause().setRawMode(false);
    signal.removeEventListener('abort', giveUp);
    typed.fill(0);
    stderr.write('\n');
  }
}

/** Where the last character of UTF-8 begins. */
function lastCharacter(bytes: readonly number[]): number {
  let at = bytes.length - 1;
  while (at > 0 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at--;
  return Math.max(at, 0);
}
