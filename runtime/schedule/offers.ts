import type { CacheFacts } from './cache-facts.ts';
import type { Cost, Costs } from './costs.ts';
import type { Fleet, QueuedUnit, UnixMs, VolumeId } from './fleet.ts';
import type { HostClass, HostSlots, Slots } from './slots.ts';

/** Of the volumes that hold something, so many are looked at, and so many of their hosts considered. */
const LOOKED_AT = 64;
const CONSIDERED = 4;

/** Building a linked target once more must win this share of what that takes, or its users stay where it is. */
const SPLIT_MARGIN = 0.1;

/** What a host would do for a unit. */
export interface Offer {
  readonly slots: HostSlots;
  readonly startAt: UnixMs;
  readonly cost: Cost;
  readonly doneAt: UnixMs;
  /** What it costs others that the unit is built here. */
  readonly handicapMs: number;
}

/** Finds the host that would be done with a unit first, without asking them all. */
export class Offers {
  readonly #fleet: Fleet;
  readonly #slots: Slots;
  readonly #facts: CacheFacts;
  readonly #costs: Costs;
  readonly #now: UnixMs;

  constructor(
    fleet: Fleet,
    { slots, facts, costs, now }: { slots: Slots; facts: CacheFacts; costs: Costs; now: UnixMs },
  ) {
    this.#fleet = fleet;
    this.#slots = slots;
    this.#facts = facts;
    this.#costs = costs;
    this.#now = now;
  }

  of(queued: QueuedUnit, slots: HostSlots): Offer {
    const startAt = Math.max(this.#now, slots.freeAt);
    const cost = this.#costs.on(queued, slots.host, startAt);
    const doneAt = startAt + cost.carryMs + cost.ownMs;
    return { slots, startAt, cost, doneAt, handicapMs: this.#handicapMs(queued, cost) };
  }

  /**
   * The best of: the hosts that are free first, those with the volumes that hold the unit or what it needs, the first free
   * copies of these, and those that build the same just now.
   */
  best(queued: QueuedUnit, fitting: readonly HostClass[]): Offer | undefined {
    const asked = new Set<HostSlots>();
    let best: Offer | undefined;
    const ask = (slots: HostSlots | undefined): void => {
      if (slots === undefined || asked.has(slots)) return;
      asked.add(slots);
      const offer = this.of(queued, slots);
      if (best === undefined || isBetter(offer, best)) best = offer;
    };
    for (const one of fitting) ask(one.first());
    for (const volumes of this.#holders(queued)) this.#askHolders(volumes, fitting, ask);
    for (const { host } of this.#costs.sharing(queued.unit)) ask(this.#slots.ofHost(host, fitting));
    return best;
  }

  /**
   * A unit that leaves the host of what it is made with will be missed there by those that are made with it and with its
   * siblings; and what it has built once more for it is work for nothing.
   */
  #handicapMs({ unit }: QueuedUnit, { carries, carryMs, ownMs }: Cost): number {
    if (carries.length === 0) return 0;
    const { handOverMs = ownMs } = this.#fleet.settings;
    return SPLIT_MARGIN * carryMs + (unit.isNeeded ? handOverMs : 0);
  }

  *#holders({ unit }: QueuedUnit): Generator<Iterable<VolumeId>> {
    const own = unit.noCache ? undefined : this.#facts.places(unit.key);
    if (own !== undefined) yield own.keys();
    for (const id of unit.needs) {
      const need = this.#fleet.units.get(id)?.unit;
      const places = need === undefined ? undefined : this.#facts.places(need.key);
      if (places !== undefined) yield places.keys();
    }
  }

  #askHolders(
    volumes: Iterable<VolumeId>,
    fitting: readonly HostClass[],
    ask: (slots: HostSlots | undefined) => void,
  ): void {
    let looked = 0;
    let considered = 0;
    let soonest: HostSlots | undefined;
    const roots = new Set<VolumeId>();
    for (const volume of volumes) {
      if (looked++ >= LOOKED_AT || considered >= CONSIDERED) break;
      roots.add(this.#facts.root(volume));
      const slots = this.#slots.onVolume(volume, fitting);
      if (slots === undefined) continue;
      if (slots.freeAt <= this.#now) {
        considered++;
        ask(slots);
      } else if (soonest === undefined || slots.freeAt < soonest.freeAt) soonest = slots;
    }
    ask(soonest);
    for (const root of roots) for (const one of fitting) ask(one.firstOf(root));
  }
}

/** Done sooner, with what follows from it weighed in; then started sooner; then first in the list. */
function isBetter(one: Offer, other: Offer): boolean {
  const [a, b] = [one.doneAt + one.handicapMs, other.doneAt + other.handicapMs];
  if (a !== b) return a < b;
  if (one.startAt !== other.startAt) return one.startAt < other.startAt;
  return one.slots.order < other.slots.order;
}
