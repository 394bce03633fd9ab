import type { CacheFacts, Warmth } from './cache-facts.ts';
import type { Carry } from './decision.ts';
import { remainingMs } from './elapsed.ts';
import type { Fleet, Host, HostId, QueuedUnit, RunningUnit, UnixMs, VolumeId } from './fleet.ts';
import type { Unit, UnitId } from './unit.ts';

/** What it takes to build a unit on a host, from the moment it has a place there. */
export interface Cost {
  /** For the results of linked targets that are not there. */
  readonly carryMs: number;
  readonly carries: readonly Carry[];
  /** For the unit itself. */
  readonly ownMs: number;
  readonly isWarm: boolean;
  /** The unit of another build that does the same there just now. */
  readonly sharedWith?: UnitId;
}

const NOTHING: Pick<Cost, 'carryMs' | 'carries'> = { carryMs: 0, carries: [] };

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
    const isWarm = !unit.noCache && this.#warmth(unit, host) !== 'cold';
    const ownMs = isWarm ? expected.warmMs : expected.coldMs;
    const { carryMs, carries } = unit.needs.length === 0 ? NOTHING : this.#carry(unit, host);
    const cost: Cost = { carryMs, carries, ownMs, isWarm };
    const twin = this.sharing(unit).find((at) => at.host === host.id);
    if (twin === undefined) return cost;
    const left = Math.max(0, this.#now + remainingMs(twin.one, this.#now) - startAt) + expected.warmMs;
    return left < ownMs ? { ...cost, ownMs: left, sharedWith: twin.one.unit.id } : cost;
  }

  /**
   * What a host needs to get hold of what a unit is made with, and what that is. Results that some host has are handed over
   * all at once where that is sooner; what is built again is built one after the other, with what it is made with itself.
   */
  #carry(unit: Unit, host: Host): Pick<Cost, 'carryMs' | 'carries'> {
    const missing = this.#missing(unit, host);
    if (missing.length === 0) return NOTHING;
    const { handOverMs = Infinity } = this.#fleet.settings;
    const isHandedAll = handOverMs < Infinity && missing.every((need) => this.#isSomewhere(need.unit));
    const carries = new Map<UnitId, Carry['by']>();
    let builtMs = 0;
    let handedMs = 0;
    for (let open = [...missing], need = open.pop(); need !== undefined; need = open.pop()) {
      if (carries.has(need.unit.id)) continue;
      const ms = this.#againMs(need, host);
      if (handOverMs < ms && this.#isSomewhere(need.unit)) {
        carries.set(need.unit.id, 'handing');
        handedMs = handOverMs;
      } else {
        carries.set(need.unit.id, 'building');
        builtMs += ms;
        open.push(...this.#missing(need.unit, host));
      }
      if (isHandedAll && builtMs + handedMs >= handOverMs) {
        return { carryMs: handOverMs, carries: missing.map((one) => ({ unit: one.unit.id, by: 'handing' })) };
      }
    }
    return { carryMs: builtMs + handedMs, carries: [...carries].map(([id, by]) => ({ unit: id, by })) };
  }

  /** What it takes to build a unit once more that this build has built elsewhere: by now it is known whether it had changed. */
  #againMs({ unit, expected }: Pick<QueuedUnit, 'unit' | 'expected'>, host: Host): number {
    const took = this.#fleet.done.get(unit.id);
    const isWarm = !unit.noCache && this.#warmth(unit, host) !== 'cold';
    if (!isWarm) return Math.max(expected.coldMs, took?.ms ?? 0);
    return took?.isWarm === true ? took.ms : expected.warmMs;
  }

  #missing(unit: Unit, host: Host): readonly Pick<QueuedUnit, 'unit' | 'expected'>[] {
    return unit.needs.flatMap((id) => {
      const need = this.#fleet.units.get(id);
      return need === undefined || this.#warmth(need.unit, host) === 'this-build' ? [] : [need];
    });
  }

  #warmth({ key, build }: Unit, { volume }: Host): Warmth {
    return this.#facts.warmth(volume, key, build);
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
