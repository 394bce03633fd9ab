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
  /** What it takes on the latter if what it is made from has changed, which may not be known. */
  readonly changedMs: number;
}

/** So many of the last runs of each kind count. */
const RUNS = 7;

/** For a project without any history. */
const UNKNOWN_COLD_MS = 30_000;

/** A unit that was never seen is taken to be longer than most: what turns out long is better started early. */
const UNKNOWN_QUANTILE = 0.85;

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
  readonly #shares: Readonly<Record<'changed' | 'cached', number>>;

  constructor(all: Iterable<readonly PastRun[]>) {
    const known = [...all].map((runs) => ({
      cold: usual(runs, 'cold'),
      changed: usual(runs, 'changed'),
      cached: usual(runs, 'cached'),
    }));
    this.#coldMs =
      quantile(
        known.flatMap(({ cold }) => cold ?? []),
        UNKNOWN_QUANTILE,
      ) ?? UNKNOWN_COLD_MS;
    const share = (of: 'changed' | 'cached'): number => {
      const shares = known.flatMap((one) =>
        one.cold === undefined || one[of] === undefined || one.cold <= 0 ? [] : [one[of] / one.cold],
      );
      return Math.min(1, median(shares) ?? UNKNOWN_SHARES[of]);
    };
    this.#shares = { changed: share('changed'), cached: share('cached') };
  }

  expect(runs: readonly PastRun[], inputs: Inputs): Expected {
    const [changed, cached] = [usual(runs, 'changed'), usual(runs, 'cached')];
    const coldMs = usual(runs, 'cold') ?? Math.max(this.#coldMs, changed ?? 0, cached ?? 0);
    const changedMs = Math.min(coldMs, changed ?? coldMs * this.#shares.changed);
    const cachedMs = Math.min(changedMs, cached ?? coldMs * this.#shares.cached);
    const warm = runs.filter(({ is }) => is !== 'cold').slice(-RUNS);
    const isMostlyChanged = 2 * warm.filter(({ is }) => is === 'changed').length > warm.length;
    const isChanged = inputs === 'unknown' ? isMostlyChanged : inputs === 'changed';
    return { coldMs, warmMs: isChanged ? changedMs : cachedMs, changedMs: inputs === 'same' ? cachedMs : changedMs };
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
