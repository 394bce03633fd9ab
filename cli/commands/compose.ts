import type { Result } from '../../planner/result.ts';
import type { Command, CommandContext } from '../command.ts';
import type { ParsedArgs } from '../flags.ts';
import { COMMON_FLAGS, parseFlags } from '../flags.ts';
import { commandHelp } from '../help.ts';
import { complain } from '../print/complain.ts';
import { COMPOSE_BUILD_FLAGS, COMPOSE_FLAGS } from './compose-flags.ts';

/**
 * `docker compose`, of which building is ours. Its arguments come unread, since all its other words are handed over as
 * they are.
 */
export const compose: Command = {
  name: 'compose',
  summary: 'Build the services of Compose files; everything else is docker compose',
  usage: 'compose [flags] build [flags] [SERVICE...]',
  flags: COMPOSE_FLAGS,
  readsOwnArguments: true,
  run: async (context) => {
    const all = context.args.rest;
    const globals = parseFlags([...COMPOSE_FLAGS, ...COMMON_FLAGS], all, { upToFirstArgument: true });
    const [word, ...rest] = globals.ok ? globals.value.rest : [];
    if (globals.ok && word === undefined && (all.length === 0 || globals.value.switches.get('help') === true)) {
      context.print(commandHelp(compose));
      return 0;
    }
    if (!globals.ok && mentionsBuild(all)) return misused(context, globals.failure);
    if (!globals.ok || (word !== 'build' && word !== 'up')) return handOver(context, all);
    return word === 'build' ? runBuild(context, globals.value, { rest }) : runUp(context, globals.value, rest);
  },
};

function misused(context: CommandContext, message: string): number {
  const code = complain(context, message);
  context.stderr.write("See 'depot compose --help'.\n");
  return code;
}

/** With a flag that we do not know, nothing tells for certain what the word is. */
function mentionsBuild(args: readonly string[]): boolean {
  return args.includes('build');
}

async function runBuild(
  context: CommandContext,
  globals: ParsedArgs,
  { rest, read }: { readonly rest: readonly string[]; readonly read?: Result<Uint8Array | undefined, number> },
): Promise<number> {
  const parsed = parseFlags([...COMPOSE_BUILD_FLAGS, ...COMMON_FLAGS], rest);
  if (!parsed.ok) return misused(context, parsed.failure);
  if (parsed.value.switches.get('help') === true) {
    const page = { ...compose, summary: 'Build the services of Compose files', flags: COMPOSE_BUILD_FLAGS };
    context.print(commandHelp(page));
    return 0;
  }
  const { composeBuild, readStdin } = await import('./compose-build.ts');
  const stdin = read ?? (await readStdin(context, globals));
  return stdin.ok ? composeBuild(context, { globals, args: parsed.value, stdin: stdin.value }) : stdin.failure;
}

/** `up --build` builds here first, when nothing tells against the rest; what is started then finds its images. */
async function runUp(context: CommandContext, globals: ParsedArgs, rest: readonly string[]): Promise<number> {
  const { asksToBuild, buildArguments, readUp } = await import('./compose-up.ts');
  if (!asksToBuild(rest)) return handOver(context, context.args.rest);
  const up = readUp(rest);
  if (!up.ok) return misused(context, up.failure);
  if (up.value === undefined || globals.switches.get('dry-run') === true) return handOver(context, context.args.rest);
  const { findCompose, runCompose } = await import('./docker-compose.ts');
  const program = await findCompose(context);
  if (!program.ok) return missing(context, program.failure);
  const { readStdin } = await import('./compose-build.ts');
  const read = await readStdin(context, globals);
  if (!read.ok) return read.failure;
  const code = await runBuild(context, globals, { rest: buildArguments(up.value), read });
  if (code !== 0) return code;
  const before = context.args.rest.slice(0, context.args.rest.length - rest.length);
  return runCompose(program.value, [...before, ...up.value.withoutBuild], { context, stdin: read.value });
}

async function handOver(context: CommandContext, args: readonly string[]): Promise<number> {
  const { findCompose, runCompose } = await import('./docker-compose.ts');
  const program = await findCompose(context);
  return program.ok ? runCompose(program.value, args, { context }) : missing(context, program.failure);
}

function missing(context: CommandContext, what: string): number {
  return complain(context, `depot compose builds; everything else is docker compose, and ${what}`);
}
