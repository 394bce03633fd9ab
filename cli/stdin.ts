import { buffer } from 'node:stream/consumers';
import { abortable } from '../runtime/session/abortable.ts';
import type { CommandContext } from './command.ts';

type Input = Pick<CommandContext, 'stdin' | 'signal'>;

/** All of standard input; undefined when the signal ended the waiting. */
export async function readAll({ stdin, signal }: Input): Promise<Buffer | undefined> {
  try {
    return await buffer(abortable<Buffer>(stdin, signal));
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** Asks, and gives the line that is answered; undefined when there is none, or the signal ended the waiting. */
export async function ask(
  question: string,
  { stdin, signal, write }: Input & { readonly write: (text: string) => void },
): Promise<string | undefined> {
  const { createInterface } = await import('node:readline');
  // Without an output the terminal edits the line itself, and Ctrl-C remains a signal.
  const lines = createInterface({ input: stdin, signal });
  write(question);
  try {
    for await (const line of lines) return line;
    return undefined;
  } finally {
    lines.close();
  }
}
