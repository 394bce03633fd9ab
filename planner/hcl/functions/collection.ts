import { convert, converted, unify } from '../convert.ts';
import { isInteger, toDouble } from '../number.ts';
import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import { ANY, sameType, STRING } from '../type.ts';
import type { Value } from '../value.ts';
import { bool, equal, NULL, object, sortedKeys, text, tuple, typeOf } from '../value.ts';
import {
  any,
  anyOrNull,
  count,
  countAt,
  define,
  defineVariadic,
  itemsAt,
  list,
  listOf,
  num,
  string,
  textAt,
  typeName,
  valueAt,
} from './define.ts';

type Sequence = Extract<Value, { readonly items: unknown }> & { readonly is: 'list' | 'tuple' };
type Mapping = Extract<Value, { readonly entries: unknown }>;

/** Functions on lists, tuples, maps and objects (zclconf/go-cty `function/stdlib/collection.go`, `sequence.go`). */
export const COLLECTION_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  length: define([any('collection')], (args) => {
    const value = valueAt(args, 0);
    if ('items' in value) return count(value.items.length);
    if (value.is === 'map') return count(value.entries.size);
    throw new CallError('collection must be a list, a map or a tuple');
  }),
  concat: defineVariadic([], any('seqs'), concat),
  merge: defineVariadic([], anyOrNull('maps'), merge),
  keys: define([any('inputMap')], (args) => {
    const mapping = valueAt(args, 0);
    if (!isMapping(mapping)) throw new CallError('must have map or object type', 0);
    const keys = sortedKeys(mapping.entries).map(text);
    return mapping.is === 'map' ? list(STRING, keys) : tuple(keys);
  }),
  values: define([any('mapping')], (args) => {
    const mapping = valueAt(args, 0);
    if (!isMapping(mapping)) throw new CallError('values() requires a map as the first argument');
    const values = sortedKeys(mapping.entries).map((key) => mapping.entries.get(key) ?? NULL);
    return mapping.is === 'map' ? list(mapping.element, values) : tuple(values);
  }),
  lookup: define([any('inputMap'), string('key'), any('default')], (args) => {
    const [mapping, key, otherwise] = [valueAt(args, 0), textAt(args, 1), valueAt(args, 2)];
    if (!isMapping(mapping)) throw new CallError('lookup() requires a map as the first argument', 0);
    const fallback = mapping.is === 'map' ? convert(otherwise, mapping.element) : undefined;
    if (fallback?.ok === false) {
      throw new CallError('the default value must have the same type as the map elements', 2);
    }
    return mapping.entries.get(key) ?? fallback?.value ?? otherwise;
  }),
  zipmap: define([listOf('keys', STRING), any('values')], (args) => zipmap(itemsAt(args, 0), valueAt(args, 1))),
  contains: define([any('list'), any('value')], (args) => {
    const from = valueAt(args, 0);
    if (!('items' in from)) throw new CallError('argument must be list, tuple, or set');
    return bool(from.items.some((item) => equal(item, valueAt(args, 1))));
  }),
  indexof: define([any('list'), any('value')], (args) => {
    const from = valueAt(args, 0);
    if (!isSequence(from)) throw new CallError('argument must be a list or tuple');
    if (from.items.length === 0) throw new CallError('cannot search an empty list');
    const found = from.items.findIndex((item) => equal(item, valueAt(args, 1)));
    if (found < 0) throw new CallError('item not found');
    return count(found);
  }),
  element: define([any('list'), num('index')], (args) => {
    const from = valueAt(args, 0);
    if (!isSequence(from)) throw new CallError(`cannot read elements from ${typeName(from)}`);
    const at = countAt(args, 1, 'invalid index: ');
    if (from.items.length === 0) throw new CallError('cannot use element function with an empty list');
    return from.items.at(at % from.items.length) ?? NULL;
  }),
  hasindex: define([any('collection'), any('key')], (args) => {
    const [from, key] = [valueAt(args, 0), valueAt(args, 1)];
    if (!isSequence(from) && from.is !== 'map') throw notIndexed();
    return bool(elementAt(from, key) !== undefined);
  }),
  index: define([any('collection'), any('key')], (args) => index(valueAt(args, 0), valueAt(args, 1))),
  slice: define([any('list'), num('start_index'), num('end_index')], slice),
  chunklist: define([listOf('list', ANY), num('size')], (args) => {
    const items = itemsAt(args, 0);
    const size = countAt(args, 1, 'invalid size: ');
    if (size < 0) throw new CallError('the size argument must be positive');
    const type = typeOf(valueAt(args, 0));
    const pieces: Value[] = [];
    for (let at = 0; at < items.length; at += size || items.length) {
      pieces.push(resequenced(valueAt(args, 0), items.slice(at, size === 0 ? undefined : at + size)));
    }
    return list(type, pieces);
  }),
  distinct: define([listOf('list', ANY)], (args) => resequenced(valueAt(args, 0), distinct(itemsAt(args, 0)))),
  compact: define([listOf('list', STRING)], (args) =>
    list(
      STRING,
      itemsAt(args, 0).filter((item) => item.is === 'string' && item.value !== ''),
    ),
  ),
  flatten: define([any('list')], (args) => {
    const from = valueAt(args, 0);
    if (!('items' in from)) throw new CallError('can only flatten lists, sets and tuples');
    return tuple(flat(from.items));
  }),
  reverselist: define([any('list')], (args) => {
    const from = valueAt(args, 0);
    if (!('items' in from)) throw new CallError(`can only reverse list or tuple values, not ${typeName(from)}`, 0);
    return resequenced(from, [...from.items].reverse());
  }),
  coalesce: defineVariadic([], anyOrNull('vals'), coalesce),
  coalescelist: defineVariadic([], anyOrNull('vals'), (args) => {
    if (args.length === 0) throw new CallError('at least one argument is required');
    for (const arg of args) {
      const is = arg.is === 'null' ? arg.type.is : arg.is;
      if (is !== 'list' && is !== 'tuple') throw new CallError('coalescelist arguments must be lists or tuples');
    }
    const found = args.find((arg) => 'items' in arg && arg.items.length > 0);
    if (found === undefined) throw new CallError('no non-null arguments');
    return found;
  }),
};

function isSequence(value: Value): value is Sequence {
  return value.is === 'list' || value.is === 'tuple';
}

function isMapping(value: Value): value is Mapping {
  return value.is === 'map' || value.is === 'object';
}

function notIndexed(): CallError {
  return new CallError('collection must be a list, a map or a tuple');
}

/** Lists of types that go together make a list, everything else a tuple. */
function concat(args: readonly Value[]): Value {
  if (args.length === 0) throw new CallError('at least one argument is required');
  const sequences = args.map((arg, at) => {
    if (isSequence(arg)) return arg;
    throw new CallError(`all arguments must be lists or tuples; got ${typeName(arg)}`, at);
  });
  const items = sequences.flatMap((one) => one.items);
  const lists = sequences.filter((one) => one.is === 'list');
  const element = lists.length === sequences.length ? unify(lists.map((one) => one.element)) : undefined;
  return element === undefined
    ? tuple(items)
    : list(
        element,
        items.map((item) => converted(item, element)),
      );
}

/** Maps of one type make a map, everything else an object; nulls add nothing. */
function merge(args: readonly Value[]): Value {
  const entries = new Map<string, Value>();
  for (const arg of args) {
    const type = typeOf(arg);
    if (type.is !== 'map' && type.is !== 'object' && type.is !== 'any') {
      throw new CallError(`arguments must be maps or objects, got ${JSON.stringify(typeName(arg))}`);
    }
    if ('entries' in arg) for (const [key, value] of arg.entries) entries.set(key, value);
  }
  const [first, ...rest] = args.map(typeOf);
  const isMap = first?.is === 'map' && rest.every((type) => sameType(type, first));
  return isMap ? { is: 'map', element: first.element, entries } : object(entries);
}

function zipmap(keys: readonly Value[], values: Value): Value {
  if (!isSequence(values)) throw new CallError('values argument must be a list or tuple value');
  if (keys.length !== values.items.length) {
    throw new CallError(`number of keys (${keys.length}) does not match number of values (${values.items.length})`);
  }
  const entries = new Map<string, Value>();
  for (const [at, key] of keys.entries()) {
    if (key.is !== 'string') throw new CallError(`keys list has null value at index ${at}`);
    entries.set(key.value, values.items[at] ?? NULL);
  }
  return values.is === 'list' ? { is: 'map', element: values.element, entries } : object(entries);
}

function elementAt(from: Sequence | Extract<Value, { is: 'map' }>, key: Value): Value | undefined {
  if (from.is === 'map') return key.is === 'string' ? from.entries.get(key.value) : undefined;
  return key.is === 'number' && isInteger(key.value) ? from.items[toDouble(key.value)] : undefined;
}

function index(from: Value, key: Value): Value {
  if (!isSequence(from) && from.is !== 'map') throw notIndexed();
  const wanted = from.is === 'map' ? 'string' : 'number';
  if (key.is !== wanted) throw new CallError(`key for ${from.is} must be ${wanted}`);
  const found = elementAt(from, key);
  if (found !== undefined) return found;
  if (from.is !== 'tuple') throw new CallError('invalid index');
  countAt([key], 0, 'invalid key for tuple: ');
  throw new CallError(`key must be between 0 and ${from.items.length} inclusive`);
}

function slice(args: readonly Value[]): Value {
  const from = valueAt(args, 0);
  if (from.is === 'set') {
    throw new CallError('cannot slice a set, because its elements do not have indices; convert it to a list first', 0);
  }
  if (!isSequence(from)) throw new CallError('must be a list or tuple value', 0);
  const bound = (at: number, what: string): number => {
    const value = countAt(args, at, `invalid ${what} index: `);
    if (value < 0) throw new CallError(`${what} index must not be less than zero`, at);
    if (value <= from.items.length) return value;
    throw new CallError(`${what} index must not be greater than the length of the list`, at);
  };
  const [start, end] = [bound(1, 'start'), bound(2, 'end')];
  if (start > end) throw new CallError('start index must not be greater than end index', 1);
  return resequenced(from, from.items.slice(start, end));
}

/** The first value that is not null, in the one type of all; beside a bare null they need not go together. */
function coalesce(args: readonly Value[]): Value {
  const types = args.map(typeOf);
  const type = args.length === 0 ? undefined : unify(types);
  if (type === undefined && !types.some((one) => one.is === 'any')) {
    throw new CallError('all arguments must have the same type');
  }
  const found = args.find((arg) => arg.is !== 'null');
  if (found === undefined) throw new CallError('no non-null arguments');
  return type === undefined ? found : converted(found, type);
}

/** Items as the kind of sequence that they come from; those of a set as a list. */
function resequenced(from: Value, items: readonly Value[]): Value {
  return 'items' in from && 'element' in from ? list(from.element, items) : tuple(items);
}

function distinct(items: readonly Value[]): readonly Value[] {
  const kept: Value[] = [];
  const texts = new Set<string>();
  for (const item of items) {
    if (item.is === 'string') {
      if (texts.has(item.value)) continue;
      texts.add(item.value);
    } else if (kept.some((other) => equal(other, item))) continue;
    kept.push(item);
  }
  return kept;
}

function flat(items: readonly Value[]): readonly Value[] {
  return items.flatMap((item) => ('items' in item ? flat(item.items) : [item]));
}
