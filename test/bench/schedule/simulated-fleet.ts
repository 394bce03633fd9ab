import { CacheFacts } from '../../../runtime/schedule/cache-facts.ts';
import type { Assign, Carry, Launch } from '../../../runtime/schedule/decision.ts';
import type {
  Fleet,
  Held,
  Host,
  HostId,
  QueuedUnit,
  RunningUnit,
  Settings,
  Shares,
  Took,
  UnixMs,
  Volume,
  VolumeId,
} from '../../../runtime/schedule/fleet.ts';
import type { Loss } from '../../../runtime/schedule/loss.ts';
import { afterLoss } from '../../../runtime/schedule/loss.ts';
import type { BuildId, Unit, UnitId, UnitKey } from '../../../runtime/schedule/unit.ts';
import type { Workload } from './workload.ts';

/** A unit on a simulated host, with what only the simulation knows: when it will end. */
export interface SimulatedRun extends RunningUnit {
  readonly endMs: number;
  readonly carries: readonly Carry[];
  readonly took: Took;
}

export interface SimulatedHost {
  readonly host: Omit<Host, 'state' | 'running'>;
  state: Host['state'];
  /** When it is, or was, ready. */
  readonly readyMs: number;
  readonly running: Map<UnitId, SimulatedRun>;
}

/** The hosts, volumes and queues of a project, as a control plane would keep them. */
export class SimulatedFleet {
  readonly settings: Settings;
  readonly hosts = new Map<HostId, SimulatedHost>();
  readonly volumes = new Map<VolumeId, Volume>();
  readonly held = new Map<UnitKey, Map<VolumeId, Held>>();
  readonly units = new Map<UnitId, QueuedUnit>();
  readonly done = new Map<UnitId, Took>();
  queued: QueuedUnit[] = [];
  shares: ReadonlyMap<string, Shares> = new Map();
  readonly #workload: Workload;
  readonly #lostBefore = new Map<UnitId, number>();
  #hostCount = 0;

  constructor(settings: Settings, workload: Workload) {
    this.settings = settings;
    this.#workload = workload;
  }

  /** What the scheduler is shown. */
  view(): Fleet {
    return {
      settings: this.settings,
      launchable: this.#workload.platforms,
      hosts: [...this.hosts.values()].map(({ host, state, running }) => ({
        ...host,
        state,
        running: [...running.values()],
      })),
      volumes: this.volumes,
      queued: this.queued,
      units: this.units,
      done: this.done,
      held: this.held,
      weights: this.#workload.weights,
      shares: this.shares,
    };
  }

  submit(build: BuildId): void {
    for (const one of this.#workload.units) {
      if (one.unit.build !== build) continue;
      this.units.set(one.unit.id, one);
      this.queued.push(one);
    }
  }

  addVolume(architecture: string, from: VolumeId | undefined, now: UnixMs): VolumeId {
    const id = `volume-${this.volumes.size}` as VolumeId;
    const copyOf = from === undefined ? {} : { copyOf: { volume: from, at: now } };
    this.volumes.set(id, { id, architecture, usedAt: now, ...copyOf });
    return id;
  }

  addHost(architecture: string, volume: VolumeId, state: Host['state'], readyMs: number): HostId {
    const id = `host-${architecture}-${this.#hostCount++}` as HostId;
    const platforms = this.#workload.platforms.get(architecture) ?? [];
    this.hosts.set(id, { host: { id, architecture, platforms, volume }, state, readyMs, running: new Map() });
    return id;
  }

  launch({ architecture, from }: Launch, now: UnixMs): HostId {
    const volume = from?.copy === false ? from.volume : this.addVolume(architecture, from?.volume, now);
    return this.addHost(architecture, volume, { is: 'starting', since: now }, now + this.settings.startUpMs);
  }

  /** Starts a unit and tells when it will end. */
  begin({ unit: id, host: on, expectedMs, carries }: Assign, now: UnixMs): number {
    const queued = this.units.get(id);
    const host = this.hosts.get(on);
    if (queued === undefined || host === undefined) throw new Error(`${id} was given to ${on}, which is not there`);
    const { unit } = queued;
    const facts = new CacheFacts(this);
    const isWarm = facts.warmth(host.host.volume, unit.key, unit.build) !== 'cold';
    const took = { ms: this.#ownMs(unit, host, facts, now), isWarm };
    const endMs = now + Math.max(1, Math.ceil(took.ms + this.#carryMs(carries, host, facts)));
    host.running.set(id, { unit, startedAt: now, expectedMs, endMs, carries, took });
    return endMs;
  }

  /** Ends a unit that has not been lost since. */
  end(id: UnitId, on: HostId, now: UnixMs): SimulatedRun | undefined {
    const host = this.hosts.get(on);
    const run = host?.running.get(id);
    if (host === undefined || run === undefined || run.endMs !== now) return undefined;
    host.running.delete(id);
    this.done.set(id, run.took);
    this.hold(run.unit.key, host.host.volume, run.unit.build, now);
    for (const carry of run.carries) {
      const need = this.units.get(carry.unit)?.unit;
      if (need !== undefined) this.hold(need.key, host.host.volume, need.build, now);
    }
    return run;
  }

  /** Notes that a unit was built on a volume. */
  hold(key: UnitKey, volume: VolumeId, build: BuildId, now: UnixMs): void {
    const facts = this.held.get(key) ?? new Map<VolumeId, Held>();
    this.held.set(key, facts);
    facts.set(volume, { firstAt: facts.get(volume)?.firstAt ?? now, lastAt: now, lastBuild: build });
  }

  /** Takes a host away, its volume with it or not, and queues its units again. */
  lose(id: HostId, isVolumeLost: boolean): Loss {
    const lost = this.hosts.get(id);
    if (lost === undefined) return { again: new Map(), givenUp: [] };
    this.hosts.delete(id);
    const volume = this.volumes.get(lost.host.volume);
    if (volume !== undefined && isVolumeLost) this.volumes.set(volume.id, { ...volume, isGone: true });
    const loss = afterLoss([...lost.running.values()], this.view(), this.#lostBefore);
    for (const [unit, times] of loss.again) {
      this.#lostBefore.set(unit, times);
      this.done.delete(unit);
      const again = this.units.get(unit);
      if (again !== undefined) this.queued.push(again);
    }
    return loss;
  }

  /** Takes a unit that failed off the queue, and all that need it; tells which. */
  fail(id: UnitId): readonly UnitId[] {
    const behind = this.queued.filter(({ unit }) => unit.needs.includes(id));
    this.queued = this.queued.filter(({ unit }) => unit.id !== id && !unit.needs.includes(id));
    return [id, ...behind.flatMap(({ unit }) => this.fail(unit.id))];
  }

  /** What a unit really takes on a volume, by itself. */
  realMs({ key, build }: Unit, volume: VolumeId, facts: CacheFacts): number {
    const { coldMs, warmMs } = this.#workload.real(key);
    return facts.warmth(volume, key, build) === 'cold' ? coldMs : warmMs;
  }

  coldMs({ key }: Unit): number {
    return this.#workload.real(key).coldMs;
  }

  #ownMs(unit: Unit, { host, running }: SimulatedHost, facts: CacheFacts, now: UnixMs): number {
    let ms = this.realMs(unit, host.volume, facts);
    for (const twin of running.values()) {
      const isSame = twin.unit.fingerprint === unit.fingerprint && twin.unit.build !== unit.build;
      if (isSame) ms = Math.min(ms, twin.endMs - now + this.#workload.real(unit.key).warmMs);
    }
    return ms;
  }

  #carryMs(carries: readonly Carry[], { host }: SimulatedHost, facts: CacheFacts): number {
    let ms = carries.some(({ by }) => by === 'handing') ? (this.settings.handOverMs ?? Infinity) : 0;
    for (const { unit: id, by } of carries) {
      const need = this.units.get(id)?.unit;
      if (need !== undefined && by === 'building') ms += this.realMs(need, host.volume, facts);
    }
    return ms;
  }
}
