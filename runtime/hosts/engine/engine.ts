import { rm } from 'node:fs/promises';
import type { Result } from '../../../planner/result.ts';
import { fail, ok } from '../../../planner/result.ts';
import type { RuntimeFailure } from '../../failure.ts';
import { FailureError } from '../../failure.ts';
import { startBuildkitd, stopBuildkitd } from './buildkitd.ts';
import { requireDataFolder } from './data-folder.ts';
import type { DiscoverOptions, EngineHandle } from './discover.ts';
import { findEngine, namedBuildkit, runningBuildkitd, sandboxHandle, usableDocker } from './discover.ts';
import type { MachineFacts } from './facts.ts';
import { findProgram, machineFacts } from './facts.ts';
import { buildkitdPaths, enginePaths } from './paths.ts';
import { pingSandbox } from './probe.ts';
import { isRootReady, makeRoot } from './root.ts';
import type { ImageStore } from './sandbox.ts';
import { sandboxProcess, startSandbox, stopSandbox, wasSandboxStarted } from './sandbox.ts';
import type { StepSink } from './step.ts';
import { Step } from './step.ts';

/** How an engine is brought up. */
export interface EngineUpOptions extends DiscoverOptions {
  readonly report: StepSink;
  /** Take the sandboxed engine even where another would do. */
  readonly sandboxOnly?: boolean;
  /** How the sandboxed engine keeps images. */
  readonly imageStore?: ImageStore;
  /** Facts of a machine that is not this one; for tests of what is refused. */
  readonly facts?: MachineFacts;
}

/**
 * Makes sure that there is an engine, and gives it: what {@link findEngine} finds, else a buildkitd on PATH, started here,
 * else the sandboxed Docker Engine, set up and started. What it starts lives on after this process. May be run again at
 * any time, also beside itself and after an attempt that was cut off.
 *
 * Every failure comes as data, cancellation as `canceled`.
 */
export function engineUp(options: EngineUpOptions): Promise<Result<EngineHandle, RuntimeFailure>> {
  return guarded('set the engine up', options.signal, async () => {
    const look = new Step(options.report, { id: 'find-engine', title: 'Look for an engine' });
    const facts = options.facts ?? (await machineFacts());
    const other = options.sandboxOnly === true ? ok(undefined) : await otherEngine(options, facts);
    if (!other.ok) return told(look, other);
    if (other.value !== undefined) return told(look, ok(other.value));
    const paths = enginePaths(options);
    const running = await pingSandbox(paths.socket, options.signal);
    if (running !== undefined) return told(look, ok(sandboxHandle({ ...paths, version: running.engine })));
    look.done('there is none yet');

    const refusal = await whyNoSandbox(facts, options);
    if (refusal !== undefined) return fail(refusal);
    await requireDataFolder(options.dataDir);
    const version = await startSandbox({ ...options, paths, facts });
    return ok(sandboxHandle({ ...paths, version: version.engine }));
  });
}

/**
 * Makes sure that the Debian root is there, for its programs (docker-registry, skopeo) and its busybox, and gives its
 * folder. Starts nothing; needs root and Debian or Ubuntu when it is not there yet.
 */
export function engineRoot(options: EngineUpOptions): Promise<Result<string, RuntimeFailure>> {
  return guarded("set the engine's programs up", options.signal, async () => {
    const paths = enginePaths(options);
    if (await isRootReady(paths.root)) return ok(paths.root);
    const refusal = await whyNoSandbox(options.facts ?? (await machineFacts()), options);
    if (refusal !== undefined) return fail(refusal);
    await requireDataFolder(options.dataDir);
    await makeRoot({ ...options, root: paths.root, log: paths.setupLog });
    return ok(paths.root);
  });
}

/** What `depot engine status` tells. */
export interface EngineStatus {
  /** The engine that builds would use now, or why there is none. */
  readonly engine: Result<EngineHandle, RuntimeFailure>;
  /** Of our own engine in the data folder, whether or not it is the one in use. */
  readonly sandbox: {
    /** `dead`: it was started and does not answer, nor was it stopped; the next start or stop mends it. */
    readonly state: 'not set up' | 'stopped' | 'running' | 'dead';
    readonly socket: string;
    readonly log: string;
    readonly root: string;
    readonly pid?: number;
    readonly version?: string;
  };
}

/** How things stand; changes nothing. */
export function engineStatus(options: DiscoverOptions): Promise<Result<EngineStatus, RuntimeFailure>> {
  return guarded('ask how the engine is', options.signal, async () => {
    const paths = enginePaths(options);
    const engine = await findEngine(options);
    const process = await sandboxProcess(paths);
    const version = await pingSandbox(paths.socket, options.signal);
    const rest = (await isRootReady(paths.root)) ? 'stopped' : 'not set up';
    const without = (await wasSandboxStarted(paths)) ? 'dead' : rest;
    return ok({
      engine,
      sandbox: {
        state: version === undefined ? without : 'running',
        socket: paths.socket,
        log: paths.log,
        root: paths.root,
        ...(process === undefined ? {} : { pid: process.pid }),
        ...(version === undefined ? {} : { version: version.engine }),
      },
    });
  });
}

/** How engines are taken down. */
export interface EngineDownOptions extends Omit<EngineUpOptions, 'env'> {
  /** Also removes images, build cache and the Debian root. */
  readonly purge?: boolean;
}

/** What `depot engine down` did. */
export interface EngineDown {
  /** The daemons that were stopped; empty when none of ours ran. */
  readonly stopped: readonly ('sandbox' | 'buildkitd')[];
  /** The folders that were removed. */
  readonly removed: readonly string[];
}

/**
 * Stops the engines that were started in this data folder, and no other. Nothing of them is left on the machine: no
 * process, mount, bridge, rule or network namespace, also when a daemon was killed before.
 */
export function engineDown(options: EngineDownOptions): Promise<Result<EngineDown, RuntimeFailure>> {
  return guarded('stop the engine', options.signal, async () => {
    const facts = options.facts ?? (await machineFacts());
    const [paths, buildkitd] = [enginePaths(options), buildkitdPaths(options.dataDir)];
    const stopped: ('sandbox' | 'buildkitd')[] = [];
    if (await stopBuildkitd({ ...options, paths: buildkitd })) stopped.push('buildkitd');
    if (await stopSandbox({ ...options, paths, facts })) stopped.push('sandbox');
    const removed = options.purge === true ? [paths.folder, buildkitd.folder] : [];
    for (const folder of removed) await rm(folder, { recursive: true, force: true });
    return ok({ stopped, removed });
  });
}

/** Every engine that goes before the sandboxed one, in the order of {@link findEngine}; a buildkitd on PATH is started. */
async function otherEngine(
  options: EngineUpOptions,
  facts: MachineFacts,
): Promise<Result<EngineHandle | undefined, RuntimeFailure>> {
  const named = await namedBuildkit(options);
  if (!named.ok) return named;
  const buildkitd = named.value ?? (await runningBuildkitd(options)) ?? (await ownBuildkitd(options, facts));
  if (buildkitd !== undefined) return ok(buildkitd);
  const docker = await usableDocker(options);
  if (!docker.ok) return docker;
  if (docker.value.is === 'usable') return ok(docker.value.engine);
  if (docker.value.tooOld) {
    new Step(options.report, { id: 'use-docker', title: 'Use the Docker Engine that is here' }).skipped(
      docker.value.why,
    );
  }
  return ok(undefined);
}

/** The buildkitd on PATH, started by us; undefined where there is none, or it cannot run here, which is said. */
async function ownBuildkitd(options: EngineUpOptions, facts: MachineFacts): Promise<EngineHandle | undefined> {
  const program = await findProgram('buildkitd', options.env);
  if (program === undefined || facts.platform !== 'linux') return undefined;
  if (facts.userId !== 0) {
    const step = new Step(options.report, { id: 'start-buildkitd', title: `Start ${program}` });
    step.skipped('it needs root; start it yourself (rootlesskit buildkitd) and set BUILDKIT_HOST');
    return undefined;
  }
  await requireDataFolder(options.dataDir);
  try {
    await startBuildkitd({ ...options, paths: buildkitdPaths(options.dataDir), program });
  } catch (error) {
    // The step has been told as failed with its reason; there may be another engine.
    if (error instanceof FailureError) return undefined;
    throw error;
  }
  return await runningBuildkitd(options);
}

const INSTEAD =
  'Install Docker Engine 23 or newer and start it (docs.docker.com/engine/install), or set BUILDKIT_HOST to a BuildKit daemon.';

/** Why no sandboxed engine can be set up on such a machine; undefined when it can. */
async function whyNoSandbox(facts: MachineFacts, options: EngineUpOptions): Promise<RuntimeFailure | undefined> {
  const refuse = (what: string, hint = INSTEAD): RuntimeFailure => ({
    reason: 'unsupported',
    what: `setting up an engine ${what}`,
    hint,
  });
  if (facts.platform !== 'linux')
    return refuse(
      `on ${facts.platform}`,
      'Install Docker Desktop and start it, or set BUILDKIT_HOST to a BuildKit daemon.',
    );
  if (!facts.distributions.some((name) => name === 'debian' || name === 'ubuntu')) {
    return refuse(`on ${facts.distributions[0] ?? 'a Linux without os-release'}, which is neither Debian nor Ubuntu`);
  }
  if (facts.architecture !== 'amd64' && facts.architecture !== 'arm64') return refuse(`on ${facts.architecture}`);
  if (facts.userId !== 0) return refuse('without root', `Run \`sudo depot engine up\`. Or: ${INSTEAD}`);
  for (const program of ['apt-get', 'unshare', 'setpriv', 'flock', 'pivot_root']) {
    if ((await findProgram(program, options.env)) === undefined) {
      return refuse(
        `without ${program}`,
        `Install it (it is in Debian's ${program === 'apt-get' ? 'apt' : 'util-linux'}). Or: ${INSTEAD}`,
      );
    }
  }
  return undefined;
}

/** Says what the look for an engine came to. */
function told(step: Step, result: Result<EngineHandle, RuntimeFailure>): Result<EngineHandle, RuntimeFailure> {
  if (result.ok) step.done([result.value.name, result.value.version].filter(Boolean).join(' '));
  else step.failed('cause' in result.failure ? result.failure.cause : result.failure.reason);
  return result;
}

/** The room's door: failures that came as exceptions, the system's errors and cancellation become data. */
async function guarded<T>(
  step: string,
  signal: AbortSignal,
  work: () => Promise<Result<T, RuntimeFailure>>,
): Promise<Result<T, RuntimeFailure>> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) return fail({ reason: 'canceled' });
    if (error instanceof FailureError) return fail(error.failure);
    if (error instanceof Error && 'code' in error && 'syscall' in error)
      return fail({ reason: 'engine-failed', step, cause: error.message });
    throw error;
  }
}
