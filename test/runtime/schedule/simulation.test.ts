import { describe, expect, test } from 'vitest';
import type { Settings } from '../../../runtime/schedule/fleet.ts';
import { MOST_RERUNS } from '../../../runtime/schedule/loss.ts';
import { Random } from '../../bench/schedule/random.ts';
import { bake, chains, diamonds, layered, tangled, USUAL, wide } from '../../bench/schedule/shapes.ts';
import type { Shape } from '../../bench/schedule/shapes.ts';
import type { PlannedLoss, Run, World } from '../../bench/schedule/simulator.ts';
import { simulate } from '../../bench/schedule/simulator.ts';
import { workload } from '../../bench/schedule/workload.ts';

const SETTINGS: Settings = {
  maxBuildsPerHost: 2,
  maxHosts: 6,
  idleMs: 60_000,
  startUpMs: 3_000,
  split: true,
  handOverMs: 500,
};

const SHAPES: readonly (readonly [string, (random: Random) => Shape])[] = [
  ['wide', () => wide(40)],
  ['chains', () => chains(40, 5)],
  ['diamonds', (random) => diamonds(40, random)],
  ['layered', (random) => layered(60, random)],
  ['tangled', (random) => tangled(60, random)],
];

const CACHES = ['cold', 'warm', 'scattered'] as const;

/** Every bake on every fleet, some with hosts that are lost; each always in the same way. */
const CASES = SHAPES.flatMap(([shape, make], at) =>
  CACHES.flatMap((cache) =>
    [0, 2].map((losses) => ({ shape, make, cache, losses, seed: 100 * at + 10 * losses + CACHES.indexOf(cache) })),
  ),
);

interface Simulated {
  readonly runs: readonly Run[];
  readonly givenUp: readonly string[];
  readonly makespanMs: number;
  readonly units: ReturnType<typeof workload>['units'];
}

/** Two builds at once, the second a little later; all rules are looked at in every decision. */
function simulated({ make, cache, losses, seed }: (typeof CASES)[number]): Simulated {
  const random = new Random(seed);
  const architectures = ['amd64', 'arm64'];
  const bakes = ['one', 'two'].map((name) => bake(name, make(random), USUAL, random, architectures));
  const arrivals = bakes.map((each, at) => ({ bake: each, atMs: at * 20_000 }));
  const work = workload(arrivals, cache === 'warm' ? 'warm' : 'cold');
  const planned: PlannedLoss[] = Array.from({ length: losses }, (_, at) => ({
    atMs: 15_000 + at * 30_000,
    isVolumeLost: at % 2 === 0,
  }));
  const world: World = { settings: SETTINGS, firstHosts: 1, cache, losses: planned };
  const outcome = simulate(work, world, random, (fleet, decision) => {
    const hosts = new Map(fleet.hosts.map((host) => [host.id, host]));
    const load = new Map(fleet.hosts.map((host) => [host.id, host.running.length]));
    for (const { unit: id, host: on } of decision.assign) {
      const unit = fleet.units.get(id)?.unit;
      const host = hosts.get(on);
      expect(host?.state.is, 'only hosts that are ready').toBe('ready');
      expect(host?.architecture).toBe(unit?.architecture);
      load.set(on, (load.get(on) ?? 0) + 1);
    }
    for (const count of load.values()) expect(count).toBeLessThanOrEqual(SETTINGS.maxBuildsPerHost);
    for (const architecture of architectures) {
      const there = fleet.hosts.filter((host) => host.architecture === architecture).length;
      const more = decision.launch.filter((launch) => launch.architecture === architecture).length;
      expect(there + more).toBeLessThanOrEqual(SETTINGS.maxHosts);
    }
  });
  return { ...outcome, units: work.units };
}

describe('a simulated fleet', () => {
  test.each(CASES)('keeps its rules: $shape, $cache, $losses hosts lost', (one) => {
    const { runs, givenUp, units } = simulated(one);
    const ended = new Map(runs.filter(({ isLost }) => !isLost).map((run) => [run.unit, run]));
    const dropped = new Set<string>(givenUp);
    for (const { unit } of units) {
      expect(ended.has(unit.id) || dropped.has(unit.id), `${unit.id} has been built`).toBe(true);
      const all = runs.filter((run) => run.unit === unit.id);
      expect(all.filter(({ isLost }) => isLost).length).toBeLessThanOrEqual(MOST_RERUNS + 1);
    }
    if (one.losses === 0) {
      for (const { unit } of units) {
        const run = ended.get(unit.id);
        for (const need of unit.needs) expect(ended.get(need)?.endMs).toBeLessThanOrEqual(run?.startMs ?? 0);
      }
    }
  });

  test('ends the same way whenever it is run', () => {
    const [first] = CASES;
    if (first === undefined) throw new Error('there are no cases');
    expect(simulated(first).runs).toEqual(simulated(first).runs);
  });

  test('is faster the more hosts it may have', () => {
    const random = new Random(7);
    const work = workload([{ bake: bake('wide', wide(64), USUAL, random), atMs: 0 }], 'cold');
    const times = [1, 2, 4, 8].map(
      (maxHosts) =>
        simulate(work, { settings: { ...SETTINGS, maxHosts }, firstHosts: 1, cache: 'cold', losses: [] }, new Random(8))
          .makespanMs,
    );
    for (const [at, time] of times.entries()) if (at > 0) expect(time).toBeLessThan(0.75 * (times[at - 1] ?? 0));
  });
});
