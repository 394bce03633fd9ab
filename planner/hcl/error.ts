import type { Diagnostic } from '../diagnostic.ts';

/** Carries what is wrong out of the depth of the parser or evaluator; caught at the room's door. */
export class HclError extends Error {
  readonly diagnostic: Diagnostic;

  constructor(diagnostic: Diagnostic) {
    super(diagnostic.message);
    this.name = 'HclError';
    this.diagnostic = diagnostic;
  }
}
