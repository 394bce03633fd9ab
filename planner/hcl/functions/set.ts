import { converted, unify } from '../convert.ts';
import type { HclNumber } from '../number.ts';
import { add, compare, fromInteger, signOf, ZERO } from '../number.ts';
import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import type { Type } from '../type.ts';
import { ANY, NUMBER } from '../type.ts';
import type { Value } from '../value.ts';
import { bool, equal, number, set, tuple, typeOf } from '../value.ts';
import { any, define, defineVariadic, itemsAt, list, num, numberAt, setOf, valueAt } from './define.ts';

type Combine = (left: readonly Value[], right: readonly Value[]) => readonly Value[];

const has = (items: readonly Value[], wanted: Value): boolean => items.some((item) => equal(item, wanted));

const operation = (combine: Combine): HclFunction =>
  defineVariadic([setOf('first_set', ANY)], setOf('other_sets', ANY), (args) => combined(args, combine));

const without: Combine = (left, right) => left.filter((item) => !has(right, item));

/** Functions on sets, products and number ranges (zclconf/go-cty `function/stdlib/set.go`, `sequence.go`). */
export const SET_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  sethaselement: define([setOf('set', ANY), any('elem')], (args) => bool(has(itemsAt(args, 0), valueAt(args, 1)))),
  setunion: operation((left, right) => [...left, ...right]),
  setintersection: operation((left, right) => left.filter((item) => has(right, item))),
  setsymmetricdifference: operation((left, right) => [...without(left, right), ...without(right, left)]),
  setsubtract: define([setOf('a', ANY), setOf('b', ANY)], (args) => combined(args, without)),
  setproduct: defineVariadic([], any('sets'), product),
  range: defineVariadic([], num('params'), range),
};

/** Sets are brought to one element type first; empty ones whose type is open have no say in it. */
function combined(args: readonly Value[], combine: Combine): Value {
  const element = unify(
    args.flatMap((arg) => ('items' in arg && 'element' in arg && arg.element.is !== 'any' ? [arg.element] : [])),
  );
  if (element === undefined) throw new CallError('given sets must all have compatible element types');
  const [first = [], ...rest] = args.map((_, at) => itemsAt(args, at).map((item) => converted(item, element)));
  const unique = (items: readonly Value[]): readonly Value[] => itemsAt([set(element, items)], 0);
  return set(
    element,
    rest.reduce((left, right) => unique(combine(left, right)), unique(first)),
  );
}

/** More combinations than this nobody builds. */
const MAX_PRODUCT = 100_000;

function product(args: readonly Value[]): Value {
  if (args.length < 2) throw new CallError('at least two arguments are required');
  const columns = args.map((arg, at) => {
    if (!('items' in arg)) throw new CallError('a set or a list is required', at);
    const element = arg.is === 'tuple' ? unify(arg.items.map(typeOf)) : arg.element;
    if (element === undefined) throw new CallError('all elements must be of the same type', at);
    return { element, items: arg.items.map((item) => converted(item, element)) };
  });
  const total = columns.reduce((times, { items }) => times * items.length, 1);
  if (total * args.length > MAX_PRODUCT) {
    throw new CallError(`the product would have ${total} elements; at most ${MAX_PRODUCT} values fit`);
  }
  const none: readonly (readonly Value[])[] = [];
  const rows = (total === 0 ? [] : columns).reduce(
    (before, { items }) => before.flatMap((row) => items.map((item) => [...row, item])),
    total === 0 ? none : [[]],
  );
  const type: Type = { is: 'tuple', items: columns.map(({ element }) => element) };
  return args.some((arg) => arg.is === 'set') ? set(type, rows.map(tuple)) : list(type, rows.map(tuple));
}

const MAX_RANGE = 1024;

function range(args: readonly Value[]): Value {
  if (args.length < 1 || args.length > 3) throw new CallError('must have one, two, or three arguments');
  const start = args.length === 1 ? ZERO : numberAt(args, 0);
  const end = numberAt(args, args.length === 1 ? 0 : 1);
  const step = args.length === 3 ? numberAt(args, 2) : fromInteger(compare(end, start) < 0 ? -1 : 1);
  const down = signOf(step) < 0;
  if (down && compare(end, start) > 0) throw new CallError('end must be less than start when step is negative', 1);
  if (!down && compare(end, start) < 0) throw new CallError('end must be greater than start when step is positive', 1);
  const values: Value[] = [];
  for (let next: HclNumber | undefined = start; next !== undefined; next = add(next, step)) {
    if (down ? compare(next, end) <= 0 : compare(next, end) >= 0) break;
    if (values.length >= MAX_RANGE) {
      throw new CallError(
        `more than ${MAX_RANGE} values were generated; bring start and end nearer, or use a bigger step`,
      );
    }
    values.push(number(next));
  }
  return list(NUMBER, values);
}
