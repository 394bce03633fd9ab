import type { Expected } from './durations.ts';
import type { Unit, UnitId } from './unit.ts';

/**
 * What a unit counts for in a rank: the worst that may be expected, for what turns out long is better started early.
 * `isWarm` tells whether there is a volume on which it was built before.
 */
export function rankedMs({ worstColdMs, worstWarmMs }: Expected, isWarm: boolean): number {
  return isWarm ? worstWarmMs : worstColdMs;
}

/**
 * How long it is from the start of each unit to the end of all that waits for it, if there were hosts enough: the unit that
 * has most behind it goes first (list scheduling by critical path; "upward rank" in Topcuoglu et al., HEFT, 2002).
 * `units` are those of one build, every one behind those it needs.
 */
export function ranks(units: readonly Unit[], durationMs: (unit: Unit) => number): ReadonlyMap<UnitId, number> {
  const behind = new Map<UnitId, number>();
  const found = new Map<UnitId, number>();
  for (const unit of units.toReversed()) {
    const rank = durationMs(unit) + (behind.get(unit.id) ?? 0);
    found.set(unit.id, rank);
    for (const need of unit.needs) behind.set(need, Math.max(behind.get(need) ?? 0, rank));
  }
  return found;
}
