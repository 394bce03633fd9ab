import type { Expected } from './durations.ts';
import type { BuildId, Unit, UnitId, UnitKey } from './unit.ts';

export type HostId = string & { readonly brand: 'HostId' };
export type VolumeId = string & { readonly brand: 'VolumeId' };

/** A moment in milliseconds since the Unix epoch. What is given as one may jump: see `elapsed.ts`. */
export type UnixMs = number;

/** What a project allows its builders; the limits count for each architecture by itself. */
export interface Settings {
  /** At most so many units at once on one host. */
  readonly maxBuildsPerHost: number;
  /** At most so many hosts, those that start and stop included. */
  readonly maxHosts: number;
  /** A host that had nothing to do for so long is stopped. */
  readonly idleMs: number;
  /** How long a host takes from the decision to its first step; `expectedStartUp` in `durations.ts` knows. */
  readonly startUpMs: number;
  /** Whether linked targets may be built on several hosts where that ends them sooner. */
  readonly split: boolean;
  /**
   * How long it takes to give a linked target's result to a host that has not built it. Absent: results stay where they
   * are, and such a host builds the linked target again.
   */
  readonly handOverMs?: number;
}

/** A unit that runs on a host. */
export interface RunningUnit {
  readonly unit: Unit;
  readonly startedAt: UnixMs;
  /** What it was expected to take when it was placed. */
  readonly expectedMs: number;
}

/** How long a host had nothing to do, as counted at a moment. */
export interface IdleCount {
  readonly countedMs: number;
  readonly at: UnixMs;
}

/**
 *   starting ──► ready ──► (stopping, lost): not told of any more, apart from the number that counts against the limit
 */
export type HostState =
  | { readonly is: 'starting'; readonly since: UnixMs }
  | { readonly is: 'ready'; readonly idle?: IdleCount }
  | { readonly is: 'stopping' };

export interface Host {
  readonly id: HostId;
  readonly architecture: string;
  /** What it builds, natively or by emulation; normalised. */
  readonly platforms: readonly string[];
  readonly volume: VolumeId;
  readonly state: HostState;
  readonly running: readonly RunningUnit[];
}

/** A cache volume. It holds what was built on it, and what the volume it was copied from held at that moment. */
export interface Volume {
  readonly id: VolumeId;
  readonly architecture: string;
  /** When something was built on it last. */
  readonly usedAt: UnixMs;
  readonly copyOf?: { readonly volume: VolumeId; readonly at: UnixMs };
  /** Deleted or lost. It is told of, with what it held, as long as there are copies of it: these hold it still. */
  readonly isGone?: boolean;
}

/** That a unit was built on a volume: when first, and when and by which build last. */
export interface Held {
  readonly firstAt: UnixMs;
  readonly lastAt: UnixMs;
  readonly lastBuild: BuildId;
}

/** What a unit took by itself, without what was carried for it, and whether its host had built it before. */
export interface Took {
  readonly ms: number;
  readonly isWarm: boolean;
}

/** A unit that waits for a host. */
export interface QueuedUnit {
  readonly unit: Unit;
  readonly expected: Expected;
  /** The expected time from its start to the end of everything that waits for it (`ranks.ts`). Longest first. */
  readonly rankMs: number;
}

/** What a build has had of the hosts of one architecture. */
export interface Share {
  /** The expected durations of all its units that were placed, over its weight; a build that comes later starts level. */
  readonly servedMs: number;
  /** When a unit of it was placed last, or the build was seen first, counted in units that were placed. */
  readonly turn: number;
}

/** What concurrent builds have had of the hosts of one architecture (`turns.ts`). */
export interface Shares {
  /** How many units were placed so far. */
  readonly turn: number;
  /** Where the build stood that was served last as the least served one. */
  readonly virtualMs: number;
  readonly builds: ReadonlyMap<BuildId, Share>;
}

/** Everything a decision about one project depends on, but the time. */
export interface Fleet {
  readonly settings: Settings;
  /** What a host that is launched builds, by its architecture; absent: none can be launched. */
  readonly launchable: ReadonlyMap<string, readonly string[]>;
  readonly hosts: readonly Host[];
  readonly volumes: ReadonlyMap<VolumeId, Volume>;
  readonly queued: readonly QueuedUnit[];
  /** All units of the builds in `queued`, whatever became of them, with what they are expected to take. */
  readonly units: ReadonlyMap<UnitId, Pick<QueuedUnit, 'unit' | 'expected'>>;
  readonly done: ReadonlyMap<UnitId, Took>;
  readonly held: ReadonlyMap<UnitKey, ReadonlyMap<VolumeId, Held>>;
  /** How many shares a build has; absent: 1. */
  readonly weights: ReadonlyMap<BuildId, number>;
  /** By architecture. */
  readonly shares: ReadonlyMap<string, Shares>;
}
