import { arithmetic } from '../arithmetic.ts';
import type { HclNumber } from '../number.ts';
import { ceil, compare, floor, fromInteger, negate, signOf } from '../number.ts';
import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import { bool, equal, NULL, number } from '../value.ts';
import { anyOrNull, countAt, define, defineVariadic, flag, flagAt, num, numberAt, string, textAt } from './define.ts';

const operation = (operator: '+' | '-' | '*' | '/' | '%'): HclFunction =>
  define([num('a'), num('b')], (args) =>
    number(arithmetic(operator, numberAt(args, 0), numberAt(args, 1)) ?? undefinedResult()),
  );

const comparison = (holds: (order: number) => boolean): HclFunction =>
  define([num('a'), num('b')], (args) => bool(holds(compare(numberAt(args, 0), numberAt(args, 1)))));

const extreme = (wanted: -1 | 1): HclFunction =>
  defineVariadic([], num('numbers'), (args) => {
    if (args.length === 0) throw new CallError('must pass at least one number');
    return number(
      args.map((_, at) => numberAt(args, at)).reduce((best, one) => (compare(one, best) === wanted ? one : best)),
    );
  });

/** Functions on numbers, and comparisons and logic as functions (zclconf/go-cty `function/stdlib/number.go`). */
export const NUMBER_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  add: operation('+'),
  subtract: operation('-'),
  multiply: operation('*'),
  divide: operation('/'),
  modulo: operation('%'),
  absolute: define([num('num')], (args) => number(positive(numberAt(args, 0)))),
  negate: define([num('num')], (args) => number(negate(numberAt(args, 0)))),
  ceil: define([num('num')], (args) => number(ceil(numberAt(args, 0)))),
  floor: define([num('num')], (args) => number(floor(numberAt(args, 0)))),
  signum: define([num('num')], (args) => number(fromInteger(signOf(numberAt(args, 0))))),
  min: extreme(-1),
  max: extreme(1),
  parseint: define([string('number'), num('base')], (args) => {
    const [digits, base] = [textAt(args, 0), countAt(args, 1)];
    if (base < 2 || base > 36) throw new CallError('base must be a whole number between 2 and 36', 1);
    return number(fromInteger(parsedInteger(digits, base)));
  }),
  lessthan: comparison((order) => order < 0),
  lessthanorequalto: comparison((order) => order <= 0),
  greaterthan: comparison((order) => order > 0),
  greaterthanorequalto: comparison((order) => order >= 0),
  equal: define([anyOrNull('a'), anyOrNull('b')], ([a, b]) => bool(equal(a ?? NULL, b ?? NULL))),
  notequal: define([anyOrNull('a'), anyOrNull('b')], ([a, b]) => bool(!equal(a ?? NULL, b ?? NULL))),
  not: define([flag('val')], (args) => bool(!flagAt(args, 0))),
  and: define([flag('a'), flag('b')], (args) => bool(flagAt(args, 0) && flagAt(args, 1))),
  or: define([flag('a'), flag('b')], (args) => bool(flagAt(args, 0) || flagAt(args, 1))),
};

function undefinedResult(): never {
  throw new CallError('zero cannot be divided by zero');
}

function positive(value: HclNumber): HclNumber {
  return signOf(value) < 0 ? negate(value) : value;
}

function parsedInteger(digits: string, base: number): bigint {
  const [, sign = '', body = ''] = /^([+-]?)([0-9a-zA-Z]+)$/.exec(digits) ?? [];
  let value = 0n;
  for (const digit of body.toLowerCase()) {
    const worth = Number.parseInt(digit, 36);
    if (Number.isNaN(worth) || worth >= base)
      throw new CallError(`cannot parse ${JSON.stringify(digits)} as a base ${base} integer`, 0);
    value = value * BigInt(base) + BigInt(worth);
  }
  if (body === '') throw new CallError(`cannot parse ${JSON.stringify(digits)} as a base ${base} integer`, 0);
  return sign === '-' ? -value : value;
}
