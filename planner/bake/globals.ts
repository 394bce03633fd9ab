import type { Diagnostic } from '../diagnostic.ts';
import type { Attribute, Block, Expression } from '../hcl/ast.ts';
import { convert } from '../hcl/convert.ts';
import { HclError } from '../hcl/error.ts';
import { evaluate } from '../hcl/evaluate.ts';
import type { HclFunction, Parameter, Scope, SpecialForm } from '../hcl/scope.ts';
import { didYouMean } from '../hcl/suggest.ts';
import type { Type } from '../hcl/type.ts';
import { ANY } from '../hcl/type.ts';
import { typeFromExpression } from '../hcl/type-expression.ts';
import type { Value } from '../hcl/value.ts';
import { NULL, text, tuple } from '../hcl/value.ts';
import type { Result } from '../result.ts';
import type { Span } from '../source.ts';
import type { Definition } from './definition.ts';
import { typedOverride, untypedOverride } from './environment.ts';

/** The functions every definition has. */
export interface Library {
  readonly find: (name: string) => HclFunction | SpecialForm | undefined;
  readonly names: () => Iterable<string>;
}

/** What a definition is evaluated with. */
export interface GlobalsInput {
  readonly definition: Definition;
  readonly environment: ReadonlyMap<string, string>;
  readonly builtins: ReadonlyMap<string, Value>;
  readonly library: Library;
  /** `target.NAME.ATTR` and `group.NAME.ATTR`; undefined when the expression is no such reference. */
  readonly blockAttribute: (expression: Extract<Expression, { is: 'attribute' }>, scope: Scope) => Value | undefined;
}

type State = { readonly is: 'running' } | { readonly is: 'done'; readonly value: Value };

/**
 * Variables, constants and functions of a definition, each evaluated when it is first needed. A name that needs itself is
 * a mistake with the whole circle shown.
 */
export class Globals {
  readonly #input: GlobalsInput;
  readonly #states = new Map<string, State>();
  readonly #functions = new Map<string, HclFunction | 'running'>();
  readonly #path: { readonly name: string; readonly span: Span }[] = [];
  readonly scope: Scope;

  constructor(input: GlobalsInput) {
    this.#input = input;
    this.scope = this.#scope(new Map(), new Map());
  }

  /** Evaluates everything that has a name, and checks it. */
  check(): readonly Diagnostic[] {
    const { variables, functions, constants } = this.#input.definition;
    const names = [...variables].map(
      ([name, block]) =>
        () =>
          void this.#value(name, block.headerSpan),
    );
    const validations = [...variables].map(
      ([name, block]) =>
        () =>
          this.#validate(name, block),
    );
    const bodies = [...functions].map(
      ([name, block]) =>
        () =>
          this.#checkFunction(name, block),
    );
    const rest = [...constants.values()].map(
      ({ name, nameSpan }) =>
        () =>
          void this.#value(name, nameSpan),
    );
    const found = attempts(names);
    return [...found, ...attempts([...(found.length > 0 ? [] : validations), ...bodies, ...rest])];
  }

  /** Name, description, declared type and value of every variable, for lists. */
  variables(): readonly {
    readonly name: string;
    readonly description?: string;
    readonly type?: Type;
    readonly value: Value;
  }[] {
    return [...this.#input.definition.variables].map(([name, block]) => {
      const description = block.body.attributes.get('description')?.expression;
      const type = typeOfVariable(block);
      return {
        name,
        ...(description?.is === 'string' ? { description: description.value } : {}),
        ...(type === undefined ? {} : { type }),
        value: this.#value(name, block.headerSpan),
      };
    });
  }

  #scope(names: ReadonlyMap<string, Value>, splat: ReadonlyMap<Expression, Value>): Scope {
    const scope: Scope = {
      variable: (name, span) => names.get(name) ?? this.#value(name, span),
      blockAttribute: (expression) =>
        names.size > 0 && names.has(rootName(expression)) ? undefined : this.#input.blockAttribute(expression, scope),
      callable: (name) => this.#callable(name),
      functionNames: () => [...this.#input.library.names(), ...this.#input.definition.functions.keys()],
      with: (more) => this.#scope(new Map([...names, ...more]), splat),
      splatItem: (node) => splat.get(node) ?? NULL,
      withSplatItem: (node, item) => this.#scope(names, new Map([...splat, [node, item]])),
    };
    return scope;
  }

  #value(name: string, span: Span): Value {
    const builtin = this.#input.builtins.get(name);
    if (builtin !== undefined) return builtin;
    const state = this.#states.get(name);
    if (state?.is === 'done') return state.value;
    if (state?.is === 'running') throw this.#cycle(name, span);
    const block = this.#input.definition.variables.get(name);
    const constant = this.#input.definition.constants.get(name);
    if (block === undefined && constant === undefined) throw this.#unknown(name, span);
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
    const { environment } = this.#input;
    const type = constant !== undefined || block === undefined ? undefined : typeOfVariable(block);
    const span = block?.headerSpan ?? constant?.nameSpan;
    const preset = this.#preset(name, block, constant, type);
    const json = environment.get(`${name}_JSON`);
    const jsonIsOther =
      this.#input.definition.variables.has(`${name}_JSON`) || this.#input.builtins.has(`${name}_JSON`);
    const plain = environment.get(name);
    if (type !== undefined && json !== undefined && !jsonIsOther) {
      return overridden(name, `${name}_JSON`, typedOverride(json, type, 'json'), span);
    }
    const given = plain ?? (jsonIsOther ? undefined : json);
    if (given === undefined) return preset;
    return overridden(
      name,
      name,
      type === undefined ? untypedOverride(given, preset) : typedOverride(given, type, 'plain'),
      span,
    );
  }

  #preset(name: string, block: Block | undefined, constant: Attribute | undefined, type: Type | undefined): Value {
    const expression = constant?.expression ?? block?.body.attributes.get('default')?.expression;
    if (expression === undefined) return type === undefined ? text('') : { is: 'null', type };
    const value = evaluate(expression, this.scope);
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

  #unknown(name: string, span: Span): HclError {
    const { definition, builtins } = this.#input;
    if (name === 'target' || name === 'group') {
      return new HclError({
        reason: 'block-reference',
        message: `${JSON.stringify(name)} is no variable`,
        hint: `write ${name}.NAME.ATTRIBUTE`,
        span,
      });
    }
    const known = [...definition.variables.keys(), ...definition.constants.keys(), ...builtins.keys()];
    return new HclError({
      reason: 'unknown-variable',
      message: `There is no variable named ${JSON.stringify(name)}`,
      hint: didYouMean(name, known, `declare it: variable ${JSON.stringify(name)} { default = "..." }`),
      span,
    });
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
    for (const rule of block.body.blocks.filter(({ type }) => type === 'validation')) {
      const condition = rule.body.attributes.get('condition');
      const message = rule.body.attributes.get('error_message');
      for (const attribute of rule.body.attributes.values()) {
        if (attribute.name !== 'condition' && attribute.name !== 'error_message') {
          throw new HclError({
            reason: 'unknown-attribute',
            message: `A validation has no attribute ${JSON.stringify(attribute.name)}`,
            hint: 'it has condition and error_message',
            span: attribute.nameSpan,
          });
        }
      }
      if (condition === undefined) {
        throw new HclError({
          reason: 'missing-attribute',
          message: 'This validation has no condition',
          hint: 'write condition = ...',
          span: rule.headerSpan,
        });
      }
      const value = convert(evaluate(condition.expression, this.scope), { is: 'bool' });
      if (!value.ok || value.value.is !== 'bool') {
        throw new HclError({
          reason: 'wrong-type',
          message: `The condition must be true or false${value.ok ? ', not null' : `: ${value.failure}`}`,
          hint: 'compare the value with something',
          span: condition.expression.span,
        });
      }
      if (value.value.value) continue;
      const said =
        message === undefined ? undefined : convert(evaluate(message.expression, this.scope), { is: 'string' });
      throw new HclError({
        reason: 'validation-failed',
        message: `The value of the variable ${JSON.stringify(name)} is not allowed: ${said?.ok === true && said.value.is === 'string' ? said.value.value : 'this check failed, but has no valid error message'}`,
        hint: `its own validation says so`,
        span: condition.expression.span,
        related: [{ message: 'the variable', span: block.headerSpan }],
      });
    }
  }

  #callable(name: string): HclFunction | SpecialForm | undefined {
    const standard = this.#input.library.find(name);
    if (standard !== undefined) return standard;
    const block = this.#input.definition.functions.get(name);
    return block === undefined ? undefined : this.#userFunction(name, block);
  }

  #userFunction(name: string, block: Block): HclFunction {
    const known = this.#functions.get(name);
    if (known === 'running') {
      throw new HclError({
        reason: 'function-cycle',
        message: `The function ${JSON.stringify(name)} calls itself`,
        hint: 'functions cannot be recursive',
        span: block.headerSpan,
      });
    }
    if (known !== undefined) return known;
    const { attributes } = block.body;
    const unknown = [...attributes.values()].find((one) => !['params', 'variadic_params', 'result'].includes(one.name));
    if (unknown !== undefined) {
      throw new HclError({
        reason: 'unknown-attribute',
        message: `A function has no attribute ${JSON.stringify(unknown.name)}`,
        hint: 'it has params, variadic_params and result',
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
    const made: HclFunction = {
      params: names.map(parameter),
      ...(variadic === undefined ? {} : { variadic: parameter(variadic) }),
      call: (args) => {
        if (this.#functions.get(name) === 'running')
          throw new HclError({
            reason: 'function-cycle',
            message: `The function ${JSON.stringify(name)} calls itself`,
            hint: 'functions cannot be recursive',
            span: block.headerSpan,
          });
        this.#functions.set(name, 'running');
        try {
          const bound = new Map(names.map((one, at) => [one, args[at] ?? NULL]));
          if (variadic !== undefined) bound.set(variadic, tuple(args.slice(names.length)));
          return evaluate(result, this.scope.with(bound));
        } finally {
          this.#functions.set(name, made);
        }
      },
    };
    this.#functions.set(name, made);
    return made;
  }

  /** What can be known of a function without calling it: its form, and whether the names in its result exist. */
  #checkFunction(name: string, block: Block): void {
    if (this.#input.library.find(name) !== undefined) return;
    const made = this.#userFunction(name, block);
    const params = new Set([...made.params, ...(made.variadic ? [made.variadic] : [])].map((one) => one.name));
    const result = block.body.attributes.get('result')?.expression;
    if (result !== undefined) this.#checkNames(result, params, [name]);
  }

  #checkNames(expression: Expression, bound: ReadonlySet<string>, chain: readonly string[]): void {
    for (const used of namesIn(expression, bound)) {
      if (used.is === 'variable') {
        if (!['string', 'number', 'bool', 'any', 'list', 'set', 'map', 'object', 'tuple'].includes(used.name))
          this.#value(used.name, used.span);
        continue;
      }
      const block =
        this.#input.library.find(used.name) === undefined ? this.#input.definition.functions.get(used.name) : undefined;
      if (block === undefined) continue;
      if (chain.includes(used.name)) {
        throw new HclError({
          reason: 'function-cycle',
          message: `The function ${JSON.stringify(used.name)} calls itself: ${[...chain.slice(chain.indexOf(used.name)), used.name].join(' -> ')}`,
          hint: 'functions cannot be recursive',
          span: used.span,
        });
      }
      const made = this.#userFunction(used.name, block);
      const params = new Set([...made.params, ...(made.variadic ? [made.variadic] : [])].map((one) => one.name));
      const result = block.body.attributes.get('result')?.expression;
      if (result !== undefined) this.#checkNames(result, params, [...chain, used.name]);
    }
  }
}

function attempts(tries: readonly (() => void)[]): readonly Diagnostic[] {
  const seen = new Map<string, Diagnostic>();
  for (const one of tries) {
    try {
      one();
    } catch (error) {
      if (!(error instanceof HclError)) throw error;
      const { diagnostic } = error;
      seen.set(`${diagnostic.message}@${diagnostic.span?.start}`, diagnostic);
    }
  }
  return [...seen.values()];
}

function overridden(name: string, from: string, value: Result<Value, string>, span: Span | undefined): Value {
  if (value.ok) return value.value;
  throw new HclError({
    reason: 'invalid-override',
    message: `The environment variable ${from} cannot be the value of the variable ${JSON.stringify(name)}: ${value.failure}`,
    hint: 'change it or unset it',
    ...(span === undefined ? {} : { span }),
  });
}

function typeOfVariable(block: Block): Type | undefined {
  const expression = block.body.attributes.get('type')?.expression;
  return expression === undefined ? undefined : typeFromExpression(expression);
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
  if (expression.is === 'string') return expression.value;
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

function rootName(expression: Expression): string {
  let node = expression;
  while (node.is === 'attribute' || node.is === 'index' || node.is === 'splat') node = node.of;
  return node.is === 'variable' ? node.name : '';
}

type UsedName = { readonly is: 'variable' | 'function'; readonly name: string; readonly span: Span };

/** Every free name of an expression. */
function namesIn(expression: Expression, bound: ReadonlySet<string>): readonly UsedName[] {
  const of = (one: Expression, more: readonly string[] = []): readonly UsedName[] =>
    namesIn(one, more.length === 0 ? bound : new Set([...bound, ...more]));
  switch (expression.is) {
    case 'variable':
      return bound.has(expression.name) ? [] : [{ is: 'variable', name: expression.name, span: expression.span }];
    case 'attribute':
    case 'splat':
      return expression.is === 'splat' ? [...of(expression.of), ...of(expression.each)] : of(expression.of);
    case 'index':
      return [...of(expression.of), ...of(expression.key)];
    case 'call':
      if (expression.name === 'try' || expression.name === 'can') return [];
      return [
        { is: 'function', name: expression.name, span: expression.nameSpan },
        ...expression.args.flatMap((arg) => of(arg)),
      ];
    case 'unary':
      return of(expression.operand);
    case 'binary':
      return [...of(expression.left), ...of(expression.right)];
    case 'conditional':
      return of(expression.condition);
    case 'tuple':
      return expression.items.flatMap((item) => of(item));
    case 'object':
      return expression.items.flatMap((item) => [...of(item.key), ...of(item.value)]);
    case 'parentheses':
      return of(expression.inner);
    case 'for': {
      const names = [expression.valueName, ...(expression.keyName === undefined ? [] : [expression.keyName])];
      const inner = [
        expression.value,
        ...(expression.key ? [expression.key] : []),
        ...(expression.condition ? [expression.condition] : []),
      ];
      return [...of(expression.collection), ...inner.flatMap((one) => of(one, names))];
    }
    case 'template':
      return expression.parts.flatMap((part) => (part.is === 'interpolation' ? of(part.expression) : []));
    default:
      return [];
  }
}
