/** A piece of work for a bound: what it takes at the least, and what it waits for. */
export interface Job {
  readonly ms: number;
  /** Indexes of earlier jobs. */
  readonly needs: readonly number[];
}

/** Places for jobs, from a moment on. */
export interface Capacity {
  readonly places: number;
  readonly fromMs: number;
}

export interface Bounds {
  /** The longer of the critical path and of the work over the places. */
  readonly plainMs: number;
  /** Of several bounds that hold for every schedule whatever, the highest. */
  readonly soundMs: number;
}

/** So many thresholds of each kind are tried. */
const THRESHOLDS = 24;

/** What no schedule of these jobs can be shorter than. */
export function lowerBounds(jobs: readonly Job[], capacity: readonly Capacity[]): Bounds {
  const firstAt = Math.min(...capacity.map(({ fromMs }) => fromMs));
  const heads = headsOf(jobs);
  const tails = tailsOf(jobs);
  const path = firstAt + Math.max(0, ...jobs.map(({ ms }, at) => (heads[at] ?? 0) + ms + (tails[at] ?? 0)));
  const work = jobs.reduce((sum, { ms }) => sum + ms, 0);
  const plainMs = Math.max(path, timeFor(work, 0, capacity));
  const between = workBetween(jobs, { heads, tails, firstAt, capacity });
  return { plainMs, soundMs: Math.max(plainMs, between, crowded(jobs, capacity)) };
}

/** The longest path to each job. */
function headsOf(jobs: readonly Job[]): readonly number[] {
  const heads: number[] = [];
  for (const { needs } of jobs) {
    heads.push(Math.max(0, ...needs.map((need) => (heads[need] ?? 0) + (jobs[need]?.ms ?? 0))));
  }
  return heads;
}

/** The longest path behind each job. */
function tailsOf(jobs: readonly Job[]): readonly number[] {
  const tails = jobs.map(() => 0);
  for (const [at, { ms, needs }] of [...jobs.entries()].reverse()) {
    for (const need of needs) tails[need] = Math.max(tails[need] ?? 0, ms + (tails[at] ?? 0));
  }
  return tails;
}

/** When work that can start at a moment is done, if every place works on it. */
function timeFor(work: number, startMs: number, capacity: readonly Capacity[]): number {
  const opened = capacity
    .map(({ places, fromMs }) => ({ places, fromMs: Math.max(startMs, fromMs) }))
    .sort((one, other) => one.fromMs - other.fromMs);
  let left = work;
  let places = 0;
  let at = startMs;
  for (const one of opened) {
    const done = places * (one.fromMs - at);
    if (places > 0 && done >= left) break;
    left -= done;
    at = one.fromMs;
    places += one.places;
  }
  return at + left / places;
}

interface Paths {
  readonly heads: readonly number[];
  readonly tails: readonly number[];
  readonly firstAt: number;
  readonly capacity: readonly Capacity[];
}

/**
 * Jobs that cannot start before a moment, and that have a path of some length behind them: all of them have to be done
 * between, whoever does them (Fernandez and Bussell, 1973).
 */
function workBetween(jobs: readonly Job[], { heads, tails, firstAt, capacity }: Paths): number {
  let bound = 0;
  const tailLimits = thresholds(tails);
  for (const head of thresholds(heads)) {
    const later = jobs.flatMap(({ ms }, at) => ((heads[at] ?? 0) >= head ? [{ ms, tail: tails[at] ?? 0 }] : []));
    for (const tail of tailLimits) {
      const work = later.reduce((sum, one) => sum + (one.tail >= tail ? one.ms : 0), 0);
      if (work > 0) bound = Math.max(bound, timeFor(work, firstAt + head, capacity) + tail);
    }
  }
  return bound;
}

function thresholds(values: readonly number[]): readonly number[] {
  const sorted = [...new Set(values)].sort((one, other) => one - other);
  const step = Math.max(1, sorted.length / THRESHOLDS);
  return Array.from({ length: Math.min(sorted.length, THRESHOLDS) }, (_, at) => sorted[Math.floor(at * step)] ?? 0);
}

/** Of k * places + 1 jobs, some k + 1 share a place: at the least the shortest ones of the longest jobs. */
function crowded(jobs: readonly Job[], capacity: readonly Capacity[]): number {
  const longest = jobs.map(({ ms }) => ms).sort((one, other) => other - one);
  const places = capacity.reduce((sum, one) => sum + one.places, 0);
  let bound = 0;
  for (let k = 1; k * places < longest.length; k++) {
    let sum = 0;
    for (let at = k * places - k; at <= k * places; at++) sum += longest[at] ?? 0;
    bound = Math.max(bound, sum);
  }
  return bound;
}
