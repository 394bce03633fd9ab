import type { Fleet, Held, UnixMs, VolumeId } from './fleet.ts';
import type { BuildId, UnitKey } from './unit.ts';

/** What a volume holds of a unit: what this very build made, what some earlier one made, or nothing. */
export type Warmth = 'this-build' | 'warm' | 'cold';

/** A volume in the line of copies that led to another, and until when the two were one. */
interface Ancestor {
  readonly volume: VolumeId;
  readonly until: UnixMs;
}

/** Answers what cache volumes hold, with what they got from the volumes they were copied from. */
export class CacheFacts {
  readonly #volumes: Fleet['volumes'];
  readonly #held: Fleet['held'];
  readonly #lines = new Map<VolumeId, readonly Ancestor[]>();

  constructor({ volumes, held }: Pick<Fleet, 'volumes' | 'held'>) {
    this.#volumes = volumes;
    this.#held = held;
  }

  /** How warm a volume is for a unit of a build. */
  warmth(volume: VolumeId, key: UnitKey, build: BuildId): Warmth {
    const facts = this.#held.get(key);
    if (facts === undefined) return 'cold';
    let found: Warmth = 'cold';
    for (const ancestor of this.#line(volume)) {
      const fact = facts.get(ancestor.volume);
      if (fact === undefined) continue;
      if (fact.lastBuild === build && fact.lastAt <= ancestor.until) return 'this-build';
      if (fact.firstAt <= ancestor.until) found = 'warm';
    }
    return found;
  }

  /** The volumes on which a unit was built, and what is known of it. Their copies hold it too. */
  places(key: UnitKey): ReadonlyMap<VolumeId, Held> | undefined {
    return this.#held.get(key);
  }

  /** The volume that a line of copies began with. */
  root(volume: VolumeId): VolumeId {
    return this.#line(volume).at(-1)?.volume ?? volume;
  }

  #line(volume: VolumeId): readonly Ancestor[] {
    const known = this.#lines.get(volume);
    if (known !== undefined) return known;
    const line: Ancestor[] = [{ volume, until: Infinity }];
    const seen = new Set([volume]);
    for (let copy = this.#volumes.get(volume)?.copyOf; copy !== undefined && !seen.has(copy.volume);) {
      seen.add(copy.volume);
      line.push({ volume: copy.volume, until: Math.min(copy.at, line.at(-1)?.until ?? Infinity) });
      copy = this.#volumes.get(copy.volume)?.copyOf;
    }
    this.#lines.set(volume, line);
    return line;
  }
}
