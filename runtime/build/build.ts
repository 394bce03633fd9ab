import path from 'node:path';
import { linkedTargets } from '../../planner/graph.ts';
import { calledMethod } from '../../planner/options/call.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import { isRemoteUrl } from '../../planner/options/url.ts';
import type { Plan, Target } from '../../planner/target.ts';
import { BuildkitClient } from '../buildkit/client.ts';
import type { DaemonFacts } from '../buildkit/daemon.ts';
import { daemonFacts } from '../buildkit/daemon.ts';
import { isDocker } from '../buildkit/dial.ts';
import type { Endpoint } from '../buildkit/endpoint.ts';
import { wireError } from '../buildkit/error.ts';
import type { PlannedExport } from '../buildkit/exporters.ts';
import { plannedExports } from '../buildkit/exporters.ts';
import { lacking, releaseText } from '../buildkit/features.ts';
import { neededFeatures } from '../buildkit/needs.ts';
import type { EventSink, TargetOutcome } from '../event.ts';
import type { RuntimeFailure } from '../failure.ts';
import { badCaches, badExports } from './destinations.ts';
import { unreachableBuilder, withLossesJoined } from './failures.ts';
import type { GitInfo } from './git-info.ts';
import { gitInfos, gitSettings } from './git-info.ts';
import { Links } from './links.ts';
import type { PreparedTarget } from './prepare.ts';
import { prepareTarget } from './prepare.ts';
import type { SshPlace } from './ssh-agents.ts';
import type { PushResult } from './pushing.ts';
import { buildTarget } from './target-build.ts';
import type { BuildServices } from './target-context.ts';

/** Where a build runs. */
export interface Builder {
  readonly endpoint: Endpoint;
  /** As the user knows it (`default`, `sandbox`). */
  readonly name: string;
  /** What kind of builder it is (`docker`, `remote`). */
  readonly driver: string;
}

/** Everything one build is given. */
export interface BuildOptions {
  readonly plan: Plan;
  readonly builder: Builder;
  /** Absolute; relative paths of targets start here. */
  readonly cwd: string;
  readonly services: BuildServices;
  readonly emit: EventSink;
  readonly signal: AbortSignal;
}

/** How one target ended well. */
export interface BuiltTarget {
  readonly name: string;
  /** The daemon's id of the build. */
  readonly ref: string;
  /** What the exporters answered (`containerimage.digest`, `image.name`...; moby/buildkit `exporter/containerimage`). */
  readonly response: Readonly<Record<string, string>>;
  /** What came of each name, where the image went to several registries. */
  readonly pushes: readonly PushResult[];
  /** Pushes and loads that failed; all other outputs are there. */
  readonly failures: readonly RuntimeFailure[];
  /** What the frontend answered, where the target was not built but asked about (`result.json`, `result.statuscode`...). */
  readonly answer?: Readonly<Record<string, string>>;
}

/** How a build of several targets ended: what is done stays done, whatever else failed. */
export interface BuildOutcome {
  readonly built: readonly BuiltTarget[];
  readonly failures: readonly RuntimeFailure[];
}

/**
 * Builds every target of a plan on one builder: all at once, linked ones as their links allow. A target that fails keeps
 * only those from being built that link to it. Fails as a whole, before anything is built, when an input is missing,
 * something is asked for that cannot be done, or the builder cannot be reached.
 */
export async function runBuild(options: BuildOptions): Promise<Result<BuildOutcome, readonly RuntimeFailure[]>> {
  const { plan, builder, cwd, emit, signal } = options;
  const { env, askPassphrase } = options.services;
  await using scope = new AsyncDisposableStack();
  const prepared = await prepareAll(plan, { cwd, env, ask: askPassphrase, signal }, scope);
  if (!prepared.ok) return prepared;

  using client = new BuildkitClient(builder.endpoint);
  const insideDocker = isDocker(builder.endpoint);
  const [facts, repositories] = await Promise.all([
    daemonFacts(client, { insideDocker, signal }).catch((error: unknown) => error),
    repositoriesOf(prepared.value, { cwd, env, signal }),
  ]);
  if (!isFacts(facts)) {
    return fail([signal.aborted ? { reason: 'canceled' } : unreachableBuilder(builder.endpoint, facts)]);
  }
  const ready = await withExports(prepared.value, { facts, cwd });
  if (!ready.ok) return ready;
  const tooOld = await tooOldFor(ready.value, { client, facts, signal }).catch((error: unknown) => {
    if (wireError(error) === undefined && !signal.aborted) throw error;
    return [signal.aborted ? ({ reason: 'canceled' } as const) : unreachableBuilder(builder.endpoint, error)];
  });
  if (tooOld.length > 0) return fail(tooOld);

  emit({ type: 'builder-ready', name: builder.name, driver: builder.driver, version: facts.version });
  emit({
    type: 'build-started',
    targets: plan.targets.map(({ name, platforms }) => ({ name, platforms })),
  });
  const links = new Links(new Map(plan.targets.map((target) => [target.name, linkedTargets(target)])));
  const results = await Promise.all(
    ready.value.map(async ({ one, exports }) => {
      emit({ type: 'target-started', target: one.target.name });
      const result = await buildTarget(one, {
        client,
        facts,
        links,
        exports,
        remote: plan.remote,
        repository: repositories.get(contextFolder(one.target, cwd) ?? ''),
        ...options,
      });
      emit({ type: 'target-finished', target: one.target.name, outcome: outcomeOf(result) });
      return result;
    }),
  );
  emit({ type: 'build-finished' });
  return ok({
    built: results.flatMap((result) => (result.is === 'built' ? [result.built] : [])),
    failures: withLossesJoined(results.flatMap(failuresOf)),
  });
}

/** The repositories that contexts lie in, by the contexts' folders; many targets share one. */
async function repositoriesOf(
  prepared: readonly PreparedTarget[],
  { cwd, env, signal }: Pick<BuildOptions, 'cwd' | 'signal'> & Pick<BuildServices, 'env'>,
): Promise<ReadonlyMap<string, GitInfo>> {
  const { info, labels, checkDirty } = gitSettings(env);
  const folders = new Set(prepared.flatMap(({ target }) => contextFolder(target, cwd) ?? []));
  if (!info && !labels) return new Map();
  return gitInfos(folders, { checkDirty, signal });
}

/** The folder of a local context; undefined where the context comes from elsewhere. */
function contextFolder(target: Target, cwd: string): string | undefined {
  const isLocal = target.contextIsRemote !== true && target.context !== '-' && !isRemoteUrl(target.context);
  return isLocal ? path.resolve(cwd, target.context) : undefined;
}

function isFacts(value: unknown): value is DaemonFacts {
  return typeof value === 'object' && value !== null && 'native' in value;
}

async function prepareAll(
  { targets, remote }: Plan,
  where: Omit<SshPlace, 'known'>,
  scope: AsyncDisposableStack,
): Promise<Result<readonly PreparedTarget[], readonly RuntimeFailure[]>> {
  const place = { ...where, known: new Map(), remote };
  const settled = await Promise.allSettled(targets.map((target) => prepareTarget(target, place)));
  for (const one of settled) if (one.status === 'fulfilled' && one.value.ok) scope.use(one.value.value);
  const all = settled.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  const prepared = all.flatMap((one) => (one.ok ? [one.value] : []));
  const failures = all.flatMap((one) => (one.ok ? [] : [one.failure]));
  return failures.length > 0 ? fail(failures) : ok(prepared);
}

interface ReadyTarget {
  readonly one: PreparedTarget;
  readonly exports: readonly PlannedExport[];
}

async function withExports(
  prepared: readonly PreparedTarget[],
  { facts, cwd }: { readonly facts: DaemonFacts; readonly cwd: string },
): Promise<Result<readonly ReadyTarget[], readonly RuntimeFailure[]>> {
  const ready: ReadyTarget[] = [];
  const refused: RuntimeFailure[] = [];
  for (const one of prepared) {
    const isAsked = calledMethod(one.target.call) !== undefined;
    const exports = isAsked ? ok([]) : plannedExports(one.target, facts);
    if (exports.ok) {
      ready.push({ one, exports: exports.value });
      refused.push(...(await badExports(one.target.name, exports.value, cwd)));
      if (!isAsked) refused.push(...(await badCaches(one.target, cwd)));
    } else refused.push(exports.failure);
  }
  return refused.length > 0 ? fail(refused) : ok(ready);
}

/** What the builder is too old for; it is asked only where something newer than the oldest builder is wanted. */
async function tooOldFor(
  ready: readonly ReadyTarget[],
  {
    client,
    facts,
    signal,
  }: { readonly client: BuildkitClient; readonly facts: DaemonFacts; readonly signal: AbortSignal },
): Promise<readonly RuntimeFailure[]> {
  const needed = ready.flatMap(({ one: { target }, exports }) =>
    neededFeatures(target, exports).map((feature) => ({ ...feature, target: target.name })),
  );
  const lacked = await lacking(client, needed, { version: facts.version, signal });
  return lacked.map(({ what, since, target }) => ({
    reason: 'unsupported',
    what: `${what} on this builder (target "${target}")`,
    hint: `${releaseText(since)} is needed${facts.version === '' ? '' : `; this one calls itself ${facts.version}`}`,
  }));
}

/** Why a target failed, or which of its outputs are missing. */
function failuresOf(result: Awaited<ReturnType<typeof buildTarget>>): readonly RuntimeFailure[] {
  if (result.is === 'built') return result.built.failures;
  return result.is === 'failed' ? [result.failure] : [];
}

function outcomeOf(result: Awaited<ReturnType<typeof buildTarget>>): TargetOutcome {
  switch (result.is) {
    case 'built': {
      if (result.built.failures.length > 0) return { is: 'failed' };
      const digest = result.built.response['containerimage.digest'];
      return { is: 'done', ...(digest === undefined ? {} : { digest }) };
    }
    case 'skipped':
      return { is: 'skipped', because: result.because };
    case 'failed':
      return { is: result.failure.reason === 'canceled' ? 'canceled' : 'failed' };
  }
}
