import type { Diagnostic } from '../diagnostic.ts';

/** Carries what is wrong with Compose files out of the depths of loading; caught at the doors of this folder. */
export class ComposeError extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(...diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(({ message }) => message).join('\n'));
    this.diagnostics = diagnostics;
  }
}
