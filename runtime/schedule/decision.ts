import type { HostId, IdleCount, Shares, VolumeId } from './fleet.ts';
import type { UnitId } from './unit.ts';

/** Why a unit goes to the host it goes to. */
export type AssignReason =
  /** It has a place, and no other has more of what the unit is made from. */
  | { readonly is: 'free' }
  /** It built the unit before. */
  | { readonly is: 'warm' }
  /** It has the results of the linked targets. */
  | { readonly is: 'linked' }
  /** It builds the same just now, for another build. */
  | { readonly is: 'shared'; readonly with: UnitId };

/** Why a unit waits. Times are what is expected from now. */
export type WaitReason =
  | { readonly is: 'needs'; readonly unit: UnitId }
  /** Every host of the architecture is at its limit; undefined where none runs. */
  | { readonly is: 'full'; readonly architecture: string; readonly hosts: number; readonly freeInMs?: number }
  | { readonly is: 'starting'; readonly architecture: string; readonly readyInMs: number }
  /** There are free hosts, but that one is done sooner. */
  | { readonly is: 'better-host'; readonly host: HostId; readonly freeInMs: number }
  /** Linked targets are not to be split, and theirs is full. */
  | { readonly is: 'together'; readonly host: HostId; readonly freeInMs: number }
  /** None of the hosts that there are builds these platforms. */
  | { readonly is: 'unfit'; readonly architecture: string; readonly platforms: readonly string[] };

/** How a host gets the result of a linked target that it lacks: from a host that has it, or by building it once more. */
export interface Carry {
  readonly unit: UnitId;
  readonly by: 'handing' | 'building';
}

export interface Assign {
  readonly unit: UnitId;
  readonly host: HostId;
  /** What it is expected to take there. */
  readonly expectedMs: number;
  /** For the linked targets that this host lacks. */
  readonly carries: readonly Carry[];
  readonly reason: AssignReason;
}

export interface Wait {
  readonly unit: UnitId;
  readonly reason: WaitReason;
}

/** A further host is to start. */
export interface Launch {
  readonly architecture: string;
  /** The cache it starts with: `copy` where another host is using it; absent: an empty one. */
  readonly from?: { readonly volume: VolumeId; readonly copy: boolean };
  readonly reason: LaunchReason;
}

export type LaunchReason =
  | { readonly is: 'none-runs'; readonly waiting: number }
  /** With a cache that no free host has, a unit is done so much sooner. */
  | { readonly is: 'cache'; readonly unit: UnitId; readonly savesMs: number }
  /** Units would wait longer than a host takes to start. */
  | { readonly is: 'queue'; readonly waitMs: number; readonly startUpMs: number };

export interface Stop {
  readonly host: HostId;
  readonly reason:
    { readonly is: 'idle'; readonly idleMs: number } | { readonly is: 'over-limit'; readonly maxHosts: number };
}

/** What is to be done about one project now, and what is to be kept for the next decision. */
export interface Decision {
  readonly assign: readonly Assign[];
  readonly wait: readonly Wait[];
  readonly launch: readonly Launch[];
  readonly stop: readonly Stop[];
  readonly shares: ReadonlyMap<string, Shares>;
  /** For every ready host that has nothing to do. */
  readonly idle: ReadonlyMap<HostId, IdleCount>;
}
