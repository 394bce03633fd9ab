import { convert, unify } from '../convert.ts';
import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import { ANY, STRING } from '../type.ts';
import type { Value } from '../value.ts';
import { bool, equal, NULL, object, set, sortedKeys, text, tuple, typeOf } from '../value.ts';
import {
  any,
  anyOrNull,
  count,
  countAt,
  define,
  defineVariadic,
  entriesAt,
  itemsAt,
  listOf,
  num,
  setOf,
  string,
  textAt,
} from './define.ts';

/** Functions on lists, sets, maps and objects (zclconf/go-cty `function/stdlib/collection.go`). */
export const COLLECTION_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  length: define([any('collection')], ([value]) => {
    if (value !== undefined && 'items' in value) return count(value.items.length);
    if (value !== undefined && 'entries' in value) return count(value.entries.size);
    throw new CallError('a collection is required', 0);
  }),
  concat: defineVariadic([], any('seqs'), (args) => {
    const lists = args.map((arg, at) => {
      if (!('items' in arg) || arg.is === 'set') throw new CallError('all arguments must be lists or tuples', at);
      return arg;
    });
    const items = lists.flatMap((list) => list.items);
    const element = lists.every((list) => list.is === 'list')
      ? unify(lists.map((list) => (list.is === 'list' ? list.element : ANY)))
      : undefined;
    return element === undefined
      ? tuple(items)
      : { is: 'list', element, items: items.map((item) => unified(item, element)) };
  }),
  merge: defineVariadic([], anyOrNull('maps'), (args) => {
    const entries = new Map<string, Value>();
    for (const [at, arg] of args.entries()) {
      if (arg.is === 'null') continue;
      if (!('entries' in arg)) throw new CallError('arguments must be maps or objects', at);
      for (const [key, value] of arg.entries) entries.set(key, value);
    }
    return object(entries);
  }),
  keys: define([any('inputMap')], (args) => ({
    is: 'list',
    element: STRING,
    items: sortedKeys(entriesAt(args, 0)).map(text),
  })),
  values: define([any('mapping')], (args) => {
    const entries = entriesAt(args, 0);
    return tuple(sortedKeys(entries).map((key) => entries.get(key) ?? NULL));
  }),
  lookup: define(
    [any('inputMap'), string('key'), any('default')],
    (args) => entriesAt(args, 0).get(textAt(args, 1)) ?? args[2] ?? NULL,
  ),
  contains: define([any('list'), any('value')], (args) =>
    bool(itemsAt(args, 0).some((item) => equal(item, args[1] ?? NULL))),
  ),
  element: define([any('list'), num('index')], (args) => {
    const items = itemsAt(args, 0);
    if (items.length === 0) throw new CallError('cannot use element function with an empty list', 0);
    const at = countAt(args, 1) % items.length;
    return items.at(at) ?? NULL;
  }),
  index: define([any('collection'), any('key')], (args) => {
    const [value, key] = args;
    if (value !== undefined && 'entries' in value) return value.entries.get(textAt(args, 1)) ?? missing();
    if (key?.is !== 'number') throw new CallError('a number is required', 1);
    return itemsAt(args, 0)[countAt(args, 1)] ?? missing();
  }),
  slice: define([any('list'), num('start_index'), num('end_index')], (args) => {
    const [from, to] = [countAt(args, 1), countAt(args, 2)];
    const items = itemsAt(args, 0);
    if (from < 0 || from > items.length) throw new CallError('start index must not be outside of the list', 1);
    if (to < from || to > items.length) throw new CallError('end index must not be outside of the list', 2);
    return relisted(args[0] ?? NULL, items.slice(from, to));
  }),
  distinct: define([listOf('list', ANY)], (args) => {
    const kept: Value[] = [];
    for (const item of itemsAt(args, 0)) if (!kept.some((other) => equal(other, item))) kept.push(item);
    return relisted(args[0] ?? NULL, kept);
  }),
  compact: define([listOf('list', STRING)], (args) => ({
    is: 'list',
    element: STRING,
    items: itemsAt(args, 0).filter((item) => item.is === 'string' && item.value !== ''),
  })),
  flatten: define([any('list')], (args) => tuple(flat(itemsAt(args, 0)))),
  reverselist: define([any('list')], (args) => relisted(args[0] ?? NULL, [...itemsAt(args, 0)].reverse())),
  coalesce: defineVariadic([], anyOrNull('vals'), (args) => {
    const found = args.find((arg) => arg.is !== 'null' && !(arg.is === 'string' && arg.value === ''));
    if (found === undefined) throw new CallError('no non-null, non-empty-string arguments');
    const type = unify(args.map(typeOf));
    if (type === undefined) throw new CallError('all arguments must have the same type');
    return unified(found, type);
  }),
  setunion: defineVariadic([setOf('first_set', ANY)], setOf('other_sets', ANY), (args) =>
    set(
      ANY,
      args.flatMap((_, at) => itemsAt(args, at)),
    ),
  ),
  zipmap: define([listOf('keys', STRING), any('values')], (args) => {
    const [keys, values] = [itemsAt(args, 0), itemsAt(args, 1)];
    if (keys.length !== values.length) throw new CallError('number of keys and values must be equal');
    return object(keys.map((key, at) => [key.is === 'string' ? key.value : '', values[at] ?? NULL] as const));
  }),
};

function missing(): never {
  throw new CallError('there is no such element', 1);
}

function unified(value: Value, type: Parameters<typeof convert>[1]): Value {
  const converted = convert(value, type);
  return converted.ok ? converted.value : value;
}

/** Items in a collection of the kind they came from. */
function relisted(from: Value, items: readonly Value[]): Value {
  return from.is === 'list' ? { is: 'list', element: from.element, items } : tuple(items);
}

function flat(items: readonly Value[]): readonly Value[] {
  return items.flatMap((item) => ('items' in item ? flat(item.items) : [item]));
}
