import type { Span } from './source.ts';

/**
 * One thing that is wrong with what the user wrote, as data. `cli/print` turns it into words with the source line.
 * A planner gives as many at once as a person can mend at once.
 */
export interface Diagnostic {
  /** A kebab-case word for the kind of mistake (`unknown-target`, `target-cycle`, `syntax`); tests and tools match it. */
  readonly reason: string;
  /** One sentence that says what is wrong, with the user's own names in it. No final period. */
  readonly message: string;
  /** What would be right: a suggestion for a misspelt name, the form wanted. */
  readonly hint?: string;
  /** Where. Absent only where no text is at fault (a name on the command line). */
  readonly span?: Span;
  /** Other places that explain it: the links of a cycle, where an inherited value comes from. */
  readonly related?: readonly RelatedPlace[];
}

/** A place that helps to understand a {@link Diagnostic}. */
export interface RelatedPlace {
  readonly message: string;
  readonly span: Span;
}
