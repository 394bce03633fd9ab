import { decide } from '../../../runtime/schedule/decide.ts';
import type { Decision } from '../../../runtime/schedule/decision.ts';
import type { Fleet, HostId, Settings } from '../../../runtime/schedule/fleet.ts';
import { Heap } from '../../../runtime/schedule/heap.ts';
import type { BuildId, UnitId } from '../../../runtime/schedule/unit.ts';
import type { Bounds } from './bounds.ts';
import { outlook } from './outlook.ts';
import type { Random } from './random.ts';
import type { SimulatedHost, SimulatedRun } from './simulated-fleet.ts';
import { SimulatedFleet } from './simulated-fleet.ts';
import type { Workload } from './workload.ts';

/** A host that dies, whichever: its volume with it, or the host alone. */
export interface PlannedLoss {
  readonly atMs: number;
  readonly isVolumeLost: boolean;
}

/** How a simulated fleet is set up and what befalls it. */
export interface World {
  readonly settings: Settings;
  /** Hosts that are there from the start, for each architecture. */
  readonly firstHosts: number;
  /** `cold`: no host has built anything; `warm`: all have built everything; `scattered`: each target was built on one. */
  readonly cache: 'cold' | 'warm' | 'scattered';
  readonly losses: readonly PlannedLoss[];
}

/** A run of a unit on a host, as it came to be. */
export interface Run {
  readonly unit: UnitId;
  readonly host: HostId;
  readonly startMs: number;
  readonly endMs: number;
  readonly isLost: boolean;
}

export interface Outcome {
  readonly makespanMs: number;
  /** What no scheduler could have ended before: the latest of the outlooks at arrivals and losses. */
  readonly bounds: Bounds;
  readonly runs: readonly Run[];
  readonly launches: number;
  /** Of all hosts, from when they were ready to the end. */
  readonly hostMs: number;
  readonly givenUp: readonly UnitId[];
}

/** Called at every decision: what was decided about what. */
export type Watcher = (fleet: Fleet, decision: Decision, nowMs: number) => void;

/** How often somebody looks while units wait for hosts. */
const LOOK_MS = 1_000;

type Event =
  | { readonly is: 'arrival'; readonly build: BuildId }
  | { readonly is: 'ready'; readonly host: HostId }
  | { readonly is: 'end'; readonly unit: UnitId; readonly host: HostId }
  | { readonly is: 'loss'; readonly isVolumeLost: boolean }
  | { readonly is: 'look' };

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly event: Event;
}

/**
 * Runs builds on a fleet in simulated time: asks the scheduler at every event, does what it says, and lets units take
 * what they really take. Throws when the scheduler leaves units waiting with nothing to wait for.
 */
export function simulate(workload: Workload, world: World, random: Random, watch: Watcher = () => undefined): Outcome {
  return new Simulation(workload, world, random, watch).run();
}

class Simulation {
  readonly #workload: Workload;
  readonly #world: World;
  readonly #random: Random;
  readonly #watch: Watcher;
  readonly #fleet: SimulatedFleet;
  readonly #events = new Heap<Planned>((one, other) =>
    one.at === other.at ? one.order < other.order : one.at < other.at,
  );
  readonly #runs: Run[] = [];
  readonly #givenUp: UnitId[] = [];
  readonly #gone: SimulatedHost[] = [];
  #bounds: Bounds = { plainMs: 0, soundMs: 0 };
  #order = 0;
  #now = 0;
  #launches = 0;
  #isLooking = false;

  constructor(workload: Workload, world: World, random: Random, watch: Watcher) {
    this.#workload = workload;
    this.#world = world;
    this.#random = random;
    this.#watch = watch;
    this.#fleet = new SimulatedFleet(world.settings, workload);
    for (const architecture of workload.platforms.keys()) this.#setUp(architecture);
    for (const { build, atMs } of workload.arrivals) this.#plan(atMs, { is: 'arrival', build });
    for (const { atMs, isVolumeLost } of world.losses) this.#plan(atMs, { is: 'loss', isVolumeLost });
  }

  run(): Outcome {
    for (let next = this.#events.pop(); next !== undefined; next = this.#events.pop()) {
      this.#now = next.at;
      const events = [next.event];
      while (this.#events.peek()?.at === this.#now) events.push((this.#events.pop() ?? next).event);
      for (const event of events) this.#happen(event);
      if (events.some(({ is }) => is === 'arrival' || is === 'loss')) this.#lookOut();
      if (this.#fleet.queued.length > 0) this.#decide();
    }
    const { queued, hosts } = this.#fleet;
    if (queued.length > 0) throw new Error(`${queued.length} units wait for nothing`);
    const makespanMs = Math.max(0, ...this.#runs.map(({ endMs }) => endMs));
    const hostMs = [...hosts.values(), ...this.#gone].reduce(
      (sum, one) => sum + Math.max(0, makespanMs - one.readyMs),
      0,
    );
    const [runs, launches, givenUp, bounds] = [this.#runs, this.#launches, this.#givenUp, this.#bounds];
    return { makespanMs, bounds, runs, launches, hostMs, givenUp };
  }

  #setUp(architecture: string): void {
    const fleet = this.#fleet;
    const { cache, firstHosts } = this.#world;
    const first = fleet.addVolume(architecture, undefined, 0);
    const volumes = [first];
    while (volumes.length < firstHosts)
      volumes.push(fleet.addVolume(architecture, cache === 'warm' ? first : undefined, 0));
    for (const volume of volumes.slice(0, firstHosts)) fleet.addHost(architecture, volume, { is: 'ready' }, 0);
    if (cache === 'cold') return;
    for (const { unit } of this.#workload.units) {
      if (unit.architecture !== architecture) continue;
      fleet.hold(unit.key, cache === 'warm' ? first : this.#random.pick(volumes), '' as BuildId, 0);
    }
  }

  #plan(at: number, event: Event): void {
    this.#events.push({ at, order: this.#order++, event });
  }

  #happen(event: Event): void {
    switch (event.is) {
      case 'arrival':
        this.#fleet.submit(event.build);
        break;
      case 'ready': {
        const host = this.#fleet.hosts.get(event.host);
        if (host !== undefined) host.state = { is: 'ready' };
        break;
      }
      case 'end': {
        const run = this.#fleet.end(event.unit, event.host, this.#now);
        if (run !== undefined) this.#note(run, event.host, false);
        break;
      }
      case 'loss':
        this.#lose(event.isVolumeLost);
        break;
      case 'look':
        this.#isLooking = false;
        break;
    }
  }

  #lose(isVolumeLost: boolean): void {
    const able = [...this.#fleet.hosts.values()].filter(({ state }) => state.is === 'ready');
    if (able.length === 0) return;
    const host = this.#random.pick(able);
    const { givenUp } = this.#fleet.lose(host.host.id, isVolumeLost);
    this.#gone.push(host);
    for (const run of host.running.values()) this.#note(run, host.host.id, true);
    for (const unit of givenUp) this.#givenUp.push(...this.#fleet.fail(unit));
  }

  #note({ unit, startedAt }: SimulatedRun, host: HostId, isLost: boolean): void {
    this.#runs.push({ unit: unit.id, host, startMs: startedAt, endMs: this.#now, isLost });
  }

  #lookOut(): void {
    for (const architecture of this.#workload.platforms.keys()) {
      const { plainMs, soundMs } = outlook(this.#fleet, architecture, this.#now);
      this.#bounds = {
        plainMs: Math.max(this.#bounds.plainMs, plainMs),
        soundMs: Math.max(this.#bounds.soundMs, soundMs),
      };
    }
  }

  #decide(): void {
    const fleet = this.#fleet;
    const view = fleet.view();
    const decision = decide(view, this.#now);
    this.#watch(view, decision, this.#now);
    fleet.shares = decision.shares;
    for (const one of decision.assign) {
      this.#plan(fleet.begin(one, this.#now), { is: 'end', unit: one.unit, host: one.host });
    }
    const placed = new Set(decision.assign.map(({ unit }) => unit));
    if (placed.size > 0) fleet.queued = fleet.queued.filter(({ unit }) => !placed.has(unit.id));
    for (const one of decision.launch) {
      this.#plan(this.#now + fleet.settings.startUpMs, { is: 'ready', host: fleet.launch(one, this.#now) });
      this.#launches++;
    }
    for (const { host: id } of decision.stop) {
      const host = fleet.hosts.get(id);
      if (host !== undefined) this.#gone.push(host);
      fleet.hosts.delete(id);
    }
    if (!this.#isLooking && this.#isWorthALook(decision)) {
      this.#isLooking = true;
      this.#plan(this.#now + LOOK_MS, { is: 'look' });
    }
  }

  /** Whether time alone may change a decision: a host that is waited for is late, or a further one could be launched. */
  #isWorthALook({ wait }: Decision): boolean {
    const hasRoom = this.#fleet.hosts.size < this.#world.settings.maxHosts * this.#workload.platforms.size;
    return wait.some(
      ({ reason }) => reason.is === 'better-host' || reason.is === 'starting' || (reason.is === 'full' && hasRoom),
    );
  }
}
