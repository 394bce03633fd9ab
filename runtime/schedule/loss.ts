import { CacheFacts } from './cache-facts.ts';
import type { Fleet, RunningUnit } from './fleet.ts';
import type { Unit, UnitId } from './unit.ts';

/** A unit is built again so many times at most because a host was lost. */
export const MOST_RERUNS = 2;

/** What becomes of the units of a host that was lost. */
export interface Loss {
  /** To be queued again, each with how often it was lost by now. */
  readonly again: ReadonlyMap<UnitId, number>;
  /** Lost once too often: perhaps they are what kills hosts. */
  readonly givenUp: readonly UnitId[];
}

/**
 * `running` is what ran on the host; `fleet` is what there is without it, its volume marked as gone if that is lost as well.
 * Then results go with it that units need which are not done: those are built again like units that ran, unless that was
 * tried too often, when whoever needs them builds them on the way. `lostBefore`: how often units were lost already.
 */
export function afterLoss(
  running: readonly RunningUnit[],
  fleet: Fleet,
  lostBefore: ReadonlyMap<UnitId, number>,
): Loss {
  const again = new Map<UnitId, number>();
  const givenUp: UnitId[] = [];
  for (const { unit } of running) {
    const times = (lostBefore.get(unit.id) ?? 0) + 1;
    if (times > MOST_RERUNS) givenUp.push(unit.id);
    else again.set(unit.id, times);
  }
  const waiting = [...fleet.queued, ...running].map(({ unit }) => unit);
  for (const unit of lostResults(waiting, fleet)) {
    const times = (lostBefore.get(unit.id) ?? 0) + 1;
    if (times <= MOST_RERUNS) again.set(unit.id, times);
  }
  return { again, givenUp };
}

/** The units that were built, are needed by these, directly or not, and whose results no volume holds any more. */
function lostResults(users: readonly Unit[], fleet: Fleet): readonly Unit[] {
  const facts = new CacheFacts(fleet);
  const volumes = [...fleet.volumes.values()].filter(({ isGone }) => isGone !== true);
  const lost = new Map<UnitId, Unit>();
  for (let open = [...users], user = open.pop(); user !== undefined; user = open.pop()) {
    for (const id of user.needs) {
      const need = fleet.units.get(id)?.unit;
      if (need === undefined || lost.has(id) || !fleet.done.has(id)) continue;
      if (volumes.some(({ id: volume }) => facts.warmth(volume, need.key, need.build) === 'this-build')) continue;
      lost.set(id, need);
      open.push(need);
    }
  }
  return [...lost.values()];
}
