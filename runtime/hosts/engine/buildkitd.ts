import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FailureError } from '../../failure.ts';
import { logTail, runningDaemon, startDaemon, stopDaemon } from './daemon.ts';
import type { Environment } from './facts.ts';
import { setupEnvironment } from './facts.ts';
import { lock } from './lock.ts';
import type { BuildkitdPaths } from './paths.ts';
import { checkSocketPath, listens } from './socket.ts';
import type { StepSink } from './step.ts';
import { Step } from './step.ts';

const START_LIMIT_MS = 30_000;

/** buildkitd waits for running builds without a limit when it is asked to end (buildkit `cmd/buildkitd`). */
const STOP_GRACE_MS = 20_000;

/** It sees the machine's files; its mounts and processes are its own. */
const SCRIPT = `
mount -t proc proc /proc
exec "$@"
`;

/** What starting a buildkitd needs. Root is needed too. */
export interface BuildkitdOptions {
  readonly paths: BuildkitdPaths;
  /** The executable. runc (or buildkit-runc) is looked for on PATH and beside it. */
  readonly program: string;
  readonly env: Environment;
  readonly report: StepSink;
  readonly signal: AbortSignal;
}

/**
 * Starts a buildkitd with a state folder, a socket and a log of its own in the data folder, detached, unless it runs.
 * @throws FailureError when it does not come up
 */
export async function startBuildkitd({ paths, program, env, report, signal }: BuildkitdOptions): Promise<void> {
  await using held = await lock(`buildkitd:${paths.folder}`, { signal });
  void held;
  if (await listens(paths.socket)) return;
  checkSocketPath(paths.socket);
  const step = new Step(report, { id: 'start-buildkitd', title: `Start ${program}` });
  await mkdir(paths.data, { recursive: true, mode: 0o711 });
  await stopDaemon(paths.folder, { graceMs: STOP_GRACE_MS, signal });
  await rm(paths.socket, { force: true });
  const clean = setupEnvironment(env);
  const spec = {
    run: paths.folder,
    script: SCRIPT,
    args: [program, '--root', paths.data, '--addr', `unix://${paths.socket}`],
    env: { ...clean, PATH: `${dirname(program)}:${clean['PATH']}` },
    log: paths.log,
  };
  const failure = await startDaemon(spec, { answers: () => listens(paths.socket), limitMs: START_LIMIT_MS, signal });
  if (failure === undefined) {
    step.done(paths.socket);
    return;
  }
  step.failed(failure);
  throw new FailureError({
    reason: 'engine-failed',
    step: step.title,
    cause: `buildkitd did not come up: ${failure}`,
    logTail: await logTail(paths.log),
    hint: `The whole log is ${paths.log}.`,
  });
}

/** Stops the buildkitd that we started; one that someone else started is not ours to stop. False when none runs. */
export async function stopBuildkitd({
  paths,
  report,
  signal,
}: Pick<BuildkitdOptions, 'paths' | 'report' | 'signal'>): Promise<boolean> {
  await using held = await lock(`buildkitd:${paths.folder}`, { signal });
  void held;
  if ((await runningDaemon(paths.folder)) === undefined) return false;
  const step = new Step(report, { id: 'stop-buildkitd', title: 'Stop the buildkitd that was started here' });
  await stopDaemon(paths.folder, { graceMs: STOP_GRACE_MS, signal });
  await rm(paths.socket, { force: true });
  step.done();
  return true;
}
