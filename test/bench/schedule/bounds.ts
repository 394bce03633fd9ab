/** A piece of work for a bound: what it takes at the least, and what it waits for. */
export interface Job {
  readonly ms: number;
  /** Indexes of earlier jobs. */
  readonly needs: readonly number[];
}

/** Places for jobs, from a moment until another. */
export interface Capacity {
  readonly places: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Bounds {
  /** The longer of the critical path and of the work over the places. */
  readonly plainMs: number;
  /** The best that is known to hold for every schedule whatever: of several sound bounds the highest. */
  readonly soundMs: number;
}

/** So many thresholds of each kind are tried. */
const THRESHOLDS = 24;

/** What no schedule of these jobs can be shorter than. `wastedMs` is work that was done in vain, on hosts that were lost. */
export function lowerBounds(jobs: readonly Job[], capacity: readonly Capacity[], wastedMs = 0): Bounds {
  const firstAt = Math.min(...capacity.map(({ fromMs }) => fromMs));
  const heads = headsOf(jobs);
  const tails = tailsOf(jobs);
  const path = firstAt + Math.max(0, ...jobs.map(({ ms }, at) => (heads[at] ?? 0) + ms + (tails[at] ?? 0)));
  const work = jobs.reduce((sum, { ms }) => sum + ms, 0);
  const plainMs = Math.max(path, timeFor(work + wastedMs, 0, capacity));
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
export function tailsOf(jobs: readonly Job[]): readonly number[] {
  const tails = jobs.map(() => 0);
  for (const [at, { ms, needs }] of [...jobs.entries()].reverse()) {
    for (const need of needs) tails[need] = Math.max(tails[need] ?? 0, ms + (tails[at] ?? 0));
  }
  return tails;
}

/** When work that can start at a moment is done, if every place works on it. */
function timeFor(work: number, startMs: number, capacity: readonly Capacity[]): number {
  const edges = [...new Set([startMs, ...capacity.flatMap(({ fromMs, untilMs }) => [fromMs, untilMs])])]
    .filter((edge) => edge >= startMs && Number.isFinite(edge))
    .sort((one, other) => one - other);
  let left = work;
  for (const [at, edge] of edges.entries()) {
    const places = capacity.reduce((sum, one) => sum + (one.fromMs <= edge && edge < one.untilMs ? one.places : 0), 0);
    const until = edges[at + 1] ?? Infinity;
    if (places > 0 && left <= places * (until - edge)) return edge + left / places;
    if (places > 0) left -= places * (until - edge);
  }
  return left > 0 ? Infinity : startMs;
}

/**
 * Jobs that cannot start before a moment, and that have a path of some length behind them: all of them have to be done
 * between, whoever does them.
 */
function workBetween(
  jobs: readonly Job[],
  {
    heads,
    tails,
    firstAt,
    capacity,
  }: {
    readonly heads: readonly number[];
    readonly tails: readonly number[];
    readonly firstAt: number;
    readonly capacity: readonly Capacity[];
  },
): number {
  let bound = 0;
  for (const head of thresholds(heads)) {
    for (const tail of thresholds(tails)) {
      let work = 0;
      for (const [at, { ms }] of jobs.entries()) {
        if ((heads[at] ?? 0) >= head && (tails[at] ?? 0) >= tail) work += ms;
      }
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
  const places = mostPlaces(capacity);
  let bound = 0;
  for (let k = 1; k * places < longest.length; k++) {
    let sum = 0;
    for (let at = k * places - k; at <= k * places; at++) sum += longest[at] ?? 0;
    bound = Math.max(bound, sum);
  }
  return bound;
}

/** How many places there ever are; one that is lost and one that replaces it count twice, which keeps the bound sound. */
function mostPlaces(capacity: readonly Capacity[]): number {
  return capacity.reduce((sum, { places }) => sum + places, 0);
}
