import type { Span } from '../source.ts';
import type { Type } from './type.ts';
import type { Expression } from './ast.ts';
import type { Value } from './value.ts';
import { NULL } from './value.ts';

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

/** What a scope rests on: the names of the whole definition. What it throws is an `HclError`. */
export interface Surroundings {
  readonly variable: (name: string, span: Span) => Value;
  /** `target.app.tags` and the like, whose parts are computed apart; undefined when the expression is no such thing. */
  readonly blockAttribute: (expression: Extract<Expression, { is: 'attribute' }>) => Value | undefined;
  readonly callable: (name: string) => HclFunction | SpecialForm | undefined;
  /** Names that a call could mean, for suggestions. */
  readonly functionNames: () => Iterable<string>;
}

/** Where names are looked up: the innermost loop, function or matrix first, the surroundings last. */
export class Scope {
  readonly #surroundings: Surroundings;
  readonly #outer: Scope | undefined;
  readonly #names: ReadonlyMap<string, Value> | undefined;
  readonly #splat: { readonly node: Expression; readonly item: Value } | undefined;

  constructor(
    surroundings: Surroundings,
    inner: {
      readonly outer?: Scope;
      readonly names?: ReadonlyMap<string, Value>;
      readonly splat?: { readonly node: Expression; readonly item: Value };
    } = {},
  ) {
    this.#surroundings = surroundings;
    this.#outer = inner.outer;
    this.#names = inner.names;
    this.#splat = inner.splat;
  }

  /** Throws `HclError` for a name that is nowhere. */
  variable(name: string, span: Span): Value {
    return this.#bound(name) ?? this.#surroundings.variable(name, span);
  }

  /** Undefined when the expression is no reference to a block. */
  blockAttribute(expression: Extract<Expression, { is: 'attribute' }>): Value | undefined {
    const { of } = expression;
    if (of.is !== 'attribute' || of.of.is !== 'variable') return undefined;
    return this.#bound(of.of.name) === undefined ? this.#surroundings.blockAttribute(expression) : undefined;
  }

  callable(name: string): HclFunction | SpecialForm | undefined {
    return this.#surroundings.callable(name);
  }

  functionNames(): Iterable<string> {
    return this.#surroundings.functionNames();
  }

  /** The same with more names, which hide those outside. */
  with(names: ReadonlyMap<string, Value>): Scope {
    return new Scope(this.#surroundings, { outer: this, names });
  }

  /** The element that the steps after a splat start from. */
  splatItem(node: Expression): Value {
    if (this.#splat?.node === node) return this.#splat.item;
    return this.#outer?.splatItem(node) ?? NULL;
  }

  withSplatItem(node: Expression, item: Value): Scope {
    return new Scope(this.#surroundings, { outer: this, splat: { node, item } });
  }

  #bound(name: string): Value | undefined {
    const own = this.#names?.get(name);
    return own ?? (this.#outer === undefined ? undefined : this.#outer.#bound(name));
  }
}
