import { spawn } from 'node:child_process';
import { access, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessIdentity } from './process.ts';
import { identify, isRunning, parentOf, stopProcess } from './process.ts';
import { run as runCommand } from './room.ts';

const POLL_MS = 25;
const LOG_TAIL_LINES = 20;

/** A log that has grown beyond this is put aside at the next start, and the one put aside before is dropped. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** unshare(1) has nothing left to do when the daemon has ended. */
const SUPERVISOR_LIMIT_MS = 1_000;

/** How {@link CLAIM} ends when another daemon has the folder (EX_TEMPFAIL of sysexits.h). */
const BUSY = 75;

/**
 * First half of every daemon's start; `run` is the folder for its lock and its identity.
 *
 * The lock (flock(2) on an inherited descriptor) lets one daemon at a time have the folder; the kernel gives it back when
 * the last process of the daemon ends. The identity is written by the daemon itself, through the /proc that still
 * shows the machine's process numbers, so that a start whose starter was killed is known all the same. The trap: the first
 * process of a namespace gets no signal that it has not asked for.
 */
const CLAIM = `
set -e
trap 'exit 143' TERM
run=$1
shift
exec 9> "$run/lock"
flock -n 9 || exit ${BUSY}
read -r boot < /proc/sys/kernel/random/boot_id
read -r stat < /proc/self/stat
printf '%s\\n%s\\n' "$boot" "$stat" > "$run/init.new"
mv "$run/init.new" "$run/init"
`;

/** A daemon to be started on its own. */
export interface DaemonSpec {
  /** Where its lock and identity are kept; it must exist. */
  readonly run: string;
  /** Shell that goes on after {@link CLAIM}, with `args` as its parameters, and ends in an exec. A constant. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Gets all it writes, appended. */
  readonly log: string;
}

/** When a daemon is there, and how long that may take. */
export interface ReadyOptions {
  readonly answers: () => Promise<boolean>;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/**
 * Starts a daemon in namespaces of its own for processes and mounts, detached: it lives on when we end. When its first
 * process ends, in whatever way, the kernel ends the rest and undoes all mounts. Needs root.
 *
 * One that a killed starter left in the midst of its own start is waited for, and counts as ours.
 * @returns undefined when it answers, else why it never will; then, and when the signal is aborted, none is left running
 */
export async function startDaemon(
  spec: DaemonSpec,
  { answers, limitMs, signal }: ReadyOptions,
): Promise<string | undefined> {
  const deadline = performance.now() + limitMs;
  let launched = await launch(spec);
  try {
    for (;;) {
      if (await answers()) return undefined;
      if (launched.ended === `exit code ${BUSY}`) launched = await launch(spec);
      else if (launched.ended !== undefined) return `it ended (${launched.ended})`;
      if (performance.now() > deadline) break;
      await sleep(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    launched.kill();
    throw error;
  }
  launched.kill();
  return `it did not answer within ${limitMs / 1000} s`;
}

/** The first process of the daemon of a run folder, while it runs. */
export async function runningDaemon(run: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(join(run, 'init'), 'utf8').catch(() => '');
  const [bootId, line] = text.split('\n');
  if (bootId === undefined || line === undefined) return undefined;
  const pid = Number.parseInt(line, 10);
  const startTicks = line.slice(line.lastIndexOf(')') + 2).split(' ')[19];
  if (!Number.isInteger(pid) || startTicks === undefined) return undefined;
  const claimed = { pid, startTicks, bootId };
  return (await isRunning(claimed)) ? await identify(pid) : undefined;
}

/**
 * Ends the daemon of a run folder with everything it started, asking first and insisting after the grace time. Returns
 * when the folder's lock is free, so that no start is under way either. False when there was nothing to end.
 */
export async function stopDaemon(
  run: string,
  options: { readonly graceMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  let found = false;
  while (!(await isLockFree(run, options.signal))) {
    found = true;
    const daemon = await runningDaemon(run);
    const unshare = daemon === undefined ? undefined : await parentOf(daemon.pid);
    if (daemon !== undefined) await stopProcess(daemon, options);
    else await sleep(POLL_MS, undefined, { signal: options.signal });
    // It waits for the daemon's end, then ends by itself. Process 1 is a parent to who has lost his own.
    if (unshare !== undefined && unshare.pid !== 1) await ended(unshare, options.signal);
  }
  return found;
}

/** The last lines of a daemon's log. */
export async function logTail(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LOG_TAIL_LINES);
}

interface Launched {
  ended: string | undefined;
  readonly kill: () => void;
}

async function launch(spec: DaemonSpec): Promise<Launched> {
  const sizeBytes = await stat(spec.log).then(
    ({ size }) => size,
    () => 0,
  );
  if (sizeBytes > MAX_LOG_BYTES) await rename(spec.log, `${spec.log}.old`);
  await using log = await open(spec.log, 'a', 0o600);
  const namespaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  const child = spawn('unshare', [...namespaces, '--', 'sh', '-c', CLAIM + spec.script, 'sh', spec.run, ...spec.args], {
    env: spec.env,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    cwd: '/',
  });
  const launched: Launched = { ended: undefined, kill: () => void child.kill('SIGKILL') };
  child.once('error', (error) => (launched.ended = error.message));
  child.once('exit', (code, signal) => (launched.ended = signal === null ? `exit code ${code}` : `signal ${signal}`));
  child.unref();
  return launched;
}

async function isLockFree(run: string, signal: AbortSignal): Promise<boolean> {
  const path = join(run, 'lock');
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (!isThere) return true;
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
  return (await runCommand({ argv: ['flock', '-n', path, 'true'], env }, { signal })).exitCode === 0;
}

async function ended(process: ProcessIdentity, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + SUPERVISOR_LIMIT_MS;
  while (performance.now() < deadline && (await isRunning(process))) await sleep(POLL_MS, undefined, { signal });
}
