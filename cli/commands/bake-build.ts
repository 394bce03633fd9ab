import path from 'node:path';
import type { Planned } from '../../planner/plan.ts';
import type { Call } from '../../planner/options/call.ts';
import type { BuildOutcome } from '../../runtime/build/build.ts';
import { runBuild } from '../../runtime/build/build.ts';
import type { BuildServices } from '../../runtime/build/target-build.ts';
import { CredentialStore } from '../../runtime/docker/credentials.ts';
import type { RuntimeFailure } from '../../runtime/failure.ts';
import type { EngineHandle } from '../../runtime/hosts/engine/discover.ts';
import { findEngine } from '../../runtime/hosts/engine/discover.ts';
import type { CommandContext } from '../command.ts';
import { dataDir, dockerConfig, nodeId } from '../config.ts';
import { environmentMap } from '../environment.ts';
import { metadataJson, writeMetadata } from '../metadata.ts';
import { showAnswers } from '../print/answers.ts';
import { failureText } from '../print/failure.ts';
import type { LintLevel } from '../print/lint.ts';
import { reachesLevel } from '../print/lint.ts';
import { chooseProgress } from '../progress/choose.ts';

/** What is to be done with a plan. */
export interface BuildRequest {
  readonly planned: Planned;
  /** What `--call` or `--check` asks instead of a build; targets may ask by themselves as well. */
  readonly call: Call | undefined;
  /** The level from which on a lint of all Dockerfiles keeps the build from beginning; undefined: no lint. */
  readonly lint: LintLevel | undefined;
}

/**
 * Builds a plan on the engine at hand, or asks its frontends about it, shows it, and gives the exit code: 0 only if every
 * output exists and no answer says otherwise.
 */
export async function buildPlan(request: BuildRequest, context: CommandContext): Promise<number> {
  const { env, stderr, signal } = context;
  const { planned } = request;
  const engine = await findEngine({ dataDir: dataDir(env), env, signal });
  if (!engine.ok) return failed(context, planned, [engine.failure]);
  const services = await buildServices(context, engine.value);
  if (services === undefined) return 1;
  const build = { planned, engine: engine.value, services };
  if (request.lint !== undefined) {
    const asked = planned.plan.targets.map((target) => ({ ...target, call: 'lint' }));
    const plan = { ...planned.plan, targets: asked };
    const linted = await run({ ...build, planned: { ...planned, plan } }, context);
    if (linted === undefined) return 1;
    const answers = showAnswers(plan, linted.built, { call: undefined, cwd: context.cwd });
    stderr.write(`${answers?.text ?? ''}\n`);
    if (reachesLevel(linted.built, request.lint)) {
      stderr.write('ERROR: linting failed\n');
      return 1;
    }
  }
  const outcome = await run(build, context);
  if (outcome === undefined) return signal.aborted ? 130 : 1;
  if (!(await metadataWritten(outcome, engine.value, context))) return 1;
  const answers = showAnswers(planned.plan, outcome.built, { call: request.call, cwd: context.cwd });
  if (answers !== undefined) context.print(answers.text);
  return answers?.exitCode ?? 0;
}

interface BuildRun {
  readonly planned: Planned;
  readonly engine: EngineHandle;
  readonly services: BuildServices;
}

/** Runs a plan with its progress; undefined when it failed, which is told by then. */
async function run(
  { planned, engine, services }: BuildRun,
  context: CommandContext,
): Promise<BuildOutcome | undefined> {
  const { env, stderr, signal } = context;
  const mode = context.args.texts.get('progress') ?? (env.BUILDKIT_PROGRESS || 'auto');
  const progress = await chooseProgress(mode, (text) => void stderr.write(text));
  if (!progress.ok) {
    stderr.write(`ERROR: ${progress.failure}\n`);
    return undefined;
  }
  const result = await runBuild({
    plan: planned.plan,
    builder: { endpoint: engine.endpoint, name: engine.name, driver: engine.driver },
    cwd: context.cwd,
    services,
    emit: progress.value.onEvent,
    signal,
  });
  progress.value.end();
  const failures = result.ok ? result.value.failures : result.failure;
  if (result.ok && failures.length === 0) return result.value;
  failed(context, planned, failures);
  return undefined;
}

async function metadataWritten(
  outcome: BuildOutcome,
  engine: EngineHandle,
  { args, cwd, stderr }: CommandContext,
): Promise<boolean> {
  const file = args.texts.get('metadata-file');
  if (file === undefined) return true;
  try {
    await writeMetadata(path.resolve(cwd, file), metadataJson(outcome.built, engine.name));
    return true;
  } catch (error) {
    stderr.write(
      `ERROR: the metadata file ${file} cannot be written: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return false;
  }
}

/** Tells every failure once; a build that was ended by the user has only that to say. */
function failed({ stderr, signal }: CommandContext, planned: Planned, failures: readonly RuntimeFailure[]): number {
  if (signal.aborted) {
    stderr.write('ERROR: canceled\n');
    return 130;
  }
  const words = [...new Set(failures.map((failure) => failureText(failure, planned.origins)))];
  stderr.write(`${words.join('\n')}\n`);
  return 1;
}

async function buildServices(
  { env, stdout, stderr }: CommandContext,
  engine: EngineHandle,
): Promise<BuildServices | undefined> {
  const config = await dockerConfig(env);
  if (!config.ok) {
    stderr.write(`ERROR: ${config.failure.file} cannot be used: ${config.failure.cause}\n`);
    return undefined;
  }
  const variables = environmentMap(env);
  const { docker } = engine;
  return {
    credentials: new CredentialStore(config.value, variables),
    env: variables,
    nodeId: await nodeId(dataDir(env)),
    defaultProvenance: !['1', 't', 'T', 'true', 'TRUE', 'True'].includes(env.BUILDX_NO_DEFAULT_ATTESTATIONS ?? ''),
    stdout,
    ...(docker === undefined
      ? {}
      : {
          loadArchive: async (chunks, { signal }) => {
            const { DockerEngine } = await import('../../runtime/docker/engine.ts');
            using api = new DockerEngine(docker);
            for await (const _line of api.loadImages(chunks, { signal })) continue;
          },
        }),
  };
}
