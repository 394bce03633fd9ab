import type { Diagnostic } from '../diagnostic.ts';
import type { Attribute, Block, Expression } from '../hcl/ast.ts';
import { convert } from '../hcl/convert.ts';
import { HclError } from '../hcl/error.ts';
import { evaluate } from '../hcl/evaluate.ts';
import type { Library } from '../hcl/functions/table.ts';
import { Scope } from '../hcl/scope.ts';
import { didYouMean } from '../hcl/suggest.ts';
import type { Type } from '../hcl/type.ts';
import { STRING } from '../hcl/type.ts';
import { typeFromExpression } from '../hcl/type-expression.ts';
import type { Value } from '../hcl/value.ts';
import { text } from '../hcl/value.ts';
import type { Result } from '../result.ts';
import type { Span } from '../source.ts';
import type { Definition } from './definition.ts';
import { typedOverride, untypedOverride } from './environment.ts';
import { UserFunctions } from './user-functions.ts';
import { validateVariable } from './validation.ts';

/** What a definition is evaluated with. */
export interface GlobalsInput {
  readonly definition: Definition;
  readonly environment: ReadonlyMap<string, string>;
  readonly builtins: ReadonlyMap<string, Value>;
  readonly library: Library;
  /** `target.NAME.ATTR` and `group.NAME.ATTR`; undefined when the expression is no such reference. */
  readonly blockAttribute: (expression: Extract<Expression, { is: 'attribute' }>) => Value | undefined;
}

/** A variable with the value it has here. */
export interface EvaluatedVariable {
  readonly name: string;
  readonly description?: string;
  readonly type?: Type;
  readonly value: Value;
}

type State = { readonly is: 'running' } | { readonly is: 'done'; readonly value: Value };

/**
 * Variables, constants and functions of a definition, each evaluated when it is first needed. A name that needs itself is
 * a mistake with the whole circle shown.
 */
export class Globals {
  readonly #input: GlobalsInput;
  readonly #states = new Map<string, State>();
  readonly #path: { readonly name: string; readonly span: Span }[] = [];
  readonly #functions: UserFunctions;
  /** Where names were looked for in vain. */
  readonly #unknown = new Map<string, Span>();
  /** What blocks and constants see: everything. */
  readonly scope: Scope;
  /** What variables and functions see: not the blocks. */
  readonly #plainScope: Scope;

  constructor(input: GlobalsInput) {
    this.#input = input;
    const names = {
      variable: (name: string, span: Span) => this.#value(name, span),
      callable: (name: string) => input.library.find(name) ?? this.#functions.find(name),
      functionNames: () => [...input.library.names(), ...this.#functions.names()],
    };
    this.scope = new Scope({ ...names, blockAttribute: input.blockAttribute });
    this.#plainScope = new Scope({ ...names, blockAttribute: () => undefined });
    this.#functions = new UserFunctions({
      blocks: input.definition.functions,
      isStandard: (name) => input.library.find(name) !== undefined,
      scope: () => this.#plainScope,
      check: (name, span) => void this.#value(name, span),
    });
  }

  /** Evaluates everything that has a name, and checks it. */
  check(): readonly Diagnostic[] {
    const { variables, functions, constants } = this.#input.definition;
    const found = attempts(
      variables.entries(),
      ([name, block]) => void [this.#value(name, block.headerSpan), describe(block)],
    );
    const invalid =
      found.length > 0 ? [] : attempts(variables.entries(), ([name, block]) => this.#validate(name, block));
    const badFunctions = attempts(functions.keys(), (name) => this.#functions.check(name));
    const badConstants = attempts(constants.values(), ({ name, nameSpan }) => void this.#value(name, nameSpan));
    return [...found, ...invalid, ...badFunctions, ...badConstants];
  }

  /** Every variable, in file order. Call it after {@link check} found nothing wrong. */
  variables(): readonly EvaluatedVariable[] {
    return [...this.#input.definition.variables].map(([name, block]) => {
      const description = describe(block);
      const type = typeOfVariable(block);
      return {
        name,
        ...(description === undefined ? {} : { description }),
        ...(type === undefined ? {} : { type }),
        value: this.#value(name, block.headerSpan),
      };
    });
  }

  #value(name: string, span: Span): Value {
    const builtin = this.#input.builtins.get(name);
    if (builtin !== undefined) return builtin;
    const state = this.#states.get(name);
    if (state?.is === 'done') return state.value;
    if (state?.is === 'running') throw this.#cycle(name, span);
    const block = this.#input.definition.variables.get(name);
    const constant = this.#input.definition.constants.get(name);
    if (block === undefined && constant === undefined) throw this.#missing(name, span);
    this.#states.set(name, { is: 'running' });
    this.#path.push({ name, span });
    try {
      const value =
        block === undefined && constant !== undefined
          ? evaluate(constant.expression, this.scope)
          : this.#variable(name, block, constant);
      this.#states.set(name, { is: 'done', value });
      return value;
    } catch (error) {
      this.#states.delete(name);
      throw error;
    } finally {
      this.#path.pop();
    }
  }

  #variable(name: string, block: Block | undefined, constant: Attribute | undefined): Value {
    const { environment, definition, builtins } = this.#input;
    const type = constant !== undefined || block === undefined ? undefined : typeOfVariable(block);
    const span = block?.headerSpan ?? constant?.nameSpan;
    const preset = this.#preset(name, block, constant, type);
    const jsonName = `${name}_JSON`;
    const jsonIsOther = definition.variables.has(jsonName) || builtins.has(jsonName);
    const json = jsonIsOther ? undefined : environment.get(jsonName);
    if (type !== undefined && json !== undefined)
      return overridden(name, jsonName, typedOverride(json, type, 'json'), span);
    const given = environment.get(name) ?? json;
    if (given === undefined) return preset;
    const value = type === undefined ? untypedOverride(given, preset) : typedOverride(given, type, 'plain');
    return overridden(name, name, value, span);
  }

  #preset(name: string, block: Block | undefined, constant: Attribute | undefined, type: Type | undefined): Value {
    const expression = constant?.expression ?? block?.body.attributes.get('default')?.expression;
    if (expression === undefined) return type === undefined ? text('') : { is: 'null', type };
    const value = evaluate(expression, constant === undefined ? this.#plainScope : this.scope);
    if (type === undefined) return value;
    const converted = convert(value, type);
    if (converted.ok) return converted.value;
    throw new HclError({
      reason: 'wrong-type',
      message: `The default of the variable ${JSON.stringify(name)} does not fit its type: ${converted.failure}`,
      hint: 'change the default or the type',
      span: expression.span,
    });
  }

  /**
   * A name that is not there. The first place may be inside `try()`; a second one is a mistake in any case, as in the
   * reference, which then takes it for a circle (buildx `bake/hclparser/hclparser.go`, `resolveValue`).
   */
  #missing(name: string, span: Span): HclError {
    const { definition, builtins } = this.#input;
    if (name === 'target' || name === 'group') {
      return new HclError({
        reason: 'block-reference',
        message: `${JSON.stringify(name)} is no variable here`,
        hint: `attributes of targets, groups and constants can use ${name}.NAME.ATTRIBUTE`,
        span,
      });
    }
    const first = this.#unknown.get(name) ?? span;
    const again = first.file !== span.file || first.start !== span.start;
    this.#unknown.set(name, first);
    const known = [...definition.variables.keys(), ...definition.constants.keys(), ...builtins.keys()];
    const related = again ? { related: [{ message: 'looked for here first; that helps only once', span: first }] } : {};
    const diagnostic = {
      reason: 'unknown-variable',
      message: `There is no variable named ${JSON.stringify(name)}`,
      hint: missingHint(name, known),
      span,
    };
    return new HclError({ ...diagnostic, ...related }, { final: again });
  }

  #cycle(name: string, span: Span): HclError {
    const from = this.#path.findIndex((step) => step.name === name);
    const circle = this.#path.slice(from);
    return new HclError({
      reason: 'variable-cycle',
      message: `The variable ${JSON.stringify(name)} needs itself: ${[...circle.map((step) => step.name), name].join(' -> ')}`,
      hint: 'break the circle',
      span,
      related: circle.slice(1).map((step) => ({ message: `needs ${step.name} here`, span: step.span })),
    });
  }

  #validate(name: string, block: Block): void {
    for (const rule of block.body.blocks) {
      if (rule.type === 'validation') validateVariable(name, block, rule, this.#plainScope);
    }
  }
}

function missingHint(name: string, known: readonly string[]): string {
  const minus = name.split('-');
  if (minus.length > 1 && known.includes(minus[0] ?? '')) {
    return `a name can hold "-"; for a subtraction write ${minus.join(' - ')}`;
  }
  if (TYPE_WORDS.has(name))
    return 'docker buildx bake takes the type for a name, and a second convert() to it for a mistake';
  return didYouMean(name, known, `declare it: variable ${JSON.stringify(name)} { default = "..." }`);
}

const TYPE_WORDS: ReadonlySet<string> = new Set(['string', 'number', 'bool', 'any']);

/** What is wrong, each once, over all that is tried. */
function attempts<T>(all: Iterable<T>, one: (item: T) => void): readonly Diagnostic[] {
  const seen = new Map<string, Diagnostic>();
  for (const item of all) {
    try {
      one(item);
    } catch (error) {
      if (!(error instanceof HclError)) throw error;
      for (const one of error.diagnostics) seen.set(`${one.message}@${one.span?.start}`, one);
    }
  }
  return [...seen.values()];
}

function overridden(name: string, from: string, value: Result<Value, string>, span: Span | undefined): Value {
  if (value.ok) return value.value;
  throw new HclError({
    reason: 'invalid-override',
    message: `The environment variable ${from} cannot be the value of the variable ${JSON.stringify(name)}: ${value.failure.replace('NAME_JSON', `${name}_JSON`)}`,
    hint: 'change it or unset it',
    ...(span === undefined ? {} : { span }),
  });
}

function typeOfVariable(block: Block): Type | undefined {
  const expression = block.body.attributes.get('type')?.expression;
  return expression === undefined ? undefined : typeFromExpression(expression);
}

/** A description says itself what it is: it may not use names or functions. Throws {@link HclError}. */
function describe(block: Block): string | undefined {
  const expression = block.body.attributes.get('description')?.expression;
  if (expression === undefined) return undefined;
  const value = convert(evaluate(expression, NOTHING_IN_SCOPE), STRING);
  if (value.ok && value.value.is === 'string') return value.value.value;
  throw literalExpected(expression.span);
}

function literalExpected(span: Span): HclError {
  return new HclError({
    reason: 'literal-expected',
    message: 'The description of a variable must be a plain text',
    hint: 'names and functions cannot be used here',
    span,
  });
}

const NOTHING_IN_SCOPE = new Scope({
  variable: (_name, span) => {
    throw literalExpected(span);
  },
  blockAttribute: () => undefined,
  callable: () => (call) => {
    throw literalExpected(call.span);
  },
  functionNames: () => [],
});
