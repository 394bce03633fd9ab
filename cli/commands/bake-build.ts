import path from 'node:path';
import type { Planned } from '../../planner/plan.ts';
import type { Call } from '../../planner/options/call.ts';
import { LOCAL_DELETE } from '../../planner/options/entitlement.ts';
import { goBool } from '../../planner/options/entries.ts';
import type { Result } from '../../planner/result.ts';
import type { TypedEntry } from '../../planner/target.ts';
import { fail, ok } from '../../planner/result.ts';
import type { BuildOutcome, BuiltTarget } from '../../runtime/build/build.ts';
import { runBuild } from '../../runtime/build/build.ts';
import type { BuildServices } from '../../runtime/build/target-context.ts';
import type { VertexWarning } from '../../runtime/event.ts';
import type { RuntimeFailure } from '../../runtime/failure.ts';
import type { EngineHandle } from '../../runtime/hosts/engine/discover.ts';
import type { CommandContext } from '../command.ts';
import { findBuilder } from '../builder.ts';
import { clearedElsewhere } from '../entitlements.ts';
import { metadataJson, metadataProblem, singleMetadataJson, writeMetadata } from '../metadata.ts';
import { showAnswers } from '../print/answers.ts';
import { canceled, complain } from '../print/complain.ts';
import { failureText } from '../print/failure.ts';
import type { LintLevel } from '../print/lint.ts';
import { pushesText } from '../print/pushes.ts';
import { reachesLevel } from '../print/lint.ts';
import { sourcePolicy } from '../source-policy.ts';
import { dockerProxies, withProxies } from '../proxies.ts';
import type { Write } from '../progress/progress.ts';
import { chooseProgress } from '../progress/choose.ts';
import { buildServices } from './build-services.ts';

/** What a command asks for beyond a plain build. */
export interface BuildSettings {
  /** How progress is shown, and where; absent: in the way of `--progress`, on stderr. */
  readonly mode?: string;
  readonly write?: Write;
  /** What `--call` or `--check` asks instead of a build; targets may ask by themselves as well. */
  readonly call?: Call | undefined;
  /** A build of one target that nobody gave a name: its metadata and answers stand alone. */
  readonly single?: {
    /** Called when it is built; gives the exit code. */
    readonly onBuilt: (built: readonly BuiltTarget[]) => Promise<number>;
  };
  /** What a context of `-` is read from. */
  readonly contextArchive?: AsyncIterable<Uint8Array> | undefined;
  /** The level from which on a lint of all Dockerfiles keeps the build from beginning; absent: no lint. */
  readonly lint?: LintLevel | undefined;
}

/**
 * Builds a plan on the engine at hand, or asks its frontends about it, shows it, and gives the exit code: 0 only if every
 * output exists and no answer says otherwise.
 */
export async function buildPlan(
  planned: Planned,
  context: CommandContext,
  settings: BuildSettings = {},
): Promise<number> {
  const { cwd, env, stderr } = context;
  const metadataFile = context.args.texts.get('metadata-file') || undefined;
  const problem = metadataFile === undefined ? undefined : await metadataProblem(path.resolve(cwd, metadataFile));
  if (problem !== undefined) {
    stderr.write(`ERROR: the metadata file ${JSON.stringify(metadataFile)} cannot be written: ${problem}\n`);
    return 1;
  }
  const single = settings.single !== undefined;
  const isAsked = single && !(context.args.lists.get('allow') ?? []).includes(LOCAL_DELETE);
  const cleared = isAsked ? planned.plan.targets.flatMap((target) => clearedElsewhere(target, cwd)) : [];
  if (cleared[0] !== undefined) {
    const why = `${cleared[0]} is not below the working directory`;
    return complain(context, `mode=delete removes other files, and ${why}; --allow=${LOCAL_DELETE} allows it`);
  }
  const toTerminal = planned.plan.targets.find(({ outputs }) => outputs.some(isStandardOutput));
  if (toTerminal !== undefined && context.stdout.isTTY) {
    const whose = single ? '' : `target ${toTerminal.name}: `;
    return complain(
      context,
      `${whose}an archive is not for a terminal; name a file with dest=FILE, or redirect the output`,
    );
  }
  const mode = settings.mode ?? context.args.texts.get('progress') ?? (env.BUILDKIT_PROGRESS || 'auto');
  const write = settings.write ?? ((text: string): void => void stderr.write(text));
  const known = await chooseProgress(mode, write);
  if (!known.ok) {
    stderr.write(`ERROR: ${known.failure}\n`);
    return 1;
  }
  const policy = await sourcePolicy(context);
  if (!policy.ok) return policy.failure;
  const engine = await findBuilder(context);
  if (!engine.ok) return failed(context, { planned, single }, [engine.failure]);
  await using open = new AsyncDisposableStack();
  const services = await buildServices(context, planned, { engine: engine.value, open });
  if (!services.ok) return services.failure;
  const { contextArchive } = settings;
  const given = {
    ...services.value,
    sourcePolicy: policy.value,
    ...(contextArchive === undefined ? {} : { contextArchive }),
  };
  const warnings = goBool(env.BUILDX_METADATA_WARNINGS ?? '') === true ? [] : undefined;
  const build: BuildRun = { engine: engine.value, services: given, mode, write, single, warnings };
  const proxies = await dockerProxies(env);
  if (settings.lint !== undefined) {
    const asked = planned.plan.targets.map((target) => ({ ...target, call: 'lint' }));
    const plan = { ...planned.plan, targets: asked };
    const linted = await run({ ...planned, plan: withProxies(plan, proxies) }, build, context);
    if (!linted.ok) return linted.failure;
    const found = showAnswers(plan, linted.value.built, { call: undefined, single });
    if (!found.ok) return complain(context, found.failure);
    stderr.write(`${found.value?.text ?? ''}\n`);
    if (reachesLevel(linted.value.built, settings.lint)) {
      stderr.write('ERROR: linting failed\n');
      return 1;
    }
  }
  const outcome = await run({ ...planned, plan: withProxies(planned.plan, proxies) }, build, context);
  if (!outcome.ok) return outcome.failure;
  const { built } = outcome.value;
  const code = (await settings.single?.onBuilt(built)) ?? 0;
  if (code !== 0) return code;
  if (!(await metadataWritten(metadataOf(built, build), context))) return 1;
  const answers = showAnswers(planned.plan, built, { call: settings.call, single });
  if (!answers.ok) return complain(context, answers.failure);
  if (answers.value !== undefined) context.print(answers.value.text);
  if (answers.value?.error !== undefined) return complain(context, answers.value.error);
  return answers.value?.exitCode ?? 0;
}

/** Archives go to standard output where they are told so, or where nothing else is said of a `tar` or `oci`. */
function isStandardOutput({ type, attrs }: TypedEntry): boolean {
  const { dest = type === 'docker' ? '' : '-', tar } = attrs;
  return ['tar', 'oci', 'docker'].includes(type) && dest === '-' && goBool(tar ?? '') !== false;
}

interface BuildRun {
  readonly engine: EngineHandle;
  readonly services: BuildServices;
  readonly mode: string;
  readonly write: Write;
  readonly single: boolean;
  /** Where the warnings of the build go that its metadata is to hold; undefined: it holds none. */
  readonly warnings: VertexWarning[] | undefined;
}

/** Runs a plan with its progress; fails with the exit code, the failure told by then. */
async function run(planned: Planned, build: BuildRun, context: CommandContext): Promise<Result<BuildOutcome, number>> {
  const { cwd, signal, stderr } = context;
  const { engine, services, mode, write, single, warnings } = build;
  const progress = await chooseProgress(mode, write);
  if (!progress.ok) {
    stderr.write(`ERROR: ${progress.failure}\n`);
    return fail(1);
  }
  const result = await runBuild({
    plan: planned.plan,
    builder: { endpoint: engine.endpoint, name: engine.name, driver: engine.driver },
    cwd,
    services,
    emit: (event) => {
      if (event.type === 'status') warnings?.push(...event.update.warnings);
      progress.value.onEvent(event);
    },
    signal,
  });
  progress.value.end();
  const failures = result.ok ? result.value.failures : result.failure;
  if (result.ok && failures.length === 0) return ok(result.value);
  if (result.ok && failures.every(({ reason }) => reason === 'push-failed' || reason === 'load-failed')) {
    // Everything is built, and some registries have it: that is not to be lost.
    stderr.write(pushesText(result.value.built));
    await metadataWritten(metadataOf(result.value.built, build), context);
  }
  return fail(failed(context, { planned, single }, failures));
}

function metadataOf(built: readonly BuiltTarget[], { engine, single, warnings = [] }: BuildRun): string {
  const about = { builder: engine.name, warnings };
  return single ? singleMetadataJson(built, about) : metadataJson(built, about);
}

async function metadataWritten(text: string, { args, cwd, stderr, signal }: CommandContext): Promise<boolean> {
  const file = args.texts.get('metadata-file') || undefined;
  if (file === undefined) return true;
  try {
    await writeMetadata(path.resolve(cwd, file), text, { signal });
    return true;
  } catch (error) {
    stderr.write(
      `ERROR: the metadata file ${file} cannot be written: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return false;
  }
}

/** Tells every failure once; a build that was ended by the user has only that to say. */
function failed(
  { stderr, signal }: CommandContext,
  { planned, single }: { readonly planned: Planned; readonly single: boolean },
  failures: readonly RuntimeFailure[],
): number {
  if (signal.aborted) {
    return canceled({ stderr });
  }
  const words = [...new Set(failures.map((failure) => failureText(failure, { origins: planned.origins, single })))];
  stderr.write(`${words.join('\n')}\n`);
  return exitCode(failures);
}

/** What docker buildx ends with where the builder itself failed or is exhausted (docker/buildx `cmd/buildx/main.go`). */
function exitCode(failures: readonly RuntimeFailure[]): number {
  const codes = failures.map((failure) => (failure.reason === 'solve-failed' ? failure.code : undefined));
  if (codes.includes('Internal')) return 100;
  return codes.includes('ResourceExhausted') ? 102 : 1;
}
