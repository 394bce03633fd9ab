import type { IdleCount, RunningUnit, UnixMs } from './fleet.ts';

/**
 * Clocks jump: a machine sleeps, somebody sets the time, two machines differ. What is done here holds for any two moments:
 * a time that went backwards counts as none.
 */
export function elapsedMs(since: UnixMs, now: UnixMs): number {
  return Math.max(0, now - since);
}

/** More than that between two looks is not counted as idle: nobody looked, or the clock leapt. */
export const LONGEST_LOOK_MS = 60_000;

/** How long a host has been idle, when it was so at the last look and is so now. */
export function countIdle(idle: IdleCount | undefined, now: UnixMs): IdleCount {
  if (idle === undefined) return { countedMs: 0, at: now };
  return { countedMs: idle.countedMs + Math.min(elapsedMs(idle.at, now), LONGEST_LOOK_MS), at: now };
}

/**
 * How much longer a unit is expected to run. One that takes longer than expected is expected to take as long again as it
 * is late, so that nobody waits for it for ever.
 */
export function remainingMs({ startedAt, expectedMs }: RunningUnit, now: UnixMs): number {
  const left = expectedMs - elapsedMs(startedAt, now);
  return left > 0 ? left : Math.max(-left, 1);
}
