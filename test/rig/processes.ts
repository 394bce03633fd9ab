import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const START_MS = 30_000;
const PAUSE_MS = 50;

/** The command lines (words joined by a space) of the processes of this machine that hold a text, with their numbers. */
export async function processesWith(text: string): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>();
  for (const name of (await readdir('/proc')).filter((each) => /^\d+$/.test(each))) {
    if (name === String(process.pid)) continue;
    const command = (await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim();
    if (command.includes(text)) found.set(Number(name), command);
  }
  return found;
}

/** Resolves when such a process runs. Rejects when none does within half a minute. */
export async function untilItRuns(text: string): Promise<void> {
  const signal = AbortSignal.timeout(START_MS);
  while ((await processesWith(text)).size === 0) await delay(PAUSE_MS, undefined, { signal });
}
