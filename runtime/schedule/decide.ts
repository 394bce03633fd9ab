import { scaleDown, scaleUp } from './autoscale.ts';
import { CacheFacts } from './cache-facts.ts';
import { Costs } from './costs.ts';
import type { Assign, Decision, Launch, Stop, Wait } from './decision.ts';
import { remainingMs } from './elapsed.ts';
import type { Fleet, HostId, IdleCount, QueuedUnit, Shares, UnixMs } from './fleet.ts';
import { Launches } from './launches.ts';
import { Offers } from './offers.ts';
import { place } from './place.ts';
import type { HostSlots } from './slots.ts';
import { Slots } from './slots.ts';
import type { Claim } from './turns.ts';
import { Turns } from './turns.ts';
import type { BuildId, UnitId } from './unit.ts';

const NO_SHARES: Shares = { turn: 0, virtualMs: 0, builds: new Map() };

/**
 * What is to be done about a project now: which units start on which hosts and why the others wait, which hosts are to be
 * launched from which cache, and which to be stopped. A pure function of the fleet and the time; whoever calls it does
 * what it says, tells the fleet so, and asks again when anything has changed, or after a while. Takes O(n log n) for
 * units and hosts together.
 */
export function decide(fleet: Fleet, now: UnixMs): Decision {
  const facts = new CacheFacts(fleet);
  const costs = new Costs(fleet, facts, now);
  const assign: Assign[] = [];
  const wait: Wait[] = [];
  const launch: Launch[] = [];
  const stop: Stop[] = [];
  const shares = new Map<string, Shares>();
  const idle = new Map<HostId, IdleCount>();

  const { ready, blocked } = sorted(fleet, wait);
  const architectures = new Set([...fleet.hosts.map(({ architecture }) => architecture), ...ready.keys()]);
  for (const architecture of architectures) {
    const hosts = fleet.hosts.filter((host) => host.architecture === architecture);
    const slots = new Slots(hosts, { settings: fleet.settings, facts, now });
    const claims = claimsOf(ready.get(architecture) ?? new Map(), { fleet, architecture, now });
    const turns = new Turns(claims, fleet.shares.get(architecture) ?? NO_SHARES);
    const launches = new Launches({ fleet, architecture, slots, facts, costs, now });
    const placed = place({
      slots,
      offers: new Offers(fleet, { slots, facts, costs, now }),
      launches,
      turns,
      startUpMs: fleet.settings.startUpMs,
      now,
      architecture,
      launchable: fleet.launchable.get(architecture) ?? [],
      groupHosts: fleet.settings.split ? undefined : groupHosts(fleet, slots),
    });
    assign.push(...placed.assign);
    wait.push(...placed.wait);
    scaleUp({ fleet, slots, launches, facts, waiting: placed.waiting, now });
    launch.push(...launches.all);
    const down = scaleDown({
      fleet,
      architecture,
      assigned: new Set(placed.assign.map(({ host }) => host)),
      isWanted: placed.wait.length > 0 || blocked.has(architecture),
      now,
    });
    stop.push(...down.stop);
    for (const [host, count] of down.idle) idle.set(host, count);
    shares.set(architecture, turns.shares);
  }
  return { assign, wait, launch, stop, shares, idle };
}

type ByBuild = Map<BuildId, QueuedUnit[]>;

/** The units that could run, by architecture and build, the most urgent first; for the others it is noted what they wait for. */
function sorted(
  { queued, done }: Fleet,
  wait: Wait[],
): { readonly ready: ReadonlyMap<string, ByBuild>; readonly blocked: ReadonlySet<string> } {
  const ready = new Map<string, ByBuild>();
  const blocked = new Set<string>();
  for (const one of queued) {
    const { unit } = one;
    const missing = unit.needs.find((need) => !done.has(need));
    if (missing !== undefined) {
      wait.push({ unit: unit.id, reason: { is: 'needs', unit: missing } });
      blocked.add(unit.architecture);
      continue;
    }
    const builds: ByBuild = ready.get(unit.architecture) ?? new Map<BuildId, QueuedUnit[]>();
    ready.set(unit.architecture, builds);
    const units = builds.get(unit.build);
    if (units === undefined) builds.set(unit.build, [one]);
    else units.push(one);
  }
  for (const builds of ready.values()) {
    for (const units of builds.values()) units.sort((one, other) => other.rankMs - one.rankMs);
  }
  return { ready, blocked };
}

function claimsOf(
  ready: ReadonlyMap<BuildId, readonly QueuedUnit[]>,
  { fleet, architecture, now }: { readonly fleet: Fleet; readonly architecture: string; readonly now: UnixMs },
): readonly Claim[] {
  const remaining = new Map<BuildId, number>();
  for (const host of fleet.hosts) {
    if (host.architecture !== architecture) continue;
    for (const one of host.running) {
      const { build } = one.unit;
      remaining.set(build, (remaining.get(build) ?? 0) + remainingMs(one, now));
    }
  }
  return [...new Set([...ready.keys(), ...remaining.keys()])].map((build) => ({
    build,
    weight: fleet.weights.get(build) ?? 1,
    remainingMs: remaining.get(build) ?? 0,
    ready: ready.get(build) ?? [],
  }));
}

/** Where linked targets are, by their groups: where one of them runs, or was built for this build. */
function groupHosts(fleet: Fleet, slots: Slots): ReadonlyMap<UnitId, HostSlots> {
  const found = new Map<UnitId, HostSlots>();
  const byVolume = new Map(slots.all.map((one) => [one.host.volume, one]));
  for (const { unit } of fleet.units.values()) {
    if (!fleet.done.has(unit.id)) continue;
    for (const [volume, { lastBuild }] of fleet.held.get(unit.key) ?? []) {
      const host = byVolume.get(volume);
      if (lastBuild === unit.build && host !== undefined) found.set(unit.group, host);
    }
  }
  for (const one of slots.all) for (const { unit } of one.host.running) found.set(unit.group, one);
  return found;
}
