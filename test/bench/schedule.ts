import { decide } from '../../runtime/schedule/decide.ts';
import type { Fleet, Settings } from '../../runtime/schedule/fleet.ts';
import { median } from './paired.ts';
import { Random } from './schedule/random.ts';
import { bake, chains, diamonds, layered, tangled, USUAL, wide } from './schedule/shapes.ts';
import type { Shape } from './schedule/shapes.ts';
import { simulate } from './schedule/simulator.ts';
import type { World } from './schedule/simulator.ts';
import { workload } from './schedule/workload.ts';

/**
 * The scheduler on simulated fleets: how much longer a bake takes than the longer of its critical path and of its work over the
 * hosts, and how long one decision takes. Nothing but that is simulated: it is the scheduler that builds are to ask.
 */
const SHAPES: Readonly<Record<string, (count: number, random: Random) => Shape>> = {
  wide,
  chains: (count) => chains(count, 5),
  diamonds,
  layered,
  tangled,
};
const SIZES = [10, 50, 200, 1_000];
const HOSTS = [1, 4, 16, 64, 200];
const CACHES = ['cold', 'warm', 'scattered'] as const;
const LOSSES = [0, 3];
const DECISIONS = [
  { units: 1_250, hosts: 125 },
  { units: 2_500, hosts: 250 },
  { units: 5_000, hosts: 500 },
  { units: 10_000, hosts: 1_000 },
];
const DECISION_ROUNDS = 15;

function settings(maxHosts: number): Settings {
  return { maxBuildsPerHost: 2, maxHosts, idleMs: 60_000, startUpMs: 3_000, split: true, handOverMs: 500 };
}

interface Case {
  readonly shape: string;
  readonly size: number;
  readonly hosts: number;
  readonly cache: World['cache'];
  readonly losses: number;
}

/** One bake of thousands takes the simulator a while: those are cold, on some fleets. */
const LARGE = { size: 5_000, hosts: [16, 200] };

/** A fleet of more hosts than there are targets is no other fleet. */
const cases: readonly Case[] = Object.keys(SHAPES).flatMap((shape) =>
  SIZES.flatMap((size) =>
    HOSTS.filter((hosts) => hosts <= Math.max(4, size)).flatMap((hosts) =>
      CACHES.flatMap((cache) => LOSSES.map((losses) => ({ shape, size, hosts, cache, losses }))),
    ),
  ).concat(LARGE.hosts.map((hosts) => ({ shape, size: LARGE.size, hosts, cache: 'cold', losses: 0 }))),
);

/** How much longer a bake took than the plain lower bound, and than the highest that we know. */
interface Ratios {
  readonly ratio: number;
  readonly sound: number;
}

/** Undefined for a bake that was given up since it lost its hosts too often. */
function ratioOf({ shape, size, hosts, cache, losses }: Case, seed: number): Ratios | undefined {
  const random = new Random(seed);
  const made = SHAPES[shape]?.(size, random) ?? [];
  const work = workload([{ bake: bake(shape, made, USUAL, random), atMs: 0 }], cache === 'warm' ? 'warm' : 'cold');
  const planned = Array.from({ length: losses }, (_, at) => ({ atMs: 15_000 * (at + 1), isVolumeLost: at % 2 === 0 }));
  const world: World = { settings: settings(hosts), firstHosts: losses > 0 ? 1 : hosts, cache, losses: planned };
  const { makespanMs, bounds, givenUp } = simulate(work, world, random);
  return givenUp.length > 0 ? undefined : { ratio: makespanMs / bounds.plainMs, sound: makespanMs / bounds.soundMs };
}

/** A fleet at the moment when so many units have just been queued and all hosts are free. */
function queuedFleet(units: number, hosts: number): Fleet {
  const random = new Random(units);
  const work = workload([{ bake: bake('queued', layered(units, random), USUAL, random), atMs: 0 }], 'cold');
  let first: Fleet | undefined;
  const enough = new Error('the fleet is there');
  try {
    simulate(
      work,
      { settings: settings(hosts), firstHosts: hosts, cache: 'scattered', losses: [] },
      random,
      (fleet) => {
        first = fleet;
        throw enough;
      },
    );
  } catch (error) {
    if (error !== enough) throw error;
  }
  if (first === undefined) throw new Error('nothing was decided');
  return first;
}

const ratios: (Ratios & { readonly one: Case })[] = [];
for (const [seed, one] of cases.entries()) {
  const ratio = ratioOf(one, seed);
  if (ratio !== undefined) ratios.push({ ...ratio, one });
}
const groups = new Map<string, number[]>();
for (const { ratio, one } of ratios) {
  const name = `${one.shape}, ${one.cache}${one.losses === 0 ? '' : ', hosts lost'}`;
  groups.set(name, [...(groups.get(name) ?? []), ratio]);
}
console.log(
  `${ratios.length} of ${cases.length} bakes that came to an end, of 10 to 5,000 units on 1 to 200 hosts, over the lower bound:`,
);
for (const [name, of] of groups)
  console.log(`  ${name.padEnd(34)} median ${median(of).toFixed(3)}  worst ${Math.max(...of).toFixed(3)}`);
// Where each target is warm on one host of several, the bound takes all work for warm, whichever host that would crowd.
const meant = ratios.filter(({ one }) => one.cache !== 'scattered');
const worst = meant.toSorted((a, b) => b.ratio - a.ratio).slice(0, 5);
console.log('the worst of cold and warm ones:');
for (const { ratio, sound, one } of worst)
  console.log(`  ${ratio.toFixed(3)}, ${sound.toFixed(3)} over a higher bound  ${JSON.stringify(one)}`);

console.log('\none decision:');
let last = 0;
for (const { units, hosts } of DECISIONS) {
  const fleet = queuedFleet(units, hosts);
  const times = Array.from({ length: DECISION_ROUNDS }, (_, at) => {
    const from = performance.now();
    decide(fleet, at);
    return performance.now() - from;
  });
  last = median(times);
  console.log(`  ${units} units, ${hosts} hosts: ${last.toFixed(2)} ms`);
}
const all = meant.map(({ ratio }) => ratio);
console.log(
  `schedule: ${median(all).toFixed(3)} at the median, ${Math.max(...all).toFixed(3)} at the worst, ${last.toFixed(1)} ms`,
);
