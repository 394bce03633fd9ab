import { CacheFacts } from '../../../runtime/schedule/cache-facts.ts';
import type { UnixMs, VolumeId } from '../../../runtime/schedule/fleet.ts';
import type { Unit, UnitId } from '../../../runtime/schedule/unit.ts';
import type { Bounds, Capacity, Job } from './bounds.ts';
import { lowerBounds } from './bounds.ts';
import type { SimulatedFleet } from './simulated-fleet.ts';

/**
 * When everything that is not done could be done at the soonest, from a moment and a state on, by a scheduler that knows
 * what everything really takes and has every unit where it is warm. What was lost with a volume, and is needed, counts.
 */
export function outlook(fleet: SimulatedFleet, architecture: string, now: UnixMs): Bounds {
  const jobs = new JobList(fleet, architecture, now).jobs;
  if (jobs.length === 0) return { plainMs: 0, soundMs: 0 };
  const { plainMs, soundMs } = lowerBounds(jobs, capacity(fleet, architecture, now));
  return { plainMs: now + plainMs, soundMs: now + soundMs };
}

class JobList {
  readonly jobs: Job[] = [];
  readonly #fleet: SimulatedFleet;
  readonly #facts: CacheFacts;
  readonly #left: readonly VolumeId[];
  readonly #index = new Map<UnitId, number>();

  constructor(fleet: SimulatedFleet, architecture: string, now: UnixMs) {
    this.#fleet = fleet;
    this.#facts = new CacheFacts(fleet);
    this.#left = [...fleet.volumes.values()].filter((one) => one.isGone !== true).map(({ id }) => id);
    for (const { running } of fleet.hosts.values()) {
      for (const { unit, endMs } of running.values()) {
        if (unit.architecture === architecture) this.#add(unit.id, { ms: endMs - now, needs: [] });
      }
    }
    for (const { unit } of fleet.queued) if (unit.architecture === architecture) this.#visit(unit);
  }

  /** The place of a unit among the jobs; undefined if its result is there. */
  #visit(unit: Unit): number | undefined {
    const known = this.#index.get(unit.id);
    if (known !== undefined) return known;
    const warmths = this.#left.map((volume) => this.#facts.warmth(volume, unit.key, unit.build));
    if (this.#fleet.done.has(unit.id) && warmths.includes('this-build')) return undefined;
    const needs = unit.needs.flatMap((id) => {
      const need = this.#fleet.units.get(id)?.unit;
      return need === undefined ? [] : (this.#visit(need) ?? []);
    });
    const ms = this.#left.map((volume) => this.#fleet.realMs(unit, volume, this.#facts));
    return this.#add(unit.id, { ms: Math.min(this.#fleet.coldMs(unit), ...ms), needs });
  }

  #add(id: UnitId, job: Job): number {
    const at = this.jobs.push(job) - 1;
    this.#index.set(id, at);
    return at;
  }
}

/** The places that hosts have and could have, from now on. */
function capacity(fleet: SimulatedFleet, architecture: string, now: UnixMs): readonly Capacity[] {
  const { maxHosts, maxBuildsPerHost, startUpMs } = fleet.settings;
  const own = [...fleet.hosts.values()].filter(({ host }) => host.architecture === architecture);
  const launched = (maxHosts - own.length) * maxBuildsPerHost;
  return [
    ...own.map(({ readyMs }) => ({ places: maxBuildsPerHost, fromMs: Math.max(0, readyMs - now) })),
    ...(launched > 0 ? [{ places: launched, fromMs: startUpMs }] : []),
  ];
}
