import type { Flag, ParsedArgs } from './flags.ts';

/** What a command may use of the process it runs in. */
export interface CommandContext {
  readonly args: ParsedArgs;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted by the first Ctrl-C or a request to end. */
  readonly signal: AbortSignal;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
  /** Writes a result to standard output, whole. */
  readonly print: (text: string) => void;
  readonly debug: boolean;
}

/** One command as data. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** How it is called, after `depot`. */
  readonly usage: string;
  readonly flags: readonly Flag[];
  /** All arguments come in `args.rest`, unread. */
  readonly readsOwnArguments?: boolean;
  /** Does the work and gives the exit code. */
  readonly run: (context: CommandContext) => Promise<number>;
}

/** A command's table entry, whose code is loaded only when it is called. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}
