import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process, told apart from a later one with the same number: a boot, and the clock tick at which it started. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: string;
  readonly bootId: string;
}

const POLL_MS = 20;
const ASK_AGAIN_MS = 1_000;

/** The identity of a running process; undefined when there is none of that number (or it is a zombie). */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const [stat, bootId] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
  ]);
  // The name in parentheses may hold anything; the fields after it are counted from the state, field 3 of proc(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  if (startTicks === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, startTicks, bootId: bootId.trim() };
}

/** Whether that very process still runs. */
export async function isRunning(process: ProcessIdentity): Promise<boolean> {
  const now = await identify(process.pid);
  return now !== undefined && now.startTicks === process.startTicks && now.bootId === process.bootId;
}

/** The parent of a process; undefined when the process is gone. */
export async function parentOf(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  return parent > 0 ? await identify(parent) : undefined;
}

/**
 * Asks a process to end, and after the grace time ends it. Returns when it is gone.
 * Rejects when the signal is aborted; the process has then been asked already.
 */
export async function stopProcess(
  target: ProcessIdentity,
  { graceMs, signal }: { readonly graceMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const start = performance.now();
  // The first process of a namespace misses what comes before it listens, hence the second asking.
  const plan: readonly (readonly [number, NodeJS.Signals])[] = [
    [0, 'SIGTERM'],
    [Math.min(ASK_AGAIN_MS, graceMs), 'SIGTERM'],
    [graceMs, 'SIGKILL'],
  ];
  let next = 0;
  while (await isRunning(target)) {
    const [atMs, name] = plan[next] ?? [Infinity, 'SIGKILL'];
    if (performance.now() - start >= atMs) {
      sendSignal(target.pid, name);
      next++;
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
