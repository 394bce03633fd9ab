import path from 'node:path';
import { text } from 'node:stream/consumers';
import { printPlan } from '../../planner/bake/print.ts';
import type { BakeFlags, Planned } from '../../planner/plan.ts';
import { planBake } from '../../planner/plan.ts';
import type { Command, CommandContext } from '../command.ts';
import { allowProblem, missingEntitlements } from '../entitlements.ts';
import { fileSystem } from '../host.ts';
import { environmentMap } from '../environment.ts';
import { diagnosticText } from '../print/diagnostic.ts';
import { printable } from '../print/text.ts';
import { BAKE_FLAGS, NOT_YET, NOT_YET_BUT_PRINTED } from './bake-flags.ts';

export const bake: Command = {
  name: 'bake',
  summary: 'Build the targets of a bake file',
  usage: 'bake [flags] [TARGET...]',
  flags: BAKE_FLAGS,
  run: async (context) => {
    const refused = refusal(context);
    if (refused !== undefined) return complain(context, refused);
    const planned = await plan(context);
    if (planned === undefined) return 1;
    if (context.args.switches.get('print') === true) {
      context.stdout.write(printPlan(planned.plan));
      return 0;
    }
    const denied = await entitlementsDenied(context, planned);
    if (denied) return 1;
    const { buildPlan } = await import('./bake-build.ts');
    return buildPlan(planned, context);
  },
};

function complain({ stderr }: CommandContext, message: string): number {
  stderr.write(`ERROR: ${message}\n`);
  return 1;
}

function refusal({ args, cwd }: CommandContext): string | undefined {
  const printed = args.switches.get('print') === true;
  const asked = NOT_YET.find(
    (name) => args.texts.has(name) || args.lists.has(name) || args.switches.get(name) === true,
  );
  if (asked !== undefined && !(printed && NOT_YET_BUT_PRINTED.includes(asked))) return `not supported yet: --${asked}`;
  const bad = (args.lists.get('var') ?? []).find((one) => !one.includes('='));
  if (bad !== undefined) return `invalid variable ${JSON.stringify(bad)}, expected key=value`;
  return allowProblem(args.lists.get('allow') ?? [], cwd);
}

async function plan(context: CommandContext): Promise<Planned | undefined> {
  const { args, cwd, env } = context;
  const files = args.lists.get('file') ?? [];
  const variables = new Map(environmentMap(env));
  for (const one of args.lists.get('var') ?? [])
    variables.set(one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1));
  const result = await planBake({
    files,
    targets: args.rest,
    overrides: args.lists.get('set') ?? [],
    variables,
    fs: fileSystem(cwd),
    ...(files.includes('-') ? { stdin: await text(context.stdin) } : {}),
    now: new Date(),
    homeDir: env.HOME ?? '/',
    localPlatform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    flags: flagsOf(context),
    isPrinted: args.switches.get('print') === true,
  });
  if (result.ok) {
    for (const warning of result.value.warnings ?? []) context.stderr.write(`WARNING: ${printable(warning)}\n`);
    return result.value;
  }
  const words = result.failure.map(diagnosticText);
  const count = words.length > 1 ? `\n${words.length} mistakes` : '';
  context.stderr.write(`${words.map((one) => `ERROR: ${one}`).join('\n')}${count}\n`);
  return undefined;
}

function flagsOf({ args }: CommandContext): BakeFlags {
  const { switches, texts } = args;
  const call = switches.get('check') === true ? 'check' : texts.get('call');
  return {
    ...given('push', switches.get('push')),
    ...given('load', switches.get('load')),
    ...given('pull', switches.get('pull')),
    ...given('noCache', switches.get('no-cache')),
    ...given('provenance', texts.get('provenance')),
    ...given('sbom', texts.get('sbom')),
    ...given('call', call),
  };
}

function given<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V });
}

/** Asks, or refuses with the flags that would allow it (buildx `bake/entitlements.go`). */
async function entitlementsDenied(context: CommandContext, { plan: made }: Planned): Promise<boolean> {
  const { args, cwd, env, stderr, stdin } = context;
  const missing = missingEntitlements(made, {
    allow: args.lists.get('allow') ?? [],
    cwd: path.resolve(cwd),
    filesCount: env.BUILDX_BAKE_ENTITLEMENTS_FS !== '0' && env.BUILDX_BAKE_ENTITLEMENTS_FS !== 'false',
  });
  if (missing.length === 0) return false;
  stderr.write('Your build is requesting privileges for following possibly insecure capabilities:\n\n');
  for (const { what } of missing) stderr.write(` - ${what}\n`);
  stderr.write(`\nPass ${missing.map(({ flag }) => JSON.stringify(flag)).join(' ')} to grant requested privileges.\n`);
  if (stdin.isTTY && stderr.isTTY) {
    const { createInterface } = await import('node:readline/promises');
    const prompt = createInterface({ input: stdin, output: stderr });
    const answer = await prompt
      .question('\nDo you want to grant requested privileges and continue? [y/N] ', { signal: context.signal })
      .catch(() => 'n');
    prompt.close();
    if (answer.trim().toLowerCase() === 'y') return false;
  }
  stderr.write('ERROR: additional privileges requested\n');
  return true;
}
