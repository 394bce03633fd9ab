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

/** What is wrong with things one after the other, until that is {@link MAX_DIAGNOSTICS} or more. */
export function upToMost<T, P>(things: Iterable<T>, problemsOf: (thing: T) => readonly P[]): readonly P[] {
  const found: P[] = [];
  for (const thing of things) {
    for (const one of problemsOf(thing)) found.push(one);
    if (found.length >= MAX_DIAGNOSTICS) break;
  }
  return found;
}
