import type { Fleet, QueuedUnit, Volume, VolumeId } from './fleet.ts';

/** So many of the waiting units say which cache is worth most. */
const ASKED = 500;

/** A volume at rest is used itself, instead of a copy of the best one, when it is worth so much of that. */
const GOOD_ENOUGH = 0.9;

interface Candidate {
  readonly volume: Volume;
  readonly worthMs: number;
}

/**
 * The caches that new hosts of an architecture are to start with: that which saves the waiting units most time, by what
 * was built on it and what it was copied from; of equal ones the freshest. A volume that no host uses is used itself.
 */
export class LaunchSources {
  readonly #candidates: readonly Candidate[];
  readonly #inUse: ReadonlySet<VolumeId>;

  /** `inUse` may grow while sources are asked for. */
  constructor(
    fleet: Fleet,
    {
      architecture,
      waiting,
      inUse,
    }: {
      readonly architecture: string;
      readonly waiting: readonly QueuedUnit[];
      readonly inUse: ReadonlySet<VolumeId>;
    },
  ) {
    const saved = savedMs(fleet, waiting.slice(0, ASKED));
    this.#inUse = inUse;
    this.#candidates = [...fleet.volumes.values()]
      .filter((volume) => volume.architecture === architecture && volume.isGone !== true)
      .map((volume) => ({ volume, worthMs: worth(volume, fleet.volumes, saved) }))
      .sort((one, other) => other.worthMs - one.worthMs || other.volume.usedAt - one.volume.usedAt);
  }

  /** For one further host; undefined where there is no cache yet. */
  next(): VolumeId | undefined {
    const best = this.#candidates[0];
    if (best === undefined) return undefined;
    const resting = this.#candidates.find(
      ({ volume, worthMs }) => worthMs >= GOOD_ENOUGH * best.worthMs && !this.#inUse.has(volume.id),
    );
    return (resting ?? best).volume.id;
  }
}

/** What each volume saves by what was built on it itself. */
function savedMs(fleet: Fleet, waiting: readonly QueuedUnit[]): ReadonlyMap<VolumeId, number> {
  const saved = new Map<VolumeId, number>();
  const add = (volume: VolumeId, ms: number): void => void saved.set(volume, (saved.get(volume) ?? 0) + ms);
  for (const { unit, expected } of waiting) {
    if (!unit.noCache) {
      for (const volume of fleet.held.get(unit.key)?.keys() ?? []) add(volume, expected.coldMs - expected.warmMs);
    }
    for (const id of unit.needs) {
      const need = fleet.units.get(id);
      if (need === undefined) continue;
      for (const [volume, { lastBuild }] of fleet.held.get(need.unit.key) ?? []) {
        if (lastBuild === unit.build) add(volume, need.expected.coldMs);
      }
    }
  }
  return saved;
}

function worth(volume: Volume, volumes: Fleet['volumes'], saved: ReadonlyMap<VolumeId, number>): number {
  let sum = 0;
  const seen = new Set<VolumeId>();
  for (let at: Volume | undefined = volume; at !== undefined && !seen.has(at.id);) {
    seen.add(at.id);
    sum += saved.get(at.id) ?? 0;
    at = at.copyOf === undefined ? undefined : volumes.get(at.copyOf.volume);
  }
  return sum;
}
