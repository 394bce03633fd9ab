import type { Block, Expression } from '../hcl/ast.ts';
import { HclError } from '../hcl/error.ts';
import { evaluate } from '../hcl/evaluate.ts';
import { freeNames } from '../hcl/free-names.ts';
import type { HclFunction, Parameter, Scope } from '../hcl/scope.ts';
import { didYouMean } from '../hcl/suggest.ts';
import { ANY } from '../hcl/type.ts';
import type { Value } from '../hcl/value.ts';
import { NULL, tuple } from '../hcl/value.ts';
import type { Span } from '../source.ts';

/** What functions of a definition are made in. */
export interface FunctionSurroundings {
  readonly blocks: ReadonlyMap<string, Block>;
  /** Names that a block cannot replace. */
  readonly isStandard: (name: string) => boolean;
  /** What a result can see beside the parameters. */
  readonly scope: () => Scope;
  /** Throws {@link HclError} for a name that is not there. */
  readonly check: (name: string, span: Span) => void;
}

const ATTRIBUTES = ['params', 'variadic_params', 'result'];

/** The `function` blocks of a definition, each made when it is first called (HCL `ext/userfunc`). */
export class UserFunctions {
  readonly #surroundings: FunctionSurroundings;
  readonly #made = new Map<string, HclFunction>();
  readonly #running = new Set<string>();
  /** What {@link check} found; told once, whoever calls the function. */
  readonly #broken = new Map<string, HclError>();
  /** Functions that lead to no circle and no unknown name. */
  readonly #sound = new Set<string>();

  constructor(surroundings: FunctionSurroundings) {
    this.#surroundings = surroundings;
  }

  names(): Iterable<string> {
    return this.#surroundings.blocks.keys();
  }

  /** Undefined when no block has the name. Throws {@link HclError} when its block is wrong. */
  find(name: string): HclFunction | undefined {
    const broken = this.#broken.get(name);
    if (broken !== undefined) throw broken;
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const block = this.#surroundings.blocks.get(name);
    if (block === undefined) return undefined;
    const made = this.#make(name, block);
    this.#made.set(name, made);
    return made;
  }

  /**
   * What can be known of a function without calling it: its form, whether it needs itself, and whether the names in its
   * result exist. Throws {@link HclError}.
   */
  check(name: string): void {
    if (this.#surroundings.isStandard(name)) return;
    try {
      this.#checkResult(name, []);
    } catch (error) {
      if (error instanceof HclError) this.#broken.set(name, error);
      throw error;
    }
  }

  #checkResult(name: string, chain: readonly string[]): void {
    if (this.#sound.has(name)) return;
    const made = this.find(name);
    const result = this.#surroundings.blocks.get(name)?.body.attributes.get('result')?.expression;
    if (made === undefined || result === undefined) return;
    const bound = new Set([...made.params, ...(made.variadic ? [made.variadic] : [])].map((one) => one.name));
    for (const used of freeNames(result, bound)) {
      if (used.is === 'variable') {
        this.#surroundings.check(used.name, used.span);
      } else if (!this.#surroundings.isStandard(used.name) && this.#surroundings.blocks.has(used.name)) {
        const above = [...chain, name];
        if (above.includes(used.name)) throw cycle(used.name, used.span, above.slice(above.indexOf(used.name)));
        this.#checkResult(used.name, above);
      }
    }
    this.#sound.add(name);
  }

  #make(name: string, block: Block): HclFunction {
    const { attributes } = block.body;
    const unknown = [...attributes.values()].find((one) => !ATTRIBUTES.includes(one.name));
    if (unknown !== undefined) {
      throw new HclError({
        reason: 'unknown-attribute',
        message: `A function has no attribute ${JSON.stringify(unknown.name)}`,
        hint: didYouMean(unknown.name, ATTRIBUTES, 'it has params, variadic_params and result'),
        span: unknown.nameSpan,
      });
    }
    const result = attributes.get('result')?.expression;
    if (result === undefined) throw missing(name, 'result', block, 'result = ...');
    const params = attributes.get('params')?.expression;
    if (params?.is !== 'tuple') throw missing(name, 'params', block, 'params = [a, b], or params = [] for none');
    const names = params.items.map(identifierOf);
    const rest = attributes.get('variadic_params')?.expression;
    const variadic = rest === undefined ? undefined : identifierOf(rest);
    return {
      params: names.map(parameter),
      ...(variadic === undefined ? {} : { variadic: parameter(variadic) }),
      call: (args) => {
        const bound = new Map<string, Value>(names.map((one, at) => [one, args[at] ?? NULL]));
        if (variadic !== undefined) bound.set(variadic, tuple(args.slice(names.length)));
        return this.#call(name, block, result, bound);
      },
    };
  }

  #call(name: string, block: Block, result: Expression, bound: ReadonlyMap<string, Value>): Value {
    if (this.#running.has(name)) throw cycle(name, block.headerSpan, [name]);
    this.#running.add(name);
    try {
      return evaluate(result, this.#surroundings.scope().with(bound));
    } finally {
      this.#running.delete(name);
    }
  }
}

function cycle(name: string, span: Span, circle: readonly string[]): HclError {
  return new HclError({
    reason: 'function-cycle',
    message: `The function ${JSON.stringify(name)} calls itself: ${[...circle, name].join(' -> ')}`,
    hint: 'functions cannot be recursive',
    span,
  });
}

function missing(name: string, what: string, block: Block, example: string): HclError {
  return new HclError({
    reason: 'missing-attribute',
    message: `The function ${JSON.stringify(name)} has no ${what}`,
    hint: `write ${example}`,
    span: block.headerSpan,
  });
}

function identifierOf(expression: Expression): string {
  if (expression.is === 'variable') return expression.name;
  throw new HclError({
    reason: 'invalid-parameter',
    message: 'A parameter is a bare name',
    hint: 'write params = [a, b]',
    span: expression.span,
  });
}

function parameter(name: string): Parameter {
  return { name, type: ANY };
}
