import type { Assign, AssignReason, Wait, WaitReason } from './decision.ts';
import type { QueuedUnit, UnixMs } from './fleet.ts';
import type { Launches } from './launches.ts';
import type { Offer, Offers } from './offers.ts';
import type { HostClass, HostSlots, Slots } from './slots.ts';
import type { Turns } from './turns.ts';
import type { Unit, UnitId } from './unit.ts';

export interface PlaceOptions {
  readonly slots: Slots;
  readonly offers: Offers;
  readonly launches: Launches;
  readonly turns: Turns;
  readonly startUpMs: number;
  readonly now: UnixMs;
  readonly architecture: string;
  /** What a host builds that is launched. */
  readonly launchable: readonly string[];
  /** Where the groups are that may not be split, as far as they are anywhere; undefined where all may. */
  readonly groupHosts: ReadonlyMap<UnitId, HostSlots> | undefined;
}

export interface Placed {
  readonly assign: readonly Assign[];
  readonly wait: readonly Wait[];
  /** Those that any further host could help: what the autoscaler is to see. */
  readonly waiting: readonly QueuedUnit[];
}

/**
 * Gives units that could run to hosts of one architecture: in the order of turns, each to the host that is expected to be
 * done with it first, which seldom is one that lacks its caches. Where that is a host that is busy still, the unit waits
 * for it. Nothing is placed that could not start at once.
 */
export function place(options: PlaceOptions): Placed {
  const { slots, offers, turns, now, architecture } = options;
  const assign: Assign[] = [];
  const wait: Wait[] = [];
  const waiting: QueuedUnit[] = [];
  const groupHosts = new Map(options.groupHosts);
  const noPlace = new NoPlace(options);

  for (let queued = turns.next(); queued !== undefined; queued = turns.next()) {
    const { unit } = queued;
    const fitting = slots.fitting(unit.platforms);
    const bound = groupHosts.get(unit.group);
    if (bound === undefined && fitting.every((one) => !isFree(one, now))) {
      const reason = noPlace.reason(unit, fitting);
      wait.push({ unit: unit.id, reason });
      if (reason.is !== 'unfit') waiting.push(queued);
      turns.passed();
      continue;
    }
    const offer = bound === undefined ? offers.best(queued, fitting) : offers.of(queued, bound);
    if (offer === undefined) throw new Error(`no host offers anything for unit ${unit.id}, though one is free`);
    if (bound === undefined && isLaunchedFor(queued, offer, options)) {
      wait.push({ unit: unit.id, reason: { is: 'starting', architecture, readyInMs: options.startUpMs } });
      turns.passed();
      continue;
    }
    const expectedMs = offer.cost.carryMs + offer.cost.ownMs;
    slots.take(offer.slots, offer.startAt + expectedMs);
    if (offer.startAt > now) {
      const reason = bound === undefined ? betterHost(offer, now) : together(offer, now);
      wait.push({ unit: unit.id, reason });
      turns.passed();
      continue;
    }
    if (options.groupHosts !== undefined) groupHosts.set(unit.group, offer.slots);
    turns.placed(expectedMs);
    const { carries } = offer.cost;
    assign.push({ unit: unit.id, host: offer.slots.host.id, expectedMs, carries, reason: assignReason(offer, unit) });
  }
  return { assign, wait, waiting };
}

/**
 * Launches a host for a unit, if the cache that it starts with wins more time than the start takes, and that again, over
 * what the hosts offer that there are.
 */
function isLaunchedFor(queued: QueuedUnit, best: Offer, { launches, slots, startUpMs, now }: PlaceOptions): boolean {
  const least = now + startUpMs + Math.min(queued.expected.warmMs, queued.expected.coldMs);
  if (launches.room <= 0 || best.doneAt - least <= startUpMs) return false;
  const offer = launches.offer(queued);
  if (offer === undefined || best.doneAt - offer.doneAt <= startUpMs) return false;
  const reason = { is: 'cache', unit: queued.unit.id, savesMs: best.doneAt - offer.doneAt } as const;
  slots.take(launches.open(offer.volume, reason), offer.doneAt);
  return true;
}

function isFree(one: HostClass, now: UnixMs): boolean {
  const first = one.first();
  return first !== undefined && first.freeAt <= now;
}

function assignReason({ cost }: Offer, unit: Unit): AssignReason {
  if (cost.sharedWith !== undefined) return { is: 'shared', with: cost.sharedWith };
  if (cost.isWarm) return { is: 'warm' };
  return unit.needs.length > 0 && cost.carries.length === 0 ? { is: 'linked' } : { is: 'free' };
}

function betterHost({ slots, startAt }: Offer, now: UnixMs): WaitReason {
  return { is: 'better-host', host: slots.host.id, freeInMs: startAt - now };
}

function together({ slots, startAt }: Offer, now: UnixMs): WaitReason {
  return { is: 'together', host: slots.host.id, freeInMs: startAt - now };
}

/** Why no host takes a unit now. Thousands of units wait for the same reason, which is then one object. */
class NoPlace {
  readonly #options: PlaceOptions;
  readonly #reasons = new Map<readonly HostClass[], WaitReason>();

  constructor(options: PlaceOptions) {
    this.#options = options;
  }

  reason({ platforms }: Unit, fitting: readonly HostClass[]): WaitReason {
    const { architecture, launchable } = this.#options;
    if (fitting.length === 0 && platforms.some((platform) => !launchable.includes(platform))) {
      return { is: 'unfit', architecture, platforms };
    }
    const known = this.#reasons.get(fitting);
    if (known !== undefined) return known;
    const reason = this.#full(fitting);
    this.#reasons.set(fitting, reason);
    return reason;
  }

  #full(fitting: readonly HostClass[]): WaitReason {
    const { architecture, now } = this.#options;
    const hosts = fitting.reduce((sum, one) => sum + one.hosts, 0);
    const first = fitting.flatMap((one) => one.first() ?? []).sort((one, other) => one.freeAt - other.freeAt)[0];
    if (first === undefined) return { is: 'full', architecture, hosts };
    const freeInMs = first.freeAt - now;
    if (first.host.state.is === 'starting') return { is: 'starting', architecture, readyInMs: freeInMs };
    return { is: 'full', architecture, hosts, freeInMs };
  }
}
