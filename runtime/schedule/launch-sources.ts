import type { Launch } from './decision.ts';
import type { Fleet, QueuedUnit, Volume, VolumeId } from './fleet.ts';

/** So many of the waiting units say which cache is worth most. */
const ASKED = 500;

/** A volume at rest is used itself, instead of a copy of the best one, when it is worth so much of that. */
const GOOD_ENOUGH = 0.9;

interface Candidate {
  readonly volume: Volume;
  readonly worthMs: number;
  isInUse: boolean;
}

/**
 * The caches that new hosts of an architecture are to start with: that which saves the waiting units most time, by what
 * was built on it and what it was copied from; of equal ones the freshest. A volume that no host uses is used itself.
 */
export class LaunchSources {
  readonly #candidates: readonly Candidate[];

  constructor(fleet: Fleet, architecture: string, waiting: readonly QueuedUnit[]) {
    const saved = savedMs(fleet, waiting.slice(0, ASKED));
    const inUse = new Set(fleet.hosts.map(({ volume }) => volume));
    this.#candidates = [...fleet.volumes.values()]
      .filter((volume) => volume.architecture === architecture && volume.isGone !== true)
      .map((volume) => ({ volume, worthMs: worth(volume, fleet.volumes, saved), isInUse: inUse.has(volume.id) }))
      .sort((one, other) => other.worthMs - one.worthMs || other.volume.usedAt - one.volume.usedAt);
  }

  /** For one further host; undefined where there is no cache yet. */
  next(): Launch['from'] {
    const best = this.#candidates[0];
    if (best === undefined) return undefined;
    const resting = this.#candidates.find(({ isInUse, worthMs }) => !isInUse && worthMs >= GOOD_ENOUGH * best.worthMs);
    if (resting !== undefined) resting.isInUse = true;
    return { volume: (resting ?? best).volume.id, copy: resting === undefined };
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
