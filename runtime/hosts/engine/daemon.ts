import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessIdentity } from './process.ts';
import { identify, isRunning, parentOf, stopProcess } from './process.ts';

const POLL_MS = 25;
const LOG_TAIL_LINES = 20;

/** unshare(1) has nothing left to do when the daemon has ended. */
const SUPERVISOR_LIMIT_MS = 1_000;

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
flock -n 9 || exit 75
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
  /** Emptied at the start; gets all it writes. */
  readonly log: string;
}

/**
 * Starts a daemon in namespaces of its own for processes and mounts, detached: it lives on when we end. When its first
 * process ends, in whatever way, the kernel ends the rest and undoes all mounts. Needs root.
 */
export async function launch(spec: DaemonSpec): Promise<Launched> {
  await using log = await open(spec.log, 'w', 0o600);
  const child = spawn(
    'unshare',
    [
      '--mount',
      '--propagation',
      'private',
      '--pid',
      '--fork',
      '--kill-child',
      '--',
      'sh',
      '-c',
      CLAIM + spec.script,
      'sh',
      spec.run,
      ...spec.args,
    ],
    { env: spec.env, detached: true, stdio: ['ignore', log.fd, log.fd], cwd: '/' },
  );
  const launched: Launched = { ended: undefined };
  child.once('error', (error) => (launched.ended = error.message));
  child.once('exit', (code, signal) => (launched.ended = signal === null ? `exit code ${code}` : `signal ${signal}`));
  child.unref();
  return launched;
}

/** A daemon that was just started; `ended` says how, once it did. */
export interface Launched {
  ended: string | undefined;
}

/** The first process of the daemon of a run folder, while it runs. */
export async function runningDaemon(run: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(join(run, 'init'), 'utf8').catch(() => '');
  const [bootId, stat] = text.split('\n');
  if (bootId === undefined || stat === undefined) return undefined;
  const pid = Number.parseInt(stat, 10);
  const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  if (!Number.isInteger(pid) || startTicks === undefined) return undefined;
  const claimed = { pid, startTicks, bootId };
  return (await isRunning(claimed)) ? await identify(pid) : undefined;
}

/**
 * Ends the daemon of a run folder with everything it started, asking first and insisting after the grace time.
 * False when it does not run.
 */
export async function stopDaemon(
  run: string,
  options: { readonly graceMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  const daemon = await runningDaemon(run);
  if (daemon === undefined) return false;
  const unshare = await parentOf(daemon.pid);
  await stopProcess(daemon, options);
  // It waits for the daemon's end, then ends by itself. One whose own parent is gone may have been another's by now.
  if (unshare !== undefined && unshare.pid !== 1) await ended(unshare, options.signal);
  return true;
}

/**
 * Waits until `answers` is true.
 * @returns undefined when it answers, else why it never will
 * Rejects when the signal is aborted.
 */
export async function untilReady(
  launched: Launched,
  options: { readonly answers: () => Promise<boolean>; readonly limitMs: number; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const deadline = performance.now() + options.limitMs;
  for (;;) {
    if (await options.answers()) return undefined;
    if (launched.ended !== undefined) return `it ended (${launched.ended})`;
    if (performance.now() > deadline) return `it did not answer within ${options.limitMs / 1000} s`;
    await sleep(POLL_MS, undefined, { signal: options.signal });
  }
}

async function ended(process: ProcessIdentity, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + SUPERVISOR_LIMIT_MS;
  while (performance.now() < deadline && (await isRunning(process))) await sleep(POLL_MS, undefined, { signal });
}

/** The last lines of a daemon's log. */
export async function logTail(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LOG_TAIL_LINES);
}
