import { CacheFacts } from '../../../runtime/schedule/cache-facts.ts';
import { decide } from '../../../runtime/schedule/decide.ts';
import type { Carry, Decision } from '../../../runtime/schedule/decision.ts';
import type {
  Fleet,
  Held,
  Host,
  HostId,
  QueuedUnit,
  RunningUnit,
  Settings,
  Shares,
  Volume,
  VolumeId,
} from '../../../runtime/schedule/fleet.ts';
import { Heap } from '../../../runtime/schedule/heap.ts';
import { afterLoss } from '../../../runtime/schedule/loss.ts';
import type { BuildId, Unit, UnitId, UnitKey } from '../../../runtime/schedule/unit.ts';
import type { Random } from './random.ts';
import type { Workload } from './workload.ts';

/** How a simulated fleet is set up and what befalls it. */
export interface World {
  readonly settings: Settings;
  /** Hosts that are there from the start, for each architecture. */
  readonly firstHosts: number;
  /** `cold`: no host has built anything; `warm`: all have built everything; `scattered`: each target was built on one. */
  readonly cache: 'cold' | 'warm' | 'scattered';
  /** When a host dies, whichever. */
  readonly lossesMs: readonly number[];
}

/** A run of a unit on a host, as it came to be. */
export interface Run {
  readonly unit: UnitId;
  readonly host: HostId;
  readonly startMs: number;
  readonly endMs: number;
  readonly isLost: boolean;
  /** Whether no volume that was left held the unit, so that it had to be built as if for the first time. */
  readonly isColdEverywhere: boolean;
}

export interface Outcome {
  readonly makespanMs: number;
  readonly runs: readonly Run[];
  readonly decisions: number;
  readonly launches: number;
  /** Places times time, from when a host was ready to the end. */
  readonly hostMs: number;
  readonly givenUp: readonly UnitId[];
  /** Loss times by host. */
  readonly lost: ReadonlyMap<HostId, number>;
}

type Event =
  | { readonly is: 'arrival'; readonly build: BuildId }
  | { readonly is: 'ready'; readonly host: HostId }
  | { readonly is: 'end'; readonly unit: UnitId; readonly host: HostId }
  | { readonly is: 'loss' }
  | { readonly is: 'look' };

/** How often somebody looks while units wait for hosts. */
const LOOK_MS = 1_000;

interface MutableHost {
  readonly host: Omit<Host, 'state' | 'running'>;
  state: Host['state'];
  readonly running: Map<
    UnitId,
    RunningUnit & { readonly endMs: number; readonly carries: readonly Carry[]; readonly isColdEverywhere: boolean }
  >;
  readonly readyMs: number;
}

/** Called at every decision: what was decided about what. */
export type Watcher = (fleet: Fleet, decision: Decision, nowMs: number) => void;

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
  readonly #events = new Heap<{ readonly at: number; readonly order: number; readonly event: Event }>((one, other) =>
    one.at === other.at ? one.order < other.order : one.at < other.at,
  );
  readonly #hosts = new Map<HostId, MutableHost>();
  readonly #volumes = new Map<VolumeId, Volume>();
  readonly #held = new Map<UnitKey, Map<VolumeId, Held>>();
  readonly #units = new Map<UnitId, QueuedUnit>();
  readonly #done = new Set<UnitId>();
  readonly #lostBefore = new Map<UnitId, number>();
  readonly #givenUp: UnitId[] = [];
  readonly #runs: Run[] = [];
  readonly #lost = new Map<HostId, number>();
  #queued: QueuedUnit[] = [];
  #shares: ReadonlyMap<string, Shares> = new Map();
  #order = 0;
  #now = 0;
  #decisions = 0;
  #launches = 0;
  #isLooking = false;

  constructor(workload: Workload, world: World, random: Random, watch: Watcher) {
    this.#workload = workload;
    this.#world = world;
    this.#random = random;
    this.#watch = watch;
    for (const architecture of workload.platforms.keys()) this.#firstHosts(architecture);
    for (const { build, atMs } of workload.arrivals) this.#plan(atMs, { is: 'arrival', build });
    for (const at of world.lossesMs) this.#plan(at, { is: 'loss' });
  }

  run(): Outcome {
    for (let next = this.#events.pop(); next !== undefined; next = this.#events.pop()) {
      this.#now = next.at;
      this.#happen(next.event);
      while (this.#events.peek()?.at === this.#now) this.#happen((this.#events.pop() as { event: Event }).event);
      if (this.#queued.length > 0 || next.event.is === 'arrival') this.#decide();
    }
    if (this.#queued.length > 0) throw new Error(`${this.#queued.length} units wait for nothing`);
    const makespanMs = Math.max(0, ...this.#runs.map(({ endMs }) => endMs));
    return {
      makespanMs,
      runs: this.#runs,
      decisions: this.#decisions,
      launches: this.#launches,
      hostMs: [...this.#hosts.values()].reduce((sum, { readyMs }) => sum + Math.max(0, makespanMs - readyMs), 0),
      givenUp: this.#givenUp,
      lost: this.#lost,
    };
  }

  #firstHosts(architecture: string): void {
    const volumes: VolumeId[] = [];
    for (let at = 0; at < this.#world.firstHosts; at++) {
      const first = volumes[0];
      const isCopy = this.#world.cache === 'warm' && first !== undefined;
      const volume = this.#addVolume(architecture, isCopy ? first : undefined);
      volumes.push(volume);
      this.#addHost(architecture, volume, { is: 'ready' });
    }
    if (this.#world.cache === 'cold') return;
    if (volumes.length === 0) volumes.push(this.#addVolume(architecture, undefined));
    for (const { unit } of this.#workload.units) {
      if (unit.architecture !== architecture) continue;
      const volume = this.#world.cache === 'warm' ? volumes[0] : this.#random.pick(volumes);
      if (volume !== undefined) this.#hold(unit.key, volume, '' as BuildId);
    }
  }

  #addVolume(architecture: string, from: VolumeId | undefined): VolumeId {
    const id = `volume-${this.#volumes.size}` as VolumeId;
    const copyOf = from === undefined ? {} : { copyOf: { volume: from, at: this.#now } };
    this.#volumes.set(id, { id, architecture, usedAt: this.#now, ...copyOf });
    return id;
  }

  #addHost(architecture: string, volume: VolumeId, state: Host['state'], readyMs = 0): HostId {
    const id = `host-${architecture}-${this.#hosts.size + this.#lost.size}` as HostId;
    const platforms = this.#workload.platforms.get(architecture) ?? [];
    this.#hosts.set(id, { host: { id, architecture, platforms, volume }, state, running: new Map(), readyMs });
    return id;
  }

  #hold(key: UnitKey, volume: VolumeId, build: BuildId): void {
    const facts = this.#held.get(key) ?? new Map<VolumeId, Held>();
    this.#held.set(key, facts);
    const firstAt = facts.get(volume)?.firstAt ?? this.#now;
    facts.delete(volume);
    facts.set(volume, { firstAt, lastAt: this.#now, lastBuild: build });
  }

  #plan(at: number, event: Event): void {
    this.#events.push({ at, order: this.#order++, event });
  }

  #happen(event: Event): void {
    switch (event.is) {
      case 'arrival':
        for (const one of this.#workload.units) {
          if (one.unit.build !== event.build) continue;
          this.#units.set(one.unit.id, one);
          this.#queued.push(one);
        }
        break;
      case 'ready': {
        const host = this.#hosts.get(event.host);
        if (host !== undefined) host.state = { is: 'ready' };
        break;
      }
      case 'end':
        this.#end(event.unit, event.host);
        break;
      case 'loss':
        this.#lose();
        break;
      case 'look':
        this.#isLooking = false;
        break;
    }
  }

  #end(id: UnitId, on: HostId): void {
    const host = this.#hosts.get(on);
    const running = host?.running.get(id);
    if (host === undefined || running?.endMs !== this.#now) return;
    host.running.delete(id);
    this.#done.add(id);
    this.#hold(running.unit.key, host.host.volume, running.unit.build);
    for (const carry of running.carries) {
      const need = this.#units.get(carry.unit)?.unit;
      if (need !== undefined) this.#hold(need.key, host.host.volume, need.build);
    }
    const { startedAt: startMs, isColdEverywhere } = running;
    this.#runs.push({ unit: id, host: on, startMs, endMs: this.#now, isLost: false, isColdEverywhere });
  }

  #lose(): void {
    const able = [...this.#hosts.values()].filter(({ state }) => state.is === 'ready');
    if (able.length === 0) return;
    const { host, running } = this.#random.pick(able);
    this.#hosts.delete(host.id);
    this.#lost.set(host.id, this.#now);
    const volume = this.#volumes.get(host.volume);
    if (volume !== undefined) this.#volumes.set(volume.id, { ...volume, isGone: true });
    const loss = afterLoss([...running.values()], this.#lostBefore);
    for (const [id, times] of loss.again) {
      this.#lostBefore.set(id, times);
      const again = this.#units.get(id);
      if (again !== undefined) this.#queued.push(again);
    }
    for (const id of loss.givenUp) this.#giveUp(id);
    for (const { unit, startedAt: startMs, isColdEverywhere } of running.values()) {
      this.#runs.push({ unit: unit.id, host: host.id, startMs, endMs: this.#now, isLost: true, isColdEverywhere });
    }
  }

  /** A unit that failed takes those with it that need it, as the runtime would. */
  #giveUp(id: UnitId): void {
    this.#givenUp.push(id);
    const behind = this.#queued.filter(({ unit }) => unit.needs.includes(id));
    this.#queued = this.#queued.filter(({ unit }) => !unit.needs.includes(id));
    for (const { unit } of behind) this.#giveUp(unit.id);
  }

  #decide(): void {
    const fleet: Fleet = {
      settings: this.#world.settings,
      launchable: this.#workload.platforms,
      hosts: [...this.#hosts.values()].map(({ host, state, running }) => ({
        ...host,
        state,
        running: [...running.values()],
      })),
      volumes: this.#volumes,
      queued: this.#queued,
      units: this.#units,
      done: this.#done,
      held: this.#held,
      weights: this.#workload.weights,
      shares: this.#shares,
    };
    const decision = decide(fleet, this.#now);
    this.#decisions++;
    this.#watch(fleet, decision, this.#now);
    this.#shares = decision.shares;
    const facts = new CacheFacts(fleet);
    for (const { unit: id, host: on, expectedMs, carries } of decision.assign) {
      const queued = this.#units.get(id);
      const host = this.#hosts.get(on);
      if (queued === undefined || host === undefined) throw new Error(`${id} was given to ${on}, which is not there`);
      const endMs = this.#now + this.#reallyTakes(queued.unit, host, { facts, carries });
      const isColdEverywhere = ![...this.#volumes.values()].some(
        (volume) => volume.isGone !== true && facts.warmth(volume.id, queued.unit.key, queued.unit.build) !== 'cold',
      );
      host.running.set(id, { unit: queued.unit, startedAt: this.#now, expectedMs, endMs, carries, isColdEverywhere });
      this.#plan(endMs, { is: 'end', unit: id, host: on });
    }
    const placed = new Set(decision.assign.map(({ unit }) => unit));
    if (placed.size > 0) this.#queued = this.#queued.filter(({ unit }) => !placed.has(unit.id));
    for (const { architecture, from } of decision.launch) {
      const volume = from?.copy === false ? from.volume : this.#addVolume(architecture, from?.volume);
      const readyMs = this.#now + this.#world.settings.startUpMs;
      const id = this.#addHost(architecture, volume, { is: 'starting', since: this.#now }, readyMs);
      this.#launches++;
      this.#plan(readyMs, { is: 'ready', host: id });
    }
    for (const { host } of decision.stop) this.#hosts.delete(host);
    if (!this.#isLooking && this.#isWorthALook(decision)) {
      this.#isLooking = true;
      this.#plan(this.#now + LOOK_MS, { is: 'look' });
    }
  }

  /** Whether time alone may change a decision: a host that is waited for is late, or a further one could be launched. */
  #isWorthALook({ wait }: Decision): boolean {
    const hasRoom = this.#hosts.size < this.#world.settings.maxHosts * this.#workload.platforms.size;
    return wait.some(
      ({ reason }) => reason.is === 'better-host' || (reason.is === 'full' && hasRoom) || reason.is === 'starting',
    );
  }

  #reallyTakes(
    unit: Unit,
    { host, running }: MutableHost,
    { facts, carries }: { readonly facts: CacheFacts; readonly carries: readonly Carry[] },
  ): number {
    const { handOverMs } = this.#world.settings;
    const real = this.#workload.real;
    const own = (one: Unit): number => {
      const { coldMs, warmMs } = real(one.key);
      return facts.warmth(host.volume, one.key, one.build) === 'cold' ? coldMs : warmMs;
    };
    let ms = own(unit);
    for (const twin of running.values()) {
      if (twin.unit.fingerprint === unit.fingerprint && twin.unit.build !== unit.build) {
        ms = Math.min(ms, twin.endMs - this.#now + real(unit.key).warmMs);
      }
    }
    let carryMs = 0;
    for (const { unit: id, by } of carries) {
      const need = this.#units.get(id)?.unit;
      if (need !== undefined && by === 'building') carryMs += own(need);
    }
    if (carries.some(({ by }) => by === 'handing')) carryMs += handOverMs ?? Infinity;
    return Math.max(1, Math.ceil(ms + carryMs));
  }
}
