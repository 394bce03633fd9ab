import type { QueuedUnit, Share, Shares } from './fleet.ts';
import { Heap } from './heap.ts';
import type { BuildId } from './unit.ts';

/** Every so manieth place goes to the build that has waited longest, whatever it has had before. */
const LONGEST_WAIT_EVERY = 4;

/** What a build may claim and has at work just now. */
export interface Claim {
  readonly build: BuildId;
  readonly weight: number;
  /** What is still to be done of its units that run. */
  readonly remainingMs: number;
  /** Its units that could run, the most urgent first. */
  readonly ready: readonly QueuedUnit[];
}

interface Queue extends Claim {
  share: Share;
  at: number;
  version: number;
}

interface Entry {
  readonly queue: Queue;
  readonly version: number;
}

/**
 * Whose turn it is: the build that has had least of the hosts, in expected time over weight (start-time fair queueing). One
 * that comes, or comes back after it could use nothing, starts level with the build that is least far: it is owed nothing
 * for the time before, and waits for nobody's past. So that a stream of new builds cannot keep an old one waiting, every
 * fourth place goes to the build that was served longest ago.
 */
export class Turns {
  #turn: number;
  #virtualMs: number;
  readonly #queues: readonly Queue[];
  readonly #byServed = new Heap<Entry>((one, other) => servedBefore(one.queue, other.queue));
  readonly #byTurn = new Heap<Entry>((one, other) => waitedLonger(one.queue, other.queue));

  constructor(claims: readonly Claim[], { turn, virtualMs, builds }: Shares) {
    this.#turn = turn;
    this.#virtualMs = virtualMs;
    const level = Math.min(virtualMs, levelAtWork(claims, builds));
    this.#queues = claims.map((claim) => {
      const share = builds.get(claim.build) ?? { servedMs: level, turn };
      const isBack = claim.remainingMs === 0 && claim.ready.length > 0;
      return {
        ...claim,
        share: isBack ? { ...share, servedMs: Math.max(share.servedMs, level) } : share,
        at: 0,
        version: 0,
      };
    });
    for (const queue of this.#queues) this.#enter(queue);
  }

  /** The unit that is to be placed next; undefined when none is left. */
  next(): QueuedUnit | undefined {
    const queue = this.#first();
    return queue?.ready[queue.at];
  }

  /** That the unit was placed and is expected to take so long. */
  placed(ms: number): void {
    const queue = this.#first();
    if (queue === undefined) return;
    if (!this.#isForLongest) this.#virtualMs = Math.max(this.#virtualMs, queue.share.servedMs);
    this.#turn++;
    queue.share = { servedMs: queue.share.servedMs + ms / queue.weight, turn: this.#turn };
    queue.at++;
    queue.version++;
    this.#enter(queue);
  }

  /** That the unit is left waiting, and it is the turn of the next one. */
  passed(): void {
    const queue = this.#first();
    if (queue !== undefined) queue.at++;
  }

  get shares(): Shares {
    return {
      turn: this.#turn,
      virtualMs: this.#virtualMs,
      builds: new Map(this.#queues.map(({ build, share }) => [build, share])),
    };
  }

  #enter(queue: Queue): void {
    if (queue.at >= queue.ready.length) return;
    const entry = { queue, version: queue.version };
    this.#byServed.push(entry);
    this.#byTurn.push(entry);
  }

  get #isForLongest(): boolean {
    return this.#turn % LONGEST_WAIT_EVERY === LONGEST_WAIT_EVERY - 1;
  }

  #first(): Queue | undefined {
    const heap = this.#isForLongest ? this.#byTurn : this.#byServed;
    for (let entry = heap.peek(); entry !== undefined; entry = heap.peek()) {
      if (entry.version === entry.queue.version && entry.queue.at < entry.queue.ready.length) return entry.queue;
      heap.pop();
    }
    return undefined;
  }
}

/** Where the least served of the builds stands that have units at work: what was placed, less what is still to be done. */
function levelAtWork(claims: readonly Claim[], builds: Shares['builds']): number {
  let level = Infinity;
  for (const { build, weight, remainingMs } of claims) {
    const share = builds.get(build);
    if (share !== undefined && remainingMs > 0) level = Math.min(level, share.servedMs - remainingMs / weight);
  }
  return level;
}

function servedBefore(one: Queue, other: Queue): boolean {
  if (one.share.servedMs !== other.share.servedMs) return one.share.servedMs < other.share.servedMs;
  return waitedLonger(one, other);
}

function waitedLonger(one: Queue, other: Queue): boolean {
  if (one.share.turn !== other.share.turn) return one.share.turn < other.share.turn;
  return one.build < other.build;
}
