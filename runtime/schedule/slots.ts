import type { CacheFacts } from './cache-facts.ts';
import { elapsedMs, remainingMs } from './elapsed.ts';
import type { Host, HostId, Settings, UnixMs, VolumeId } from './fleet.ts';
import { Heap } from './heap.ts';

/** One host, and when each of its places for units becomes free. */
export class HostSlots {
  readonly host: Host;
  /** Where it stands among the hosts that were given: of equal ones the first is taken. */
  readonly order: number;
  /** How often it was taken. */
  version = 0;
  readonly #freeAt: UnixMs[];
  readonly #now: UnixMs;

  constructor(host: Host, order: number, { maxBuildsPerHost, startUpMs }: Settings, now: UnixMs) {
    this.host = host;
    this.order = order;
    this.#now = now;
    const ends = host.running.map((one) => now + remainingMs(one, now)).sort((one, other) => one - other);
    const readyAt = host.state.is === 'starting' ? startEnd(host.state.since, startUpMs, now) : now;
    const free = Array.from({ length: Math.max(0, maxBuildsPerHost - ends.length) }, () => readyAt);
    this.#freeAt = [...free, ...ends.slice(Math.max(0, ends.length - maxBuildsPerHost))];
  }

  /** When the next place becomes free; not after the time it was asked about if there is one. */
  get freeAt(): UnixMs {
    return this.#freeAt[0] ?? Infinity;
  }

  /** When its places become free, the soonest first. */
  get allFreeAt(): readonly UnixMs[] {
    return this.#freeAt;
  }

  get freePlaces(): number {
    let count = 0;
    while (count < this.#freeAt.length && (this.#freeAt[count] ?? Infinity) <= this.#now) count++;
    return count;
  }

  /** Takes the place that is free first, until a moment. */
  take(until: UnixMs): void {
    const places = this.#freeAt;
    let at = 0;
    for (; at + 1 < places.length; at++) {
      const next = places[at + 1] ?? until;
      if (next >= until) break;
      places[at] = next;
    }
    places[at] = until;
    this.version++;
  }
}

interface Entry {
  readonly slots: HostSlots;
  readonly version: number;
  readonly freeAt: UnixMs;
  readonly busy: number;
}

/** Sooner free, then less busy, then first in the list. */
function isBefore(one: Entry, other: Entry): boolean {
  if (one.freeAt !== other.freeAt) return one.freeAt < other.freeAt;
  return one.busy !== other.busy ? one.busy < other.busy : one.slots.order < other.slots.order;
}

/** Hosts that build the same platforms, and the one among them that is free first; by the volume they stem from as well. */
export class HostClass {
  readonly platforms: readonly string[];
  hosts = 0;
  readonly #all = new Heap<Entry>(isBefore);
  readonly #byRoot = new Map<VolumeId, Heap<Entry>>();

  constructor(platforms: readonly string[]) {
    this.platforms = platforms;
  }

  /** Puts a host in, again after it was taken. */
  enter(slots: HostSlots, root: VolumeId): void {
    const { version, freeAt } = slots;
    const entry = { slots, version, freeAt, busy: slots.allFreeAt.length - slots.freePlaces };
    this.#all.push(entry);
    const heap = this.#byRoot.get(root) ?? new Heap<Entry>(isBefore);
    this.#byRoot.set(root, heap);
    heap.push(entry);
  }

  first(): HostSlots | undefined {
    return top(this.#all);
  }

  firstOf(root: VolumeId): HostSlots | undefined {
    const heap = this.#byRoot.get(root);
    return heap === undefined ? undefined : top(heap);
  }
}

/** The first entry that is still true: a host that was taken since has a newer one. */
function top(heap: Heap<Entry>): HostSlots | undefined {
  for (let entry = heap.peek(); entry !== undefined; entry = heap.peek()) {
    if (entry.version === entry.slots.version) return entry.slots;
    heap.pop();
  }
  return undefined;
}

interface Known {
  readonly slots: HostSlots;
  readonly of: HostClass;
  readonly root: VolumeId;
}

export interface SlotsOptions {
  readonly settings: Settings;
  readonly facts: CacheFacts;
  readonly now: UnixMs;
}

/** The hosts of one architecture while units are placed on them. */
export class Slots {
  readonly all: HostSlots[] = [];
  readonly #options: SlotsOptions;
  readonly #classes = new Map<string, HostClass>();
  readonly #byVolume = new Map<VolumeId, Known>();
  readonly #byHost = new Map<HostId, Known>();
  readonly #fitting = new Map<string, readonly HostClass[]>();

  constructor(hosts: readonly Host[], options: SlotsOptions) {
    this.#options = options;
    for (const host of hosts) if (host.state.is !== 'stopping') this.add(host);
  }

  /** Takes in a host, also one that is only just launched. */
  add(host: Host): HostSlots {
    const { settings, facts, now } = this.#options;
    const slots = new HostSlots(host, this.all.length, settings, now);
    const signature = host.platforms.length === 1 ? (host.platforms[0] ?? '') : host.platforms.toSorted().join();
    let of = this.#classes.get(signature);
    if (of === undefined) {
      of = new HostClass(host.platforms);
      this.#classes.set(signature, of);
      this.#fitting.clear();
    }
    const root = facts.root(host.volume);
    const known = { slots, of, root };
    of.enter(slots, root);
    of.hosts++;
    this.all.push(slots);
    if (!this.#byVolume.has(host.volume)) this.#byVolume.set(host.volume, known);
    this.#byHost.set(host.id, known);
    return slots;
  }

  /** The classes whose hosts build all these platforms. */
  fitting(platforms: readonly string[]): readonly HostClass[] {
    const signature = platforms.length === 1 ? (platforms[0] ?? '') : platforms.join();
    const known = this.#fitting.get(signature);
    if (known !== undefined) return known;
    const found = [...this.#classes.values()].filter((one) =>
      platforms.every((platform) => one.platforms.includes(platform)),
    );
    this.#fitting.set(signature, found);
    return found;
  }

  /** The host that uses a volume, if it is of one of these classes. */
  onVolume(volume: VolumeId, classes: readonly HostClass[]): HostSlots | undefined {
    const known = this.#byVolume.get(volume);
    return known !== undefined && classes.includes(known.of) ? known.slots : undefined;
  }

  ofHost(host: HostId, classes: readonly HostClass[]): HostSlots | undefined {
    const known = this.#byHost.get(host);
    return known !== undefined && classes.includes(known.of) ? known.slots : undefined;
  }

  take(slots: HostSlots, until: UnixMs): void {
    slots.take(until);
    const known = this.#byHost.get(slots.host.id);
    known?.of.enter(slots, known.root);
  }
}

/** When a host that starts is expected to be ready; one that is late may be so at any moment. */
function startEnd(since: UnixMs, startUpMs: number, now: UnixMs): UnixMs {
  return now + Math.max(1, startUpMs - elapsedMs(since, now));
}
