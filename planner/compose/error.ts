import type { Diagnostic } from '../diagnostic.ts';

/** Nobody reads more mistakes at once. */
export const MAX_DIAGNOSTICS = 100;

/** Carries what is wrong with Compose files out of the depths of loading; caught at the doors of this folder. */
export class ComposeError extends Error {
  /** At most {@link MAX_DIAGNOSTICS}. */
  readonly diagnostics: readonly Diagnostic[];

  constructor(wrong: Diagnostic | readonly Diagnostic[]) {
    const diagnostics = ('length' in wrong ? wrong : [wrong]).slice(0, MAX_DIAGNOSTICS);
    super(diagnostics.map(({ message }) => message).join('\n'));
    this.diagnostics = diagnostics;
  }
}
