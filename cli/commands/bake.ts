import path from 'node:path';
import { printPlan } from '../../planner/bake/print.ts';
import type { BakeFlags } from '../../planner/bake/flag-overrides.ts';
import { bakeWords } from '../../planner/bake/remote.ts';
import type { Planned } from '../../planner/plan.ts';
import type { DefinitionInput } from '../../planner/bake/read.ts';
import { parseCall } from '../../planner/options/call.ts';
import type { Diagnostic } from '../../planner/diagnostic.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import { planBake } from '../../planner/plan.ts';
import type { Command, CommandContext } from '../command.ts';
import { allowProblem, doFilesCount, missingEntitlements } from '../entitlements.ts';
import { decodeText, fileSystem } from '../host.ts';
import { environmentMap, secretVariables } from '../environment.ts';
import type { LintLevel } from '../print/lint.ts';
import { lintLevel } from '../print/lint.ts';
import { diagnosticsText } from '../print/diagnostic.ts';
import { canceled, complain, INTERRUPTED } from '../print/complain.ts';
import { printableLine } from '../print/text.ts';
import { BAKE_FLAGS, NOT_YET } from './bake-flags.ts';

/** `depot bake`: builds, prints or lists the targets of bake and Compose files, as `docker buildx bake` does. */
export const bake: Command = {
  name: 'bake',
  summary: 'Build the targets of a bake file',
  usage: 'bake [flags] [URL [URL]] [TARGET...]',
  flags: BAKE_FLAGS,
  run: async (context) => {
    const refused = refusal(context);
    if (refused !== undefined) return complain(context, refused);
    const listed = listAsked(context);
    if (listed !== undefined) return showList(context, listed);
    const planned = await plan(context);
    if (planned === undefined) return context.signal.aborted ? INTERRUPTED : 1;
    if (context.args.switches.get('print') === true) {
      context.print(printPlan(planned.plan));
      return 0;
    }
    const denied = await entitlementsDenied(context, planned);
    if (denied !== undefined) return denied;
    const { buildPlan } = await import('./bake-build.ts');
    const call = parseCall(callAsked(context));
    return buildPlan(planned, context, { call: call.ok ? call.value : undefined, lint: lintAsked(context) });
  },
};

function refusal({ args, cwd }: CommandContext): string | undefined {
  const asked = NOT_YET.find(
    (name) => args.texts.has(name) || args.lists.has(name) || args.switches.get(name) === true,
  );
  if (asked !== undefined) return `not supported yet: --${asked}`;
  const call = parseCall(callAsked({ args }));
  if (!call.ok) return `--call: ${call.failure}`;
  const level = args.texts.get('lint-fail-on');
  if (level !== undefined && lintLevel(level) === undefined)
    return `invalid level ${JSON.stringify(level)} for --lint-fail-on; info, warn, error and none are known`;
  const bad = (args.lists.get('var') ?? []).find((one) => !one.includes('='));
  if (bad !== undefined) return `invalid variable ${JSON.stringify(bad)}, expected key=value`;
  return allowProblem(args.lists.get('allow') ?? [], cwd);
}

function listAsked(context: CommandContext): string | undefined {
  const { args } = context;
  for (const type of ['targets', 'variables']) {
    if (args.switches.get(`list-${type}`) !== true) continue;
    context.stderr.write(`Flag --list-${type} has been deprecated, use --list=${type} instead\n`);
    return type;
  }
  return args.texts.get('list');
}

async function showList(context: CommandContext, asked: string): Promise<number> {
  if (context.args.switches.get('print') === true)
    return complain(context, '--print and --list are mutually exclusive');
  const { listRequest, targetList, variableList } = await import('../print/list.ts');
  const request = listRequest(asked);
  if (!request.ok) return complain(context, request.failure);
  const { listDefinition } = await import('../../planner/bake/list.ts');
  const input = await definitionInput(context);
  if (input === undefined) return context.signal.aborted ? INTERRUPTED : 1;
  const list = await listDefinition(input);
  if (!list.ok) return mistakes(context, list.failure);
  const { type, format } = request.value;
  const { targets, variables } = list.value;
  context.print(type === 'targets' ? targetList(targets, format) : variableList(variables, format));
  return 0;
}

/** What the definition depends on, a remote one fetched; undefined when that failed, which is told by then. */
async function definitionInput(context: CommandContext): Promise<DefinitionInput | undefined> {
  const { args, cwd, env } = context;
  const { url, commandContext } = bakeWords(args.rest);
  const remote = url === undefined ? undefined : await (await import('./bake-remote.ts')).readRemote(url, context);
  if (url !== undefined && remote === undefined) return undefined;
  const files = args.lists.get('file') ?? [];
  const stdin = files.includes('-') && url === undefined ? await stdinText(context) : undefined;
  if (stdin !== undefined && !stdin.ok) return undefined;
  const vars = (args.lists.get('var') ?? []).map((one) => {
    const equals = one.indexOf('=');
    return [one.slice(0, equals), one.slice(equals + 1)] as const;
  });
  return {
    files,
    variables: environmentMap(env),
    vars: new Map(vars),
    fs: fileSystem(cwd),
    remote,
    commandContext,
    ...(stdin === undefined ? {} : { stdin: stdin.value }),
    now: new Date(),
    homeDir: env.HOME ?? '/',
    localPlatform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}

async function plan(context: CommandContext): Promise<Planned | undefined> {
  const { args } = context;
  const input = await definitionInput(context);
  if (input === undefined) return undefined;
  const isPrinted = args.switches.get('print') === true;
  const result = await planBake({
    ...input,
    targets: bakeWords(args.rest).targets,
    overrides: args.lists.get('set') ?? [],
    flags: flagsOf(context),
    // What is only printed is printed as on any machine.
    ...(isPrinted ? {} : { mayAsk: () => context.stdin.isTTY && context.stderr.isTTY }),
    isPrinted,
  });
  if (result.ok) {
    const { warnings } = result.value;
    if (warnings.length > 0) context.stderr.write(diagnosticsText('WARNING', warnings));
    return result.value;
  }
  mistakes(context, result.failure);
  return undefined;
}

function mistakes({ stderr }: CommandContext, found: readonly Diagnostic[]): number {
  stderr.write(diagnosticsText('ERROR', found));
  if (found.length > 1) stderr.write(`${found.length} mistakes\n`);
  return 1;
}

function flagsOf({ args }: CommandContext): BakeFlags {
  const { switches, texts } = args;
  const call = callAsked({ args });
  return {
    ...given('push', switches.get('push')),
    ...given('load', switches.get('load')),
    ...given('pull', switches.get('pull')),
    ...given('noCache', switches.get('no-cache')),
    ...given('provenance', texts.get('provenance')),
    ...given('sbom', texts.get('sbom')),
    ...given('call', call === '' ? undefined : call),
  };
}

function callAsked({ args }: Pick<CommandContext, 'args'>): string {
  return args.switches.get('check') === true ? 'check' : (args.texts.get('call') ?? '');
}

/** As Depot does, `--lint` looks at the Dockerfiles first and builds then, unless a finding is an error. */
function lintAsked({ args }: CommandContext): LintLevel | undefined {
  return args.switches.get('lint') === true ? (lintLevel(args.texts.get('lint-fail-on') ?? '') ?? 'error') : undefined;
}

/** What stands on standard input; fails with the exit code when the user ended the waiting. */
async function stdinText(context: CommandContext): Promise<Result<string, number>> {
  const { readAll } = await import('../stdin.ts');
  const bytes = await readAll(context);
  if (bytes === undefined) return fail(canceled(context));
  try {
    return ok(decodeText(bytes));
  } catch {
    return ok(bytes.toString());
  }
}

function given<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V });
}

/**
 * Asks, or refuses with the flags that would allow it (buildx `bake/entitlements.go`). Gives the exit code of a refusal;
 * undefined where the build may begin.
 */
async function entitlementsDenied(context: CommandContext, planned: Planned): Promise<number | undefined> {
  const { args, cwd, env, stderr, stdin } = context;
  const filesCount = doFilesCount(env, bakeWords(args.rest).url !== undefined);
  if (!filesCount.ok) return complain(context, filesCount.failure);
  const missing = missingEntitlements(planned.plan, {
    allow: args.lists.get('allow') ?? [],
    cwd: path.resolve(cwd),
    filesCount: filesCount.value,
    variables: secretVariables(env, planned),
  });
  if (missing.length === 0) return undefined;
  stderr.write('Your build is requesting privileges for following possibly insecure capabilities:\n\n');
  for (const { what } of missing) stderr.write(` - ${printableLine(what)}\n`);
  const flags = missing.map(({ flag }) => printableLine(JSON.stringify(flag)));
  stderr.write(`\nPass ${flags.join(' ')} to grant requested privileges.\n`);
  if (stdin.isTTY && stderr.isTTY) {
    const { ask } = await import('../stdin.ts');
    const question = '\nDo you want to grant requested privileges and continue? [y/N] ';
    const answer = await ask(question, { stdin, signal: context.signal, write: (text) => void stderr.write(text) });
    if (context.signal.aborted) return canceled(context);
    if (answer?.trim().toLowerCase() === 'y') return undefined;
  }
  return complain(context, 'additional privileges requested');
}
