import type { Diagnostic } from '../diagnostic.ts';

/** A warning about nothing in particular. */
export function warning(message: string): Diagnostic {
  return { reason: 'compose-warning', message };
}

/** What is said of variables that are not set, in the reference's words. */
export function unsetVariables(names: Iterable<string>): readonly Diagnostic[] {
  return [...names].map((name) => ({
    reason: 'unset-variable',
    message: `The ${JSON.stringify(name)} variable is not set. Defaulting to a blank string.`,
  }));
}
