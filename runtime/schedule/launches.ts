import type { CacheFacts } from './cache-facts.ts';
import type { Cost, Costs } from './costs.ts';
import type { Launch, LaunchReason } from './decision.ts';
import type { Fleet, Host, HostId, QueuedUnit, UnixMs, VolumeId } from './fleet.ts';
import { LaunchSources } from './launch-sources.ts';
import type { HostSlots, Slots } from './slots.ts';

/** So many of the volumes that hold something are weighed for a launch. */
const WEIGHED = 8;

/** A host that could be launched for a unit. */
export interface LaunchOffer {
  readonly volume: VolumeId;
  readonly cost: Cost;
  readonly doneAt: UnixMs;
}

export interface LaunchesOptions {
  readonly fleet: Fleet;
  readonly architecture: string;
  readonly slots: Slots;
  readonly facts: CacheFacts;
  readonly costs: Costs;
  readonly now: UnixMs;
}

/** The hosts of one architecture that a decision launches: never more than the project allows. */
export class Launches {
  readonly all: Launch[] = [];
  readonly #options: LaunchesOptions;
  readonly #platforms: readonly string[] | undefined;
  readonly #inUse: Set<VolumeId>;
  readonly #most: number;

  constructor(options: LaunchesOptions) {
    const { fleet, architecture } = options;
    this.#options = options;
    this.#platforms = fleet.launchable.get(architecture);
    this.#inUse = new Set(fleet.hosts.map(({ volume }) => volume));
    const hosts = fleet.hosts.filter((host) => host.architecture === architecture).length;
    const isPossible = this.#platforms !== undefined && fleet.settings.maxBuildsPerHost > 0;
    this.#most = isPossible ? Math.max(0, fleet.settings.maxHosts - hosts) : 0;
  }

  /** How many more may be launched. */
  get room(): number {
    return this.#most - this.all.length;
  }

  /** The new host that would be done with a unit first, because of what the volume holds that it starts with. */
  offer(queued: QueuedUnit): LaunchOffer | undefined {
    const { fleet, facts, costs, now } = this.#options;
    const { unit } = queued;
    if (this.room <= 0 || !unit.platforms.every((platform) => this.#platforms?.includes(platform))) return undefined;
    const volumes = new Set<VolumeId>();
    const keys = [unit, ...unit.needs.flatMap((id) => fleet.units.get(id)?.unit ?? [])].map(({ key }) => key);
    for (const key of keys) {
      for (const volume of facts.places(key)?.keys() ?? []) {
        if (volumes.size >= WEIGHED) break;
        if (this.#isUsable(volume)) volumes.add(volume);
      }
    }
    const readyAt = now + fleet.settings.startUpMs;
    let best: LaunchOffer | undefined;
    for (const volume of volumes) {
      const cost = costs.on(queued, this.#host(volume), readyAt);
      const doneAt = readyAt + cost.carryMs + cost.ownMs;
      if (best === undefined || doneAt < best.doneAt) best = { volume, cost, doneAt };
    }
    return best;
  }

  /** Launches a host with a volume, or a copy of it where another host uses it. */
  open(volume: VolumeId | undefined, reason: LaunchReason): HostSlots {
    const { architecture, slots } = this.#options;
    const from = volume === undefined ? {} : { from: { volume, copy: this.#inUse.has(volume) } };
    const host = this.#host(volume ?? (`new-${this.all.length}` as VolumeId));
    if (volume !== undefined) this.#inUse.add(volume);
    this.all.push({ architecture, ...from, reason });
    return slots.add(host);
  }

  /** The volumes to start with that are worth most to these units. */
  sources(waiting: readonly QueuedUnit[]): LaunchSources {
    const { fleet, architecture } = this.#options;
    return new LaunchSources(fleet, { architecture, waiting, inUse: this.#inUse });
  }

  #isUsable(volume: VolumeId): boolean {
    const known = this.#options.fleet.volumes.get(volume);
    return known !== undefined && known.isGone !== true && known.architecture === this.#options.architecture;
  }

  #host(volume: VolumeId): Host {
    const { architecture, now } = this.#options;
    return {
      id: `launch-${architecture}-${this.all.length}` as HostId,
      architecture,
      platforms: this.#platforms ?? [],
      volume,
      state: { is: 'starting', since: now },
      running: [],
    };
  }
}
