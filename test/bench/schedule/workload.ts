import type { Expected, Inputs, PastRun } from '../../../runtime/schedule/durations.ts';
import { expectedDurations } from '../../../runtime/schedule/durations.ts';
import type { QueuedUnit } from '../../../runtime/schedule/fleet.ts';
import { rankedMs, ranks } from '../../../runtime/schedule/ranks.ts';
import type { BuildId, Unit, UnitId, UnitKey } from '../../../runtime/schedule/unit.ts';
import type { SimulatedBake, Task } from './bake.ts';

/** What really happens to a unit. */
export type RealDurations = Pick<Task, 'coldMs' | 'warmMs'>;

/** Builds that arrive at a fleet. */
export interface Workload {
  readonly units: readonly QueuedUnit[];
  readonly arrivals: readonly { readonly build: BuildId; readonly atMs: number }[];
  readonly weights: ReadonlyMap<BuildId, number>;
  /** What hosts of each architecture build. */
  readonly platforms: ReadonlyMap<string, readonly string[]>;
  readonly real: (key: UnitKey) => RealDurations;
}

export interface Arrival {
  readonly bake: SimulatedBake;
  readonly atMs: number;
  readonly weight?: number;
}

/** Turns bakes into units with expectations, as a control plane would when they are submitted. */
export function workload(arrivals: readonly Arrival[], cache: 'cold' | 'warm'): Workload {
  const real = new Map<UnitKey, RealDurations>();
  const units: QueuedUnit[] = [];
  const architectures = new Set<string>();
  for (const [at, { bake }] of arrivals.entries()) {
    const build = `build-${at}` as BuildId;
    const history = new Map<UnitKey, readonly PastRun[]>();
    const inputs = new Map<UnitKey, Inputs>();
    const needed = new Set(
      bake.tasks.flatMap(({ architecture, needs }) => needs.map((name) => `${name}@${architecture}`)),
    );
    const own = bake.tasks.map((task): Unit => {
      architectures.add(task.architecture);
      const key = keyOf(task, bake);
      real.set(key, task);
      history.set(key, task.past);
      inputs.set(key, task.inputs);
      return {
        id: `${build}/${key}` as UnitId,
        build,
        key,
        target: task.name,
        architecture: task.architecture,
        platforms: [`linux/${task.architecture}`],
        emulated: [],
        outputs: [`linux/${task.architecture}`],
        needs: task.needs.map((name) => `${build}/${keyOf({ ...task, name }, bake)}` as UnitId),
        isNeeded: needed.has(`${task.name}@${task.architecture}`),
        group: `${build}/${key}` as UnitId,
        fingerprint: `${bake.name}/${key}`,
        noCache: false,
      };
    });
    const expected = expectedDurations(inputs, history);
    const of = ({ key }: Unit): Expected =>
      expected.get(key) ?? { coldMs: 0, warmMs: 0, worstColdMs: 0, worstWarmMs: 0 };
    const rank = ranks(own, (unit) => rankedMs(of(unit), cache === 'warm'));
    units.push(...own.map((unit) => ({ unit, expected: of(unit), rankMs: rank.get(unit.id) ?? 0 })));
  }
  return {
    units,
    arrivals: arrivals.map(({ atMs }, at) => ({ build: `build-${at}` as BuildId, atMs })),
    weights: new Map(arrivals.map(({ weight = 1 }, at) => [`build-${at}` as BuildId, weight])),
    platforms: new Map([...architectures].map((architecture) => [architecture, [`linux/${architecture}`]])),
    real: (key) => real.get(key) ?? { coldMs: 0, warmMs: 0 },
  };
}

function keyOf({ name, architecture }: Pick<Task, 'name' | 'architecture'>, bake: SimulatedBake): UnitKey {
  return `${bake.name}/${name}@${architecture}` as UnitKey;
}
