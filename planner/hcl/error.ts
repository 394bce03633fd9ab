import type { Diagnostic } from '../diagnostic.ts';

/** Carries what is wrong out of the depth of the parser or evaluator; caught at the room's door. */
export class HclError extends Error {
  readonly diagnostic: Diagnostic;
  /** Not for `try()`, nor for the branch that does not count. */
  readonly final: boolean;

  constructor(diagnostic: Diagnostic, { final = false }: { readonly final?: boolean } = {}) {
    super(diagnostic.message);
    this.name = 'HclError';
    this.diagnostic = diagnostic;
    this.final = final;
  }
}

/** Whether a mistake may be passed over by who has another way: the next argument of `try()`, the other operand. */
export function isPassable(error: unknown): error is HclError {
  return error instanceof HclError && !error.final;
}
