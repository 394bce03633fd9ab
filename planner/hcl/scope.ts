import type { Span } from '../source.ts';
import type { Type } from './type.ts';
import type { Expression } from './ast.ts';
import type { Value } from './value.ts';

/** What a function takes and gives. */
export interface HclFunction {
  readonly params: readonly Parameter[];
  /** Takes all further arguments. */
  readonly variadic?: Parameter;
  /** Throws {@link CallError}. */
  readonly call: (args: readonly Value[]) => Value;
}

/** One parameter; arguments are converted to its type before the call. */
export interface Parameter {
  readonly name: string;
  readonly type: Type;
  readonly nullable?: boolean;
}

/** What went wrong inside a function; `argument` counts from 0 when one of them is at fault. */
export class CallError extends Error {
  readonly argument: number | undefined;

  constructor(message: string, argument?: number) {
    super(message);
    this.name = 'CallError';
    this.argument = argument;
  }
}

/** A function that decides itself what it evaluates (`try`, `can`, `convert`). */
export type SpecialForm = (call: Extract<Expression, { is: 'call' }>, scope: Scope) => Value;

/** Where names are looked up. What it throws is an `HclError`. */
export interface Scope {
  readonly variable: (name: string, span: Span) => Value;
  /** `target.app.tags` and the like, whose parts are computed apart; undefined when the expression is no such thing. */
  readonly blockAttribute: (expression: Extract<Expression, { is: 'attribute' }>) => Value | undefined;
  readonly callable: (name: string) => HclFunction | SpecialForm | undefined;
  /** Names that a call could mean, for suggestions. */
  readonly functionNames: () => Iterable<string>;
  readonly with: (names: ReadonlyMap<string, Value>) => Scope;
  readonly splatItem: (node: Expression) => Value;
  readonly withSplatItem: (node: Expression, item: Value) => Scope;
}
