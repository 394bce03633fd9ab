import path from 'node:path';
import type { Planned } from '../../planner/plan.ts';
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
import { metadataJson, metadataProblem, writeMetadata } from '../metadata.ts';
import { failureText } from '../print/failure.ts';
import type { Progress, Write } from '../progress/progress.ts';
import { chooseProgress } from '../progress/choose.ts';

/** What another command than bake has of its own. */
export interface BuildSettings {
  /** How progress is shown, and where. */
  readonly mode: string;
  readonly write: Write;
}

/**
 * Builds a plan on the engine at hand, shows it, and gives the exit code: 0 only if every output exists. Progress goes to
 * stderr in the way of `--progress`, unless the settings say otherwise.
 */
export async function buildPlan(planned: Planned, context: CommandContext, settings?: BuildSettings): Promise<number> {
  const { env, stderr, signal } = context;
  const mode = settings?.mode ?? context.args.texts.get('progress') ?? (env.BUILDKIT_PROGRESS || 'auto');
  const progress = await chooseProgress(mode, settings?.write ?? ((text) => void stderr.write(text)));
  if (!progress.ok) {
    stderr.write(`ERROR: ${progress.failure}\n`);
    return 1;
  }
  const metadataFile = context.args.texts.get('metadata-file');
  const problem =
    metadataFile === undefined ? undefined : await metadataProblem(path.resolve(context.cwd, metadataFile));
  if (problem !== undefined) {
    stderr.write(`ERROR: the metadata file ${JSON.stringify(metadataFile)} cannot be written: ${problem}\n`);
    return 1;
  }
  const engine = await findEngine({ dataDir: dataDir(env), env, signal });
  if (!engine.ok) return failed(context, planned, [engine.failure]);
  const services = await buildServices(context, planned, engine.value);
  if (services === undefined) return 1;
  const result = await runBuild({
    plan: planned.plan,
    builder: { endpoint: engine.value.endpoint, name: engine.value.name, driver: engine.value.driver },
    cwd: context.cwd,
    services,
    emit: progress.value.onEvent,
    signal,
  });
  return finish(context, { planned, progress: progress.value, engine: engine.value, result });
}

async function finish(
  context: CommandContext,
  build: {
    readonly planned: Planned;
    readonly progress: Progress;
    readonly engine: EngineHandle;
    readonly result: Awaited<ReturnType<typeof runBuild>>;
  },
): Promise<number> {
  build.progress.end();
  if (!build.result.ok) return failed(context, build.planned, build.result.failure);
  const outcome: BuildOutcome = build.result.value;
  if (outcome.failures.length > 0) return failed(context, build.planned, outcome.failures);
  const file = context.args.texts.get('metadata-file');
  if (file === undefined) return 0;
  const target = path.resolve(context.cwd, file);
  try {
    await writeMetadata(target, metadataJson(outcome.built, build.engine.name));
    return 0;
  } catch (error) {
    context.stderr.write(
      `ERROR: the metadata file ${file} cannot be written: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return 1;
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
  planned: Planned,
  engine: EngineHandle,
): Promise<BuildServices | undefined> {
  const config = await dockerConfig(env, (warning) => void stderr.write(`WARNING: ${warning}\n`));
  if (!config.ok) {
    stderr.write(`ERROR: ${config.failure.file} cannot be used: ${config.failure.cause}\n`);
    return undefined;
  }
  const variables = new Map([...environmentMap(env), ...planned.variables]);
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
