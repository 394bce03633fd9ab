import { rm, truncate } from 'node:fs/promises';
import path from 'node:path';
import { asked, planBuild } from '../../planner/build/plan-build.ts';
import { parseCall } from '../../planner/options/call.ts';
import type { BuiltTarget } from '../../runtime/build/build.ts';
import type { Command, CommandContext } from '../command.ts';
import { environmentMap } from '../environment.ts';
import { fileSystem } from '../host.ts';
import { destination } from '../../runtime/load/destination.ts';
import { metadataProblem, writeMetadata } from '../metadata.ts';
import { complain } from '../print/complain.ts';
import { diagnosticsText } from '../print/diagnostic.ts';
import { lintLevel } from '../print/lint.ts';
import { BUILD_FLAGS, NOT_YET, OLD_FLAGS } from './build-flags.ts';
import type { BuildSources } from './build-sources.ts';

/** `depot build`: one image from a Dockerfile, with the flags of `docker buildx build`. */
export const build: Command = {
  name: 'build',
  summary: 'Build one image from a Dockerfile',
  usage: 'build [flags] PATH | URL | -',
  flags: BUILD_FLAGS,
  run: async (context) => {
    const { args, env, cwd, stderr } = context;
    const refused = refusal(context) ?? (await idFileProblem(context));
    if (refused !== undefined) return complain(context, refused);
    const [named = ''] = args.rest;
    const sources = await sourcesOf(named, context);
    if (typeof sources === 'number') return sources;
    const planned = planBuild({
      context: named,
      flags: args,
      environment: environmentMap(env),
      fs: fileSystem(cwd),
      dockerfile: sources.dockerfile,
      mayAsk: () => context.stdin.isTTY && stderr.isTTY,
    });
    if (!planned.ok) {
      stderr.write(diagnosticsText('ERROR', planned.failure));
      return 1;
    }
    const old = [...OLD_FLAGS].filter(([flag]) => isGiven(args, flag)).map(([, text]) => text);
    for (const text of old) stderr.write(`WARNING: ${text}\n`);
    if (planned.value.warnings.length > 0) stderr.write(diagnosticsText('WARNING', planned.value.warnings));
    const call = parseCall(asked(args));
    const lints = args.switches.get('lint') === true;
    const { buildPlan } = await import('./bake-build.ts');
    return buildPlan(planned.value, context, {
      ...(isQuiet(args) ? { mode: 'quiet' } : {}),
      call: call.ok ? call.value : undefined,
      lint: lints ? (lintLevel(args.texts.get('lint-fail-on') ?? '') ?? 'error') : undefined,
      single: { onBuilt: (built) => onBuilt(built, context) },
      contextArchive: sources.archive,
    });
  },
};

type Args = CommandContext['args'];

function isGiven({ texts, lists, switches }: Args, flag: string): boolean {
  return texts.has(flag) || lists.has(flag) || switches.get(flag) === true;
}

function isQuiet({ switches, texts }: Args): boolean {
  return switches.get('quiet') === true || texts.get('progress') === 'quiet';
}

function refusal({ args }: CommandContext): string | undefined {
  const { rest, texts } = args;
  if (rest.length !== 1) {
    const found = rest.length === 0 ? 'none is given' : `${rest.length} are given`;
    return `depot build takes one argument, the build context, and ${found}: depot build [flags] PATH | URL | -`;
  }
  const notYet = NOT_YET.find((flag) => isGiven(args, flag));
  if (notYet !== undefined) return `not supported yet: --${notYet}`;
  const call = parseCall(asked(args));
  if (!call.ok) return `--call: ${call.failure}`;
  const level = texts.get('lint-fail-on');
  if (level !== undefined && lintLevel(level) === undefined)
    return `invalid level ${JSON.stringify(level)} for --lint-fail-on; info, warn, error and none are known`;
  const progress = texts.get('progress') ?? 'auto';
  if (args.switches.get('quiet') === true && !['auto', 'quiet', 'none'].includes(progress))
    return `--progress=${progress} and --quiet cannot be used together`;
  return undefined;
}

/** Takes away what an earlier build left in the file, so that it never names another image. */
async function idFileProblem({ args, cwd }: CommandContext): Promise<string | undefined> {
  const file = args.texts.get('iidfile') || undefined;
  if (file === undefined) return undefined;
  const full = path.resolve(cwd, file);
  const problem = await metadataProblem(full);
  if (problem !== undefined) return `the image ID file ${JSON.stringify(file)} cannot be written: ${problem}`;
  const to = await destination(full);
  if (to.is === 'file') await rm(to.path, { force: true }).catch(() => truncate(to.path));
  return undefined;
}

/** What comes from stdin or from a URL, read as far as it must be; the exit code where that failed. */
async function sourcesOf(named: string, context: CommandContext): Promise<BuildSources | number> {
  const file = context.args.texts.get('file') ?? '';
  if (named !== '-' && file !== '-' && !/^https?:\/\//.test(file)) return {};
  const { readSources } = await import('./build-sources.ts');
  return readSources({ context: named, file }, context);
}

/** The image ID, where it was asked for (docker/buildx `commands/build.go`, `getImageID`). */
async function onBuilt([built]: readonly BuiltTarget[], context: CommandContext): Promise<number> {
  const { args, cwd, signal } = context;
  if (built === undefined || built.answer !== undefined) return 0;
  const id = built.response['containerimage.config.digest'] ?? built.response['containerimage.digest'] ?? '';
  if (isQuiet(args)) context.print(`${id}\n`);
  const file = args.texts.get('iidfile') || undefined;
  if (file === undefined) return 0;
  try {
    await writeMetadata(path.resolve(cwd, file), id, { signal });
    return 0;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return complain(context, `the image ID file ${JSON.stringify(file)} cannot be written: ${cause}`);
  }
}
