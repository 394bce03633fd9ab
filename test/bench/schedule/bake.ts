import type { Inputs, PastRun } from '../../../runtime/schedule/durations.ts';

/** One target of a simulated bake, on one architecture. */
export interface Task {
  readonly name: string;
  readonly architecture: string;
  /** Names of tasks of the same architecture that it links to; they come before it. */
  readonly needs: readonly string[];
  /** What it really takes on a host that never built it. */
  readonly coldMs: number;
  /** What it really takes this time on a host that built it before; much where what it is made from has changed. */
  readonly warmMs: number;
  /** What is known beforehand of whether it has changed. */
  readonly inputs: Inputs;
  /** What it took the last times. */
  readonly past: readonly PastRun[];
}

/** A bake with what really happens when its tasks are run: the scheduler is told the past alone. */
export interface SimulatedBake {
  readonly name: string;
  readonly tasks: readonly Task[];
}
