import type { Diagnostic } from '../../../planner/diagnostic.ts';
import type { SourceFile } from '../../../planner/source.ts';
import type { GoValue } from '../../../runtime/oci/go-value.ts';

/** Where something stands in the text of a template. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** One thing that a command is made of. */
export type Operand = Place &
  (
    | { readonly is: 'dot'; readonly names: readonly string[] }
    | { readonly is: 'variable'; readonly name: string; readonly names: readonly string[] }
    | { readonly is: 'constant'; readonly value: GoValue }
    | { readonly is: 'function'; readonly name: string }
    | { readonly is: 'pipeline'; readonly pipeline: Pipeline; readonly names: readonly string[] }
  );

/** A value, or a function and what it is given. */
export interface Command extends Place {
  readonly operands: readonly Operand[];
}

/** Commands whose values go from one to the next. */
export interface Pipeline extends Place {
  /** `$x := `, `$i, $x := ` or `$x = `. */
  readonly variables: readonly string[];
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

/** A part of a template. */
export type Part =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'action'; readonly pipeline: Pipeline }
  | {
      readonly is: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly body: readonly Part[];
      readonly otherwise: readonly Part[];
    };

/** A template that is wrong, or cannot be filled in with what it is given. */
export class BadTemplate extends Error {
  readonly diagnostic: Diagnostic;

  constructor(file: SourceFile, { start, end }: Place, message: string, hint?: string) {
    super(message);
    this.name = 'BadTemplate';
    const span = { file, start, end: Math.max(end, start + 1) };
    this.diagnostic = { reason: 'bad-template', message, span, ...(hint === undefined ? {} : { hint }) };
  }
}
