import type { RunningUnit } from './fleet.ts';
import type { UnitId } from './unit.ts';

/** A unit whose host was lost is built again so many times at most. */
export const MOST_RERUNS = 2;

/** What becomes of the units of a host that was lost. */
export interface Loss {
  /** To be queued again, each with how often it was lost by now. */
  readonly again: ReadonlyMap<UnitId, number>;
  /** Lost once too often: perhaps they are what kills hosts. */
  readonly givenUp: readonly UnitId[];
}

/** `lostBefore`: how often units of this build were lost already. */
export function afterLoss(running: readonly RunningUnit[], lostBefore: ReadonlyMap<UnitId, number>): Loss {
  const again = new Map<UnitId, number>();
  const givenUp: UnitId[] = [];
  for (const { unit } of running) {
    const times = (lostBefore.get(unit.id) ?? 0) + 1;
    if (times > MOST_RERUNS) givenUp.push(unit.id);
    else again.set(unit.id, times);
  }
  return { again, givenUp };
}
