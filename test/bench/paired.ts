import { spawn } from 'node:child_process';

/** A command of a paired run. */
export interface Contender {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** Wall times in milliseconds of each contender's runs. */
export type Times = ReadonlyMap<string, readonly number[]>;

/** Runs the contenders in turns, so that what else the machine does falls on all of them. Throws when one fails. */
export async function inTurns(
  contenders: readonly Contender[],
  { rounds, cwd }: { readonly rounds: number; readonly cwd: string },
): Promise<Times> {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? contenders : [...contenders].reverse();
    for (const contender of order) times.get(contender.name)?.push(await wallTime(contender, cwd));
  }
  return times;
}

/** The wall time of one run in milliseconds. */
export async function wallTime({ name, argv, env }: Contender, cwd: string): Promise<number> {
  const [program, ...args] = argv;
  const started = performance.now();
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = Promise.withResolvers<number | null>();
  child.once('error', ended.reject);
  child.once('close', ended.resolve);
  const code = await ended.promise;
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}:\n${said}`);
  return performance.now() - started;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** How many times as long as the other one took in each round. On a machine with other work, rounds differ more than pairs. */
export function ratios(times: Times, one: string, other: string): readonly number[] {
  const others = times.get(other) ?? [];
  return (times.get(one) ?? []).map((time, round) => time / (others[round] ?? Number.NaN));
}

/** A line for each contender: every time, and the median. */
export function table(times: Times): string {
  return [...times]
    .map(
      ([name, all]) =>
        `${name.padEnd(12)} ${all.map((one) => one.toFixed(0).padStart(6)).join('')}   median ${median(all).toFixed(0)} ms`,
    )
    .join('\n');
}
