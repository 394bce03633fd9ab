import type { UnitKey } from './unit.ts';

/** Whether a unit was built on a host that had built it before, or on one that had not. */
export type Warmth = 'cold' | 'warm';

/** That a unit was built once. */
export interface PastRun {
  readonly warmth: Warmth;
  readonly ms: number;
}

/** What a unit is expected to take on a host that has not built it before, and on one that has. */
export interface Expected {
  readonly coldMs: number;
  readonly warmMs: number;
}

/** So many of the last runs count. */
const RUNS = 7;

/** For a project without any history. */
const UNKNOWN_COLD_MS = 30_000;

/** What a warm run takes of a cold one, where nobody has seen both. */
const UNKNOWN_WARM_SHARE = 0.25;

/**
 * What units are expected to take, from their past runs, the newest last. The median of the last seven counts, so that one
 * slow network changes nothing. A unit that was never seen is taken as the median of all others; one that was seen only
 * cold, or only warm, gets the other by what it is for the others.
 */
export function expectedDurations(
  keys: Iterable<UnitKey>,
  history: ReadonlyMap<UnitKey, readonly PastRun[]>,
): ReadonlyMap<UnitKey, Expected> {
  const known = [...history.values()].map((runs) => ({
    cold: lastMedian(runs, 'cold'),
    warm: lastMedian(runs, 'warm'),
  }));
  const cold = median(known.flatMap((one) => one.cold ?? [])) ?? UNKNOWN_COLD_MS;
  const shares = known.flatMap(({ cold: c, warm: w }) => (c === undefined || w === undefined || c <= 0 ? [] : [w / c]));
  const share = Math.min(1, median(shares) ?? UNKNOWN_WARM_SHARE);
  const expected = new Map<UnitKey, Expected>();
  for (const key of keys) {
    const runs = history.get(key) ?? [];
    const warm = lastMedian(runs, 'warm');
    const coldMs = lastMedian(runs, 'cold') ?? Math.max(cold, warm ?? 0);
    expected.set(key, { coldMs, warmMs: Math.min(coldMs, warm ?? coldMs * share) });
  }
  return expected;
}

/** How long hosts take to start, from the last starts; `fallbackMs` before there was one. */
export function expectedStartUp(pastMs: readonly number[], fallbackMs: number): number {
  return median(pastMs.slice(-RUNS)) ?? fallbackMs;
}

function lastMedian(runs: readonly PastRun[], warmth: Warmth): number | undefined {
  return median(
    runs
      .filter((run) => run.warmth === warmth)
      .slice(-RUNS)
      .map(({ ms }) => ms),
  );
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.filter((value) => Number.isFinite(value) && value >= 0).sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  return sorted.length % 2 === 1 || upper === undefined ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
