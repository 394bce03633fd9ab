import type { UnitKey } from './unit.ts';

/**
 * How a unit was built once: on a host that had not built it before (`cold`), on one that had but where steps had to run
 * again (`changed`), or there with every step cached (`cached`).
 */
export type RunKind = 'cold' | 'changed' | 'cached';

export interface PastRun {
  readonly is: RunKind;
  readonly ms: number;
}

/** What is known of a unit's inputs, compared with when it was built last. */
export type Inputs = 'same' | 'changed' | 'unknown';

/** What a unit is expected to take on a host that has not built it before, and on one that has. */
export interface Expected {
  readonly coldMs: number;
  readonly warmMs: number;
  /** The same for the worst: if it is as long as the longest, where it was never seen; if its inputs have changed, where that is not known. */
  readonly worstColdMs: number;
  readonly worstWarmMs: number;
}

/** So many of the last runs of each kind count. */
const RUNS = 7;

/** For a project without any history. */
const UNKNOWN_COLD_MS = 30_000;

/** For the worst, a unit that was never seen is taken to be longer than nearly all. */
const WORST_QUANTILE = 0.98;

/** What runs take of a cold one, where nobody has seen both. */
const UNKNOWN_SHARES = { changed: 0.5, cached: 0.05 } as const;

/**
 * What units are expected to take, from their past runs, the newest last. The median of the last seven of a kind counts, so
 * that one slow network changes nothing. For a kind that a unit was never seen in, what it is for the others decides. Where
 * nothing is known of the inputs, it is what happened more often.
 */
export function expectedDurations(
  asked: ReadonlyMap<UnitKey, Inputs>,
  history: ReadonlyMap<UnitKey, readonly PastRun[]>,
): ReadonlyMap<UnitKey, Expected> {
  const project = new ProjectHistory(history.values());
  const expected = new Map<UnitKey, Expected>();
  for (const [key, inputs] of asked) expected.set(key, project.expect(history.get(key) ?? [], inputs));
  return expected;
}

/** How long hosts take to start, from the last starts; `fallbackMs` before there was one. */
export function expectedStartUp(pastMs: readonly number[], fallbackMs: number): number {
  return median(pastMs.slice(-RUNS)) ?? fallbackMs;
}

/** What is usual in a project. */
class ProjectHistory {
  readonly #coldMs: number;
  readonly #worstMs: number;
  readonly #shares: Readonly<Record<'changed' | 'cached', number>>;

  constructor(all: Iterable<readonly PastRun[]>) {
    const known = [...all].map((runs) => ({
      cold: usual(runs, 'cold'),
      changed: usual(runs, 'changed'),
      cached: usual(runs, 'cached'),
    }));
    const cold = known.flatMap((one) => one.cold ?? []);
    this.#coldMs = median(cold) ?? UNKNOWN_COLD_MS;
    this.#worstMs = quantile(cold, WORST_QUANTILE) ?? UNKNOWN_COLD_MS;
    const share = (of: 'changed' | 'cached'): number => {
      const shares = known.flatMap((one) =>
        one.cold === undefined || one[of] === undefined || one.cold <= 0 ? [] : [one[of] / one.cold],
      );
      return Math.min(1, median(shares) ?? UNKNOWN_SHARES[of]);
    };
    this.#shares = { changed: share('changed'), cached: share('cached') };
  }

  expect(runs: readonly PastRun[], inputs: Inputs): Expected {
    const [cold, changed, cached] = [usual(runs, 'cold'), usual(runs, 'changed'), usual(runs, 'cached')];
    const coldMs = cold ?? Math.max(this.#coldMs, changed ?? 0, cached ?? 0);
    const worstColdMs = cold ?? Math.max(this.#worstMs, coldMs);
    const changedMs = Math.min(coldMs, changed ?? coldMs * this.#shares.changed);
    const cachedMs = Math.min(changedMs, cached ?? coldMs * this.#shares.cached);
    const warm = runs.filter(({ is }) => is !== 'cold').slice(-RUNS);
    const isMostlyChanged = 2 * warm.filter(({ is }) => is === 'changed').length > warm.length;
    const warmMs = inputs === 'changed' || (inputs === 'unknown' && isMostlyChanged) ? changedMs : cachedMs;
    const worstWarmMs = inputs === 'same' ? cachedMs : (changed ?? worstColdMs * this.#shares.changed);
    return { coldMs, warmMs, worstColdMs, worstWarmMs };
  }
}

function usual(runs: readonly PastRun[], kind: RunKind): number | undefined {
  return median(
    runs
      .filter(({ is }) => is === kind)
      .slice(-RUNS)
      .map(({ ms }) => ms),
  );
}

function median(values: readonly number[]): number | undefined {
  const sorted = sortedTimes(values);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  return sorted.length % 2 === 1 || upper === undefined ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = sortedTimes(values);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** What is no duration (a clock that went back between start and end) does not count. */
function sortedTimes(values: readonly number[]): readonly number[] {
  return values.filter((value) => Number.isFinite(value) && value >= 0).sort((one, other) => one - other);
}
