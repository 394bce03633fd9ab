/**
 * Feeds mutated definitions, Compose files and env files to the planner: none may crash it, hang it, or take more than a second.
 *
 *   npm run fuzz -- [COUNT] [FIRST]     COUNT inputs (200,000) from number FIRST (0) on
 *   npm run fuzz -- show NUMBER         the input of a number
 */
import { Worker } from 'node:worker_threads';
import { corpus } from './corpus.ts';
import { mutated } from './mutate.ts';
import type { FuzzReport, FuzzWork } from './worker.ts';

const WORKERS = 2;
const HANG_MS = 10_000;
const MAX_HEAP_MB = 1024;

/** What a run came to. */
export interface FuzzResult {
  readonly tried: number;
  readonly found: readonly { readonly number: number; readonly wrong: string }[];
  readonly maxHeapMb: number;
}

/** Tries the inputs `first` to `first + count`. An input that hangs is a finding, and ends its worker. */
export async function fuzz(count: number, first = 0): Promise<FuzzResult> {
  const results = await Promise.all(
    Array.from({ length: WORKERS }, (_, index) =>
      runWorker({
        from: first + index,
        to: first + count,
        step: WORKERS,
        current: new SharedArrayBuffer(4),
      }),
    ),
  );
  return {
    tried: results.reduce((sum, one) => sum + one.tried, 0),
    found: results.flatMap(({ found }) => found),
    maxHeapMb: Math.max(...results.map(({ maxHeapMb }) => maxHeapMb)),
  };
}

async function runWorker(work: FuzzWork): Promise<FuzzResult> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: work,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  const found: { number: number; wrong: string }[] = [];
  const now = new Int32Array(work.current);
  const ended = Promise.withResolvers<{ readonly tried: number; readonly maxHeapMb: number }>();
  let last = -1;
  const watch = setInterval(() => {
    const current = Atomics.load(now, 0);
    if (current === last) {
      found.push({ number: current, wrong: 'hangs' });
      void worker.terminate();
    }
    last = current;
  }, HANG_MS);
  worker.on('message', (report: FuzzReport) => {
    if (report.is === 'found') found.push(report);
    else ended.resolve(report);
  });
  worker.on('error', (error) => {
    found.push({ number: Atomics.load(now, 0), wrong: `ends its thread: ${error.message}` });
  });
  worker.on('exit', () => ended.resolve({ tried: 0, maxHeapMb: 0 }));
  const { tried, maxHeapMb } = await ended.promise;
  clearInterval(watch);
  await worker.terminate();
  return { tried, found, maxHeapMb };
}

async function main([first = '200000', second = '0']: readonly string[]): Promise<number> {
  if (first === 'show') {
    const { name, text } = mutated(Number(second), corpus());
    console.log(`${name}\n${text}`);
    return 0;
  }
  const started = performance.now();
  const { tried, found, maxHeapMb } = await fuzz(Number(first), Number(second));
  for (const { number, wrong } of found.slice(0, 20)) console.log(`${number}: ${wrong}`);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${tried} inputs in ${seconds} s, largest heap ${maxHeapMb.toFixed(0)} MB`);
  console.log(`fuzz: ${found.length} findings`);
  return found.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
