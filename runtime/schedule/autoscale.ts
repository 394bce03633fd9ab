import type { CacheFacts } from './cache-facts.ts';
import type { Stop } from './decision.ts';
import { countIdle } from './elapsed.ts';
import type { Fleet, Host, HostId, IdleCount, QueuedUnit, UnixMs } from './fleet.ts';
import { Heap } from './heap.ts';
import type { LaunchSources } from './launch-sources.ts';
import type { Launches } from './launches.ts';
import type { Slots } from './slots.ts';

export interface ScaleUpOptions {
  readonly fleet: Fleet;
  /** After units were placed. */
  readonly slots: Slots;
  readonly launches: Launches;
  readonly facts: CacheFacts;
  /** Units that could run and have no host. */
  readonly waiting: readonly QueuedUnit[];
  readonly now: UnixMs;
}

/**
 * Launches hosts: units are put on the hosts that there are as these become free, and one that would wait longer than a
 * host takes to start gets a new host, which later units fill as well. Never more than the project allows.
 */
export function scaleUp({ fleet, slots, launches, facts, waiting, now }: ScaleUpOptions): void {
  if (launches.room <= 0 || waiting.length === 0) return;
  const { maxBuildsPerHost, startUpMs } = fleet.settings;
  let sources: LaunchSources | undefined;
  const freeAt = new Heap<UnixMs>((one, other) => one < other);
  for (const one of slots.all) for (const at of one.allFreeAt) freeAt.push(at);
  for (const { unit, expected } of waiting) {
    const first = freeAt.peek();
    if (first === undefined || first - now > startUpMs) {
      const reason =
        first === undefined
          ? ({ is: 'none-runs', waiting: waiting.length } as const)
          : ({ is: 'queue', waitMs: first - now, startUpMs } as const);
      sources ??= launches.sources(waiting);
      launches.open(sources.next(), reason);
      if (launches.room <= 0) return;
      for (let count = 0; count < maxBuildsPerHost; count++) freeAt.push(now + startUpMs);
    }
    const isWarm = !unit.noCache && facts.places(unit.key) !== undefined;
    freeAt.push((freeAt.pop() ?? now) + (isWarm ? expected.warmMs : expected.coldMs));
  }
}

export interface ScaleDownOptions {
  readonly fleet: Fleet;
  readonly architecture: string;
  /** Hosts that were given units in this very decision. */
  readonly assigned: ReadonlySet<HostId>;
  /** Whether units of this architecture wait for anything. */
  readonly isWanted: boolean;
  readonly now: UnixMs;
}

export interface ScaledDown {
  readonly stop: readonly Stop[];
  readonly idle: ReadonlyMap<HostId, IdleCount>;
}

/**
 * The hosts to stop: those that had nothing to do for the idle time while nothing was queued, and, where the limit was
 * lowered, those beyond it as soon as they have nothing to do. Idle time is counted from look to look, so that a clock
 * that leaps stops nothing.
 */
export function scaleDown({ fleet, architecture, assigned, isWanted, now }: ScaleDownOptions): ScaledDown {
  const { maxHosts, idleMs } = fleet.settings;
  const stop: Stop[] = [];
  const idle = new Map<HostId, IdleCount>();
  const hosts = fleet.hosts.filter((host) => host.architecture === architecture && host.state.is !== 'stopping');
  let over = hosts.length - maxHosts;
  for (const host of hosts.toReversed()) {
    if (!isIdle(host) || assigned.has(host.id)) continue;
    const count = isWanted ? { countedMs: 0, at: now } : countIdle(host.state.idle, now);
    if (over > 0) {
      stop.push({ host: host.id, reason: { is: 'over-limit', maxHosts } });
      over--;
    } else if (count.countedMs >= idleMs && !isWanted) {
      stop.push({ host: host.id, reason: { is: 'idle', idleMs: count.countedMs } });
    } else idle.set(host.id, count);
  }
  return { stop, idle };
}

function isIdle(host: Host): host is Host & { readonly state: { readonly is: 'ready' } } {
  return host.state.is === 'ready' && host.running.length === 0;
}
