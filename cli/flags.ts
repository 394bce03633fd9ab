import { goBool } from '../planner/options/entries.ts';
import type { Result } from '../planner/result.ts';
import { fail, ok } from '../planner/result.ts';
import { didYouMean } from '../planner/hcl/suggest.ts';

/** One flag as data; help, completion and parsing read the same table. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** `switch` may stand alone or take `=true`, `=false`; `text` wants a value; `list` may repeat. */
  readonly kind: 'switch' | 'text' | 'list';
  /** What it does, on one line. */
  readonly help: string;
  /** What the value is called in help. */
  readonly value?: string;
  /** Whether help and suggestions leave it out. */
  readonly hidden?: boolean;
}

/** Flags that every command takes. */
export const COMMON_FLAGS: readonly Flag[] = [
  { name: 'debug', short: 'D', kind: 'switch', help: 'Show the whole of an internal error', hidden: true },
  { name: 'help', short: 'h', kind: 'switch', help: 'Show this page', hidden: true },
];

/** What a command line came to. Flags that were not given are absent. */
export interface ParsedArgs {
  readonly switches: ReadonlyMap<string, boolean>;
  readonly texts: ReadonlyMap<string, string>;
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly rest: readonly string[];
}

/** A command line of which nothing is read. */
export function unreadArgs(args: readonly string[]): ParsedArgs {
  return { switches: new Map(), texts: new Map(), lists: new Map(), rest: args };
}

/**
 * Reads arguments as Go's pflag does, which the peers use: `--name=value`, `--name value`, `-n value`, `-nvalue`,
 * bundled switches, `--` before arguments that begin with a dash. With `upToFirstArgument`, all behind the first argument
 * is left unread. Fails with pflag's words and a suggestion.
 */
export function parseFlags(
  flags: readonly Flag[],
  args: readonly string[],
  { upToFirstArgument = false }: { readonly upToFirstArgument?: boolean } = {},
): Result<ParsedArgs, string> {
  const switches = new Map<string, boolean>();
  const texts = new Map<string, string>();
  const lists = new Map<string, string[]>();
  const rest: string[] = [];
  const queue = [...args];
  const set = (flag: Flag, value: string): string | undefined => {
    if (flag.kind === 'switch') {
      const on = goBool(value);
      if (on === undefined) return `invalid argument "${value}" for "--${flag.name}" flag: true or false is expected`;
      switches.set(flag.name, on);
    } else if (flag.kind === 'text') texts.set(flag.name, value);
    else lists.set(flag.name, [...(lists.get(flag.name) ?? []), value]);
    return undefined;
  };
  for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
    if (arg === '--') {
      rest.push(...queue);
      break;
    }
    if (arg === '-' || !arg.startsWith('-')) {
      rest.push(arg);
      if (!upToFirstArgument) continue;
      rest.push(...queue);
      break;
    }
    const problem = arg.startsWith('--') ? readLong(flags, arg, queue, set) : readShort(flags, arg, queue, set);
    if (problem !== undefined) return fail(problem);
  }
  return ok({ switches, texts, lists, rest });
}

/** Takes a flag's value; answers with what is wrong with it. */
type Setter = (flag: Flag, value: string) => string | undefined;

function readLong(flags: readonly Flag[], arg: string, queue: string[], set: Setter): string | undefined {
  const equals = arg.indexOf('=');
  const name = arg.slice(2, equals === -1 ? undefined : equals);
  const flag = flags.find((one) => one.name === name);
  if (!flag) {
    const near = didYouMean(
      name,
      flags.filter((one) => !one.hidden).map((one) => one.name),
      '',
    );
    return `unknown flag: --${name}${near === '' ? '' : `; ${near.replace(/"(.*)"/, '--$1')}`}`;
  }
  if (equals !== -1) return set(flag, arg.slice(equals + 1));
  if (flag.kind === 'switch') return set(flag, 'true');
  const value = queue.shift();
  return value === undefined ? `flag needs an argument: --${name}` : set(flag, value);
}

function readShort(flags: readonly Flag[], arg: string, queue: string[], set: Setter): string | undefined {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg[at] ?? '';
    const flag = flags.find((one) => one.short === letter);
    if (!flag) return `unknown shorthand flag: '${letter}' in ${arg}`;
    const after = arg.slice(at + 1);
    if (flag.kind === 'switch' && !after.startsWith('=')) {
      const problem = set(flag, 'true');
      if (problem !== undefined) return problem;
      continue;
    }
    if (after !== '') return set(flag, after.replace(/^=/, ''));
    const value = queue.shift();
    return value === undefined ? `flag needs an argument: '${letter}' in ${arg}` : set(flag, value);
  }
  return undefined;
}
