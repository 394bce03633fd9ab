import { parentPort, workerData } from 'node:worker_threads';
import { wrongWith } from './check.ts';
import { corpus } from './corpus.ts';
import { mutated } from './mutate.ts';

/** Which numbers to try: from, to below, in steps; `current` tells the watcher which one is being tried. */
export interface FuzzWork {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly current: SharedArrayBuffer;
}

/** A finding, or the end. */
export type FuzzReport =
  | { readonly is: 'found'; readonly number: number; readonly wrong: string }
  | { readonly is: 'done'; readonly tried: number; readonly maxHeapMb: number };

const { from, to, step, current } = workerData as FuzzWork;
const seeds = corpus();
const now = new Int32Array(current);
let maxHeapMb = 0;
let tried = 0;
for (let number = from; number < to; number += step) {
  Atomics.store(now, 0, number);
  const wrong = await wrongWith(mutated(number, seeds));
  tried++;
  if (wrong !== undefined) parentPort?.postMessage({ is: 'found', number, wrong } satisfies FuzzReport);
  if (tried % 500 === 0) maxHeapMb = Math.max(maxHeapMb, process.memoryUsage().heapUsed / 2 ** 20);
}
parentPort?.postMessage({ is: 'done', tried, maxHeapMb } satisfies FuzzReport);
