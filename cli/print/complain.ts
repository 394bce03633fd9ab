import { printable } from './text.ts';

/** Says on stderr what is wrong, and gives the exit code of a mistake. */
export function complain({ stderr }: { readonly stderr: NodeJS.WritableStream }, message: string): number {
  stderr.write(`ERROR: ${printable(message)}\n`);
  return 1;
}

/** Says that the user ended it, and gives the exit code of a process that Ctrl-C ended. */
export function canceled({ stderr }: { readonly stderr: NodeJS.WritableStream }): number {
  stderr.write('ERROR: canceled\n');
  return INTERRUPTED;
}

/** The exit code of a process ended by Ctrl-C; `main.ts` puts that of another signal in its place. */
export const INTERRUPTED = 130;
