import type { HclNumber } from '../number.ts';
import {
  add,
  ceil,
  compare,
  divide,
  exactInteger,
  floor,
  fromDouble,
  modulo,
  multiply,
  negate,
  signOf,
  subtract,
  toDouble,
  truncate,
} from '../number.ts';
import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import type { Value } from '../value.ts';
import { bool, equal, number } from '../value.ts';
import {
  any,
  anyOrNull,
  count,
  countAt,
  define,
  defineVariadic,
  flag,
  flagAt,
  num,
  numberAt,
  typeName,
  valueAt,
} from './define.ts';
import { power } from './power.ts';

type Operation = (a: HclNumber, b: HclNumber) => HclNumber | undefined;

const operation = (compute: Operation, undefinedResult: string): HclFunction =>
  define([num('a'), num('b')], (args) => {
    const result = compute(numberAt(args, 0), numberAt(args, 1));
    if (result === undefined) throw new CallError(undefinedResult);
    return number(result);
  });

const comparison = (holds: (order: number) => boolean): HclFunction =>
  define([num('a'), num('b')], (args) => bool(holds(compare(numberAt(args, 0), numberAt(args, 1)))));

const extreme = (wanted: -1 | 1): HclFunction =>
  defineVariadic([], num('numbers'), (args) => {
    if (args.length === 0) throw new CallError('must pass at least one number');
    return number(
      args.map((_, at) => numberAt(args, at)).reduce((best, one) => (compare(one, best) === wanted ? one : best)),
    );
  });

const unary = (compute: (value: HclNumber) => HclNumber): HclFunction =>
  define([num('num')], (args) => number(compute(numberAt(args, 0))));

/** Functions on numbers, and comparisons and logic as functions (zclconf/go-cty `function/stdlib/number.go`). */
export const NUMBER_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  add: operation(add, "can't compute sum of opposing infinities"),
  subtract: operation(subtract, "can't subtract infinity from itself"),
  multiply: operation(multiply, "can't multiply zero by infinity"),
  divide: operation(divide, "can't divide zero by zero or infinity by infinity"),
  modulo: operation(modulo, "can't use modulo with zero and infinity"),
  absolute: unary((value) => (signOf(value) < 0 || value.negativeZero === true ? negate(value) : value)),
  negate: unary(negate),
  ceil: unary(ceil),
  floor: unary(floor),
  int: unary(truncate),
  log: define([num('num'), num('base')], (args) =>
    fromResult(Math.log(doubleAt(args, 0)) / Math.log(doubleAt(args, 1)), 'a number below zero has no logarithm'),
  ),
  pow: define([num('num'), num('power')], (args) =>
    fromResult(power(doubleAt(args, 0), doubleAt(args, 1)), 'a number below zero has no fractional power'),
  ),
  signum: define([num('num')], (args) => count(Math.sign(countAt(args, 0)) || 0)),
  min: extreme(-1),
  max: extreme(1),
  parseint: define([any('number'), num('base')], (args) => {
    const digits = valueAt(args, 0);
    if (digits.is !== 'string') throw new CallError(`first argument must be a string, not ${typeName(digits)}`, 0);
    const base = countAt(args, 1);
    if (base < 2 || base > 62) throw new CallError('base must be a whole number between 2 and 62 inclusive', 1);
    return number(exactInteger(parsedInteger(digits.value, base)));
  }),
  lessthan: comparison((order) => order < 0),
  lessthanorequalto: comparison((order) => order <= 0),
  greaterthan: comparison((order) => order > 0),
  greaterthanorequalto: comparison((order) => order >= 0),
  equal: define([anyOrNull('a'), anyOrNull('b')], (args) => bool(equal(valueAt(args, 0), valueAt(args, 1)))),
  notequal: define([anyOrNull('a'), anyOrNull('b')], (args) => bool(!equal(valueAt(args, 0), valueAt(args, 1)))),
  not: define([flag('val')], (args) => bool(!flagAt(args, 0))),
  and: define([flag('a'), flag('b')], (args) => bool(flagAt(args, 0) && flagAt(args, 1))),
  or: define([flag('a'), flag('b')], (args) => bool(flagAt(args, 0) || flagAt(args, 1))),
};

function doubleAt(args: readonly Value[], at: number): number {
  const value = numberAt(args, at);
  const double = toDouble(value);
  if (!Number.isFinite(double) && value.infinite === undefined) {
    throw new CallError(`value must be between -${Number.MAX_VALUE} and ${Number.MAX_VALUE} inclusive`, at);
  }
  return double;
}

function fromResult(result: number, undefinedResult: string): Value {
  if (Number.isNaN(result)) throw new CallError(`the result is no number: ${undefinedResult}`);
  return number(fromDouble(result));
}

/** Longer than any number that somebody writes, and still quick to read. */
const MAX_DIGITS = 10_000;

function parsedInteger(text: string, base: number): bigint {
  const [, sign = '', digits = ''] = /^([+-]?)([0-9a-zA-Z]+)$/.exec(text) ?? [];
  if (digits.length > MAX_DIGITS) throw new CallError(`a number has at most ${MAX_DIGITS} digits here`, 0);
  let value = 0n;
  for (const digit of digits) {
    const worth = worthOf(digit, base);
    if (worth >= base) throw notAnInteger(text, base);
    value = value * BigInt(base) + BigInt(worth);
  }
  if (digits === '') throw notAnInteger(text, base);
  return sign === '-' ? -value : value;
}

/** Up to base 36 the case of letters does not matter; beyond it, capitals come after the others. */
function worthOf(digit: string, base: number): number {
  const worth = Number.parseInt(digit, 36);
  return base > 36 && digit >= 'A' && digit <= 'Z' ? worth + 26 : worth;
}

function notAnInteger(text: string, base: number): CallError {
  return new CallError(`cannot parse ${JSON.stringify(text)} as a base ${base} integer`, 0);
}
