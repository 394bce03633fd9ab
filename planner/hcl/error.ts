import type { Diagnostic } from '../diagnostic.ts';

/** Carries what is wrong out of the depth of the parser or evaluator; caught at the room's door. */
export class HclError extends Error {
  /** The first is what the message says; several where a person can mend several at once. */
  readonly diagnostics: readonly [Diagnostic, ...Diagnostic[]];
  /** Not for `try()`, nor for the branch that does not count. */
  readonly final: boolean;

  constructor(
    diagnostic: Diagnostic,
    { final = false, others = [] }: { readonly final?: boolean; readonly others?: readonly Diagnostic[] } = {},
  ) {
    super(diagnostic.message);
    this.name = 'HclError';
    this.diagnostics = [diagnostic, ...others];
    this.final = final;
  }
}

/** So many mistakes in one expression are enough. */
const MAX_ERRORS = 20;

/** What each item comes to. Throws one {@link HclError} with all that is wrong in any of them. */
export function mapAll<T, R>(items: readonly T[], each: (item: T) => R): R[] {
  const results: R[] = [];
  const errors: HclError[] = [];
  for (const item of items) {
    try {
      results.push(each(item));
    } catch (error) {
      if (!(error instanceof HclError)) throw error;
      errors.push(error);
      if (errors.length >= MAX_ERRORS) break;
    }
  }
  const [first, ...rest] = errors;
  if (first === undefined) return results;
  if (rest.length === 0) throw first;
  const [diagnostic, ...others] = errors.flatMap(({ diagnostics }) => diagnostics);
  throw new HclError(diagnostic ?? first.diagnostics[0], { final: errors.some(({ final }) => final), others });
}

/** Whether a mistake may be passed over by who has another way: the next argument of `try()`, the other operand. */
export function isPassable(error: unknown): error is HclError {
  return error instanceof HclError && !error.final;
}
