import type { Diagnostic } from '../diagnostic.ts';
import type { Result } from '../result.ts';
import { fail } from '../result.ts';
import type { Span } from '../source.ts';
import { HclError } from './error.ts';

/** What any definition may take, and how much more for each character of its text. */
const BASE_STEPS = 1_000_000;
const STEPS_PER_CHARACTER = 20;

/** A longer text is no value of a build. */
export const MAX_TEXT = 2 ** 24;

/** A text costs a step for so many characters: it is copied, compared and written. */
const CHARACTERS_PER_STEP = 64;

let left = Number.POSITIVE_INFINITY;

/**
 * Runs an evaluation whose cost must be in proportion to the text it evaluates, so that loops in loops and values made of
 * values end with a clear mistake instead of filling the memory. One step is one expression, or one part of a value that is
 * compared, converted or written. An evaluation never waits, so there is one at a time.
 */
export function withBudget<T>(characters: number, evaluate: () => T): T {
  const before = left;
  left = BASE_STEPS + STEPS_PER_CHARACTER * characters;
  try {
    return evaluate();
  } finally {
    left = before;
  }
}

/** Does the work; what exhausts the stack, or makes too long a text, is a mistake of the definition. */
export async function bounded<T>(
  work: () => Promise<Result<T, readonly Diagnostic[]>>,
): Promise<Result<T, readonly Diagnostic[]>> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const deep = error.message.includes('call stack');
    return fail([
      {
        reason: 'too-much',
        message: deep ? 'This definition goes too deep to follow' : 'A value of this definition is too large',
        hint: deep ? 'a chain of names, or one expression, is thousands of steps long' : 'make it smaller',
      },
    ]);
  }
}

/** Takes steps from the budget of the evaluation that is running. Throws {@link HclError} when there are no more. */
export function spend(steps: number, span?: Span): void {
  left -= steps;
  if (left < 0) throw tooMuch('This definition takes too many steps to compute', span);
}

/** Takes what a text of so many characters costs. Throws {@link HclError} when it is too long to be meant. */
export function spendText(characters: number, span?: Span): void {
  if (characters > MAX_TEXT) throw tooMuch('This text is too long', span);
  spend(Math.floor(characters / CHARACTERS_PER_STEP), span);
}

function tooMuch(message: string, span?: Span): HclError {
  const hint = 'loops and values inside one another multiply; make them smaller';
  return new HclError({ reason: 'too-much', message, hint, ...(span === undefined ? {} : { span }) }, { final: true });
}
