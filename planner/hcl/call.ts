import type { Span } from '../source.ts';
import type { Expression } from './ast.ts';
import { spend, spendText } from './budget.ts';
import { convert } from './convert.ts';
import { HclError } from './error.ts';
import { INSTEAD_OF } from './functions/elsewhere.ts';
import type { HclFunction, Parameter, Scope } from './scope.ts';
import { CallError } from './scope.ts';
import { article, didYouMean } from './suggest.ts';
import { describeType } from './type.ts';
import type { Value } from './value.ts';
import { kindOf } from './value.ts';

type Call = Extract<Expression, { is: 'call' }>;

type Evaluate = (expression: Expression, scope: Scope) => Value;

/** The value of a function call, whose arguments `evaluate` computes. Throws {@link HclError}. */
export function callFunction(call: Call, scope: Scope, evaluate: Evaluate): Value {
  const callable = scope.callable(call.name);
  if (callable === undefined) {
    throw new HclError({
      reason: 'unknown-function',
      message: `There is no function named ${JSON.stringify(call.name)}`,
      hint: hintFor(call.name, scope),
      span: call.nameSpan,
    });
  }
  if (typeof callable === 'function') return callable(call, scope);
  const args = argumentValues(call, scope, evaluate);
  return applyFunction(callable, args, call);
}

function hintFor(name: string, scope: Scope): string {
  const instead = Object.hasOwn(INSTEAD_OF, name) ? INSTEAD_OF[name] : undefined;
  return (
    instead ??
    didYouMean(name, scope.functionNames(), 'define it in a function block, or see the list of functions of bake')
  );
}

interface Argument {
  readonly value: Value;
  readonly span: Span;
}

function argumentValues(call: Call, scope: Scope, evaluate: Evaluate): readonly Argument[] {
  const last = call.expand ? call.args.at(-1) : undefined;
  const args: Argument[] = [];
  for (const arg of call.args) {
    const value = evaluate(arg, scope);
    const { span } = arg;
    if (arg !== last) args.push({ value, span });
    else for (const item of expanded(value, span)) args.push({ value: item, span });
  }
  return args;
}

function expanded(value: Value, span: Span): readonly Value[] {
  if ('items' in value) return value.items;
  throw new HclError({
    reason: 'invalid-expansion',
    message:
      value.is === 'null'
        ? 'A null value cannot be expanded'
        : `${article(kindOf(value))} cannot be expanded`.replace(/^a/, 'A'),
    hint: '... needs a list, a set or a tuple',
    span,
  });
}

function applyFunction(callable: HclFunction, args: readonly Argument[], call: Call): Value {
  checkCount(callable, args, call);
  const converted = args.map(({ value, span }, at) => {
    const parameter = callable.params[at] ?? callable.variadic;
    return parameter === undefined ? value : argument(parameter, value, span);
  });
  try {
    const result = callable.call(converted);
    for (const one of converted) spendValue(one, call.span);
    spendValue(result, call.span);
    return result;
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(call);
    if (!(error instanceof CallError)) throw error;
    const at = error.argument;
    const parameter = at === undefined ? undefined : (callable.params[at] ?? callable.variadic);
    throw new HclError({
      reason: 'function-call',
      message:
        parameter === undefined
          ? `The call of ${call.name} failed: ${error.message}`
          : `Invalid value for the parameter ${JSON.stringify(parameter.name)} of ${call.name}: ${error.message}`,
      hint: signature(call.name, callable),
      span: (at === undefined ? undefined : args[at]?.span) ?? call.span,
    });
  }
}

function spendValue(value: Value, span: Span): void {
  if (value.is === 'string') spendText(value.value.length, span);
  else if ('items' in value) spend(value.items.length, span);
}

/** What JavaScript cannot hold: a string or a number beyond its limits, values nested too deeply. */
function tooLarge(call: Call): HclError {
  return new HclError({
    reason: 'function-call',
    message: `The call of ${call.name} failed: its result would be too large`,
    hint: 'give it smaller values',
    span: call.span,
  });
}

function checkCount(callable: HclFunction, args: readonly Argument[], call: Call): void {
  const least = callable.params.length;
  if (args.length < least) {
    throw new HclError({
      reason: 'function-arguments',
      message: `Not enough arguments for ${call.name}: ${JSON.stringify(callable.params[args.length]?.name)} is missing`,
      hint: signature(call.name, callable),
      span: call.span,
    });
  }
  if (args.length > least && callable.variadic === undefined) {
    throw new HclError({
      reason: 'function-arguments',
      message: `Too many arguments for ${call.name}: it takes ${least}`,
      hint: signature(call.name, callable),
      span: args[least]?.span ?? call.span,
    });
  }
}

function argument(parameter: Parameter, value: Value, span: Span): Value {
  if (value.is === 'null' && parameter.nullable !== true) {
    throw invalid(parameter, 'argument must not be null', span);
  }
  const converted = convert(value, parameter.type);
  if (converted.ok) return converted.value;
  throw invalid(parameter, converted.failure, span);
}

function invalid(parameter: Parameter, why: string, span: Span): HclError {
  return new HclError({
    reason: 'function-argument',
    message: `Invalid value for the parameter ${JSON.stringify(parameter.name)}: ${why}`,
    hint: `${parameter.type.is === 'any' ? 'a value that is not null' : article(describeType(parameter.type))} is expected`,
    span,
  });
}

function signature(name: string, callable: HclFunction): string {
  const params = callable.params.map((parameter) => parameter.name);
  const all = callable.variadic === undefined ? params : [...params, `${callable.variadic.name}...`];
  return `write ${name}(${all.join(', ')})`;
}
