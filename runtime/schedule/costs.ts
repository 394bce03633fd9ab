import type { CacheFacts } from './cache-facts.ts';
import { remainingMs } from './elapsed.ts';
import type { Fleet, Host, HostId, QueuedUnit, RunningUnit, UnixMs, VolumeId } from './fleet.ts';
import type { Unit, UnitId } from './unit.ts';

/** What it takes to build a unit on a host, from the moment it has a place there. */
export interface Cost {
  /** For the results of linked targets that are not there. */
  readonly carryMs: number;
  readonly carries: readonly UnitId[];
  /** For the unit itself. */
  readonly ownMs: number;
  readonly isWarm: boolean;
  /** The unit of another build that does the same there just now. */
  readonly sharedWith?: UnitId;
}

const NOTHING: readonly UnitId[] = [];

interface AtWork {
  readonly host: HostId;
  readonly one: RunningUnit;
}

/** Answers what units take where, from what hosts hold and do. */
export class Costs {
  readonly #fleet: Fleet;
  readonly #facts: CacheFacts;
  readonly #now: UnixMs;
  readonly #inUse: ReadonlySet<VolumeId>;
  readonly #atWork = new Map<string, AtWork[]>();
  readonly #canBeHanded = new Map<UnitId, boolean>();

  constructor(fleet: Fleet, facts: CacheFacts, now: UnixMs) {
    this.#fleet = fleet;
    this.#facts = facts;
    this.#now = now;
    const inUse = new Set<VolumeId>();
    for (const host of fleet.hosts) {
      if (host.state.is === 'ready') inUse.add(host.volume);
      for (const one of host.running) {
        const same = this.#atWork.get(one.unit.fingerprint);
        if (same === undefined) this.#atWork.set(one.unit.fingerprint, [{ host: host.id, one }]);
        else same.push({ host: host.id, one });
      }
    }
    this.#inUse = inUse;
  }

  /** The hosts that build the same as this unit just now, for other builds. */
  sharing(unit: Unit): readonly AtWork[] {
    const same = this.#atWork.get(unit.fingerprint);
    return same === undefined || unit.noCache ? [] : same.filter(({ one }) => one.unit.build !== unit.build);
  }

  /** `startAt` is when the unit would start there. */
  on({ unit, expected }: QueuedUnit, host: Host, startAt: UnixMs): Cost {
    const isWarm = !unit.noCache && this.#facts.warmth(host.volume, unit.key, unit.build) !== 'cold';
    const ownMs = isWarm ? expected.warmMs : expected.coldMs;
    const carries = unit.needs.length === 0 ? NOTHING : new Set<UnitId>();
    const carryMs = carries instanceof Set ? this.#carry(unit, host, carries) : 0;
    const cost: Cost = { carryMs, carries: carries instanceof Set ? [...carries] : carries, ownMs, isWarm };
    const twin = this.sharing(unit).find((at) => at.host === host.id);
    if (twin === undefined) return cost;
    const left = Math.max(0, this.#now + remainingMs(twin.one, this.#now) - startAt) + expected.warmMs;
    return left < ownMs ? { ...cost, ownMs: left, sharedWith: twin.one.unit.id } : cost;
  }

  /** What a host needs to get hold of what a unit is made with, one after the other. */
  #carry(unit: Unit, host: Host, carried: Set<UnitId>): number {
    let ms = 0;
    for (const id of unit.needs) {
      const need = this.#fleet.units.get(id);
      if (need === undefined || carried.has(id)) continue;
      const warmth = this.#facts.warmth(host.volume, need.unit.key, need.unit.build);
      if (warmth === 'this-build') continue;
      carried.add(id);
      const { handOverMs } = this.#fleet.settings;
      const isWarm = warmth === 'warm' && !need.unit.noCache;
      const again = (isWarm ? need.expected.warmMs : need.expected.coldMs) + this.#carry(need.unit, host, carried);
      ms += handOverMs !== undefined && handOverMs < again && this.#isSomewhere(need.unit) ? handOverMs : again;
    }
    return ms;
  }

  #isSomewhere(unit: Unit): boolean {
    const known = this.#canBeHanded.get(unit.id);
    if (known !== undefined) return known;
    let found = false;
    for (const [volume, { lastBuild }] of this.#facts.places(unit.key) ?? []) {
      if (lastBuild === unit.build && this.#inUse.has(volume)) found = true;
      if (found) break;
    }
    this.#canBeHanded.set(unit.id, found);
    return found;
  }
}
