import type { Unit } from '../../../runtime/schedule/unit.ts';
import type { Bounds, Capacity, Job } from './bounds.ts';
import { lowerBounds, tailsOf } from './bounds.ts';
import type { Outcome, World } from './simulator.ts';
import type { Workload } from './workload.ts';

/** How a simulated bake compares with what no scheduler could beat. */
export interface Ratios {
  readonly plain: number;
  readonly sound: number;
}

/** The makespan over the lower bounds, for builds that all arrive at the start. */
export function ratios(workload: Workload, world: World, outcome: Outcome): Ratios {
  let bounds: Bounds = { plainMs: 0, soundMs: 0 };
  for (const architecture of workload.platforms.keys()) {
    const own = boundsOf(architecture, workload, world, outcome);
    bounds = {
      plainMs: Math.max(bounds.plainMs, own.plainMs),
      soundMs: Math.max(bounds.soundMs, own.soundMs),
    };
  }
  return { plain: outcome.makespanMs / bounds.plainMs, sound: outcome.makespanMs / bounds.soundMs };
}

function boundsOf(architecture: string, workload: Workload, world: World, outcome: Outcome): Bounds {
  const units = workload.units.map(({ unit }) => unit).filter((unit) => unit.architecture === architecture);
  const { jobs, index } = jobsOf(units, workload, world, outcome);
  const lost = outcome.runs.filter(({ isLost, unit }) => isLost && index.has(unit));
  const wastedMs = lost.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  const bounds = lowerBounds(jobs, capacityOf(architecture, world, outcome), wastedMs);
  const tails = tailsOf(jobs);
  const fromLoss = lost.map(({ unit, endMs }) => {
    const at = index.get(unit) ?? 0;
    return endMs + (jobs[at]?.ms ?? 0) + (tails[at] ?? 0);
  });
  return {
    plainMs: Math.max(bounds.plainMs, ...fromLoss),
    soundMs: Math.max(bounds.soundMs, ...fromLoss),
  };
}

function jobsOf(
  units: readonly Unit[],
  workload: Workload,
  { cache }: World,
  { runs }: Outcome,
): { readonly jobs: readonly Job[]; readonly index: ReadonlyMap<string, number> } {
  const index = new Map<string, number>(units.map(({ id }, at) => [id, at]));
  const cold = new Set(runs.flatMap(({ unit, isColdEverywhere }) => (isColdEverywhere ? [unit] : [])));
  const jobs = units.map(({ id, key, needs }) => {
    const { coldMs, warmMs } = workload.real(key);
    return {
      ms: cache === 'cold' || cold.has(id) ? coldMs : Math.min(coldMs, warmMs),
      needs: needs.flatMap((need) => index.get(need) ?? []),
    };
  });
  return { jobs, index };
}

/** All places that there could have been: those of the first hosts, and of as many more as are allowed once they start. */
function capacityOf(architecture: string, { settings, firstHosts }: World, { lost }: Outcome): readonly Capacity[] {
  const { maxHosts, maxBuildsPerHost, startUpMs } = settings;
  const more = maxHosts - firstHosts;
  const lostHere = [...lost].filter(([host]) => host.startsWith(`host-${architecture}-`)).map(([, at]) => at);
  const losses = more === 0 ? lostHere : [];
  return [
    { places: (firstHosts - losses.length) * maxBuildsPerHost, fromMs: 0, untilMs: Infinity },
    { places: more * maxBuildsPerHost, fromMs: startUpMs, untilMs: Infinity },
    ...losses.flatMap((at) => [
      { places: maxBuildsPerHost, fromMs: 0, untilMs: at },
      { places: maxBuildsPerHost, fromMs: at + startUpMs, untilMs: Infinity },
    ]),
  ].filter(({ places }) => places > 0);
}
