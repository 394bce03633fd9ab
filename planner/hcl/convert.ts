import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import { spend } from './budget.ts';
import { formatNumber, parseNumber } from './number.ts';
import type { Type } from './type.ts';
import { ANY, BOOL, describeType, NUMBER, sameType, STRING } from './type.ts';
import type { Value } from './value.ts';
import { bool, number, set, text, typeOf } from './value.ts';

/** Why a value does not convert, in words that complete "... : ". */
export type Mismatch = string;

/** Converts a value to a type (zclconf/go-cty `convert`). */
export function convert(value: Value, type: Type): Result<Value, Mismatch> {
  if (type.is === 'any') return ok(value);
  spend(1);
  if (value.is === 'null') return ok({ is: 'null', type });
  switch (type.is) {
    case 'string':
      return toText(value);
    case 'number':
      return toNumber(value);
    case 'bool':
      return toBool(value);
    case 'list':
    case 'set':
      return toCollection(value, type);
    case 'map':
      return toMap(value, type);
    case 'tuple':
      return toTuple(value, type);
    case 'object':
      return toObject(value, type);
  }
}

function mismatch(value: Value, wanted: string): Result<Value, Mismatch> {
  return fail(`${wanted} required, but have ${describeType(typeOf(value))}`);
}

function toText(value: Value): Result<Value, Mismatch> {
  if (value.is === 'string') return ok(value);
  if (value.is === 'number') return ok(text(formatNumber(value.value)));
  if (value.is === 'bool') return ok(text(String(value.value)));
  return mismatch(value, 'string');
}

function toNumber(value: Value): Result<Value, Mismatch> {
  if (value.is === 'number') return ok(value);
  if (value.is !== 'string') return mismatch(value, 'number');
  const parsed = parseNumber(value.value);
  return parsed === undefined ? fail('a number is required') : ok(number(parsed));
}

function toBool(value: Value): Result<Value, Mismatch> {
  if (value.is === 'bool') return ok(value);
  if (value.is !== 'string') return mismatch(value, 'bool');
  if (value.value === 'true' || value.value === '1') return ok(bool(true));
  if (value.value === 'false' || value.value === '0') return ok(bool(false));
  const lower = value.value.toLowerCase();
  const hint = lower === 'true' || lower === 'false' ? `; to convert from string, use lowercase "${lower}"` : '';
  return fail(`a bool is required${hint}`);
}

function toCollection(value: Value, type: Extract<Type, { is: 'list' | 'set' | 'map' }>): Result<Value, Mismatch> {
  if (!('items' in value)) return mismatch(value, describeType(type));
  const items = all(value.items, (item) => convert(item, type.element));
  if (!items.ok) return fail(`element ${items.failure.at}: ${items.failure.why}`);
  const element = isOpen(type.element) ? unify(itemTypesOf(value, items.value)) : type.element;
  if (element === undefined) return fail(`all ${type.is} elements must have the same type`);
  const alike = isOpen(type.element) ? items.value.map((item) => converted(item, element)) : items.value;
  return ok(type.is === 'set' ? set(element, alike) : { is: 'list', element, items: alike });
}

/** Whether a type leaves a part of itself open. */
function isOpen(type: Type): boolean {
  if ('element' in type) return isOpen(type.element);
  if (type.is === 'tuple') return type.items.some(isOpen);
  if (type.is === 'object') return [...type.attributes.values()].some(isOpen);
  return type.is === 'any';
}

function itemTypesOf(value: Value, items: readonly Value[]): readonly Type[] {
  return items.length === 0 && 'element' in value ? [value.element] : items.map(typeOf);
}

/** A value in a type that it is known to have a form in. */
export function converted(value: Value, type: Type): Value {
  const result = convert(value, type);
  return result.ok ? result.value : value;
}

function toMap(value: Value, type: Extract<Type, { is: 'list' | 'set' | 'map' }>): Result<Value, Mismatch> {
  if (!('entries' in value)) return mismatch(value, describeType(type));
  const entries = new Map<string, Value>();
  for (const [key, one] of value.entries) {
    const result = convert(one, type.element);
    if (!result.ok) return fail(`element ${JSON.stringify(key)}: ${result.failure}`);
    entries.set(key, result.value);
  }
  const element = isOpen(type.element) ? unify(itemTypesOf(value, [...entries.values()])) : type.element;
  if (element === undefined) return fail('all map elements must have the same type');
  if (isOpen(type.element)) for (const [key, one] of entries) entries.set(key, converted(one, element));
  return ok({ is: 'map', element, entries });
}

function toTuple(value: Value, type: Extract<Type, { is: 'tuple' }>): Result<Value, Mismatch> {
  if (value.is !== 'tuple') return mismatch(value, 'tuple');
  if (value.items.length !== type.items.length) {
    return fail(`a tuple of ${type.items.length} elements is required, not of ${value.items.length}`);
  }
  const items = all(value.items, (item, at) => convert(item, type.items[at] ?? ANY));
  return items.ok ? ok({ is: 'tuple', items: items.value }) : fail(`element ${items.failure.at}: ${items.failure.why}`);
}

function toObject(value: Value, type: Extract<Type, { is: 'object' }>): Result<Value, Mismatch> {
  if (!('entries' in value)) return mismatch(value, 'object');
  const entries = new Map<string, Value>();
  for (const [name, wanted] of type.attributes) {
    const given = value.entries.get(name);
    if (given === undefined) {
      if (!type.optional.has(name)) return fail(`attribute "${name}" is required`);
      entries.set(name, { is: 'null', type: wanted });
      continue;
    }
    const result = convert(given, wanted);
    if (!result.ok) return fail(`attribute "${name}": ${result.failure}`);
    entries.set(name, result.value);
  }
  return ok({ is: 'object', entries });
}

function all(
  items: readonly Value[],
  each: (item: Value, at: number) => Result<Value, Mismatch>,
): Result<readonly Value[], { readonly at: number; readonly why: Mismatch }> {
  const results: Value[] = [];
  for (const [at, item] of items.entries()) {
    const one = each(item, at);
    if (!one.ok) return fail({ at, why: one.failure });
    results.push(one.value);
  }
  return ok(results);
}

/**
 * The one type that values of all these types convert to; undefined when there is none (zclconf/go-cty
 * `convert/unify.go`).
 */
export function unify(types: readonly Type[]): Type | undefined {
  const known = types.filter((type) => type.is !== 'any');
  const [first, ...rest] = known;
  if (first === undefined) return ANY;
  return rest.reduce<Type | undefined>(
    (sofar, type) => (sofar === undefined ? undefined : unifyTwo(sofar, type)),
    first,
  );
}

function unifyTwo(a: Type, b: Type): Type | undefined {
  if (sameType(a, b)) return a;
  if (a.is === 'any') return b;
  if (b.is === 'any') return a;
  if (isPrimitive(a) && isPrimitive(b)) return a.is === 'string' || b.is === 'string' ? STRING : undefined;
  if (a.is === 'tuple' && b.is === 'tuple' && a.items.length === b.items.length) {
    const items = a.items.map((item, at) => unifyTwo(item, b.items[at] ?? ANY));
    if (items.every((item) => item !== undefined)) return { is: 'tuple', items };
  }
  if (a.is === 'object' && b.is === 'object' && sameKeys(a.attributes, b.attributes)) {
    const attributes = new Map<string, Type>();
    for (const [name, type] of a.attributes) {
      const both = unifyTwo(type, b.attributes.get(name) ?? ANY);
      if (both === undefined) return asMap(a, b);
      attributes.set(name, both);
    }
    return { is: 'object', attributes, optional: new Set() };
  }
  if (isListLike(a) && isListLike(b)) {
    const element = unify([...itemTypes(a), ...itemTypes(b)]);
    if (element === undefined) return undefined;
    return { is: a.is === 'set' && b.is === 'set' ? 'set' : 'list', element };
  }
  if (isMapLike(a) && isMapLike(b)) return asMap(a, b);
  return undefined;
}

function asMap(a: Type, b: Type): Type | undefined {
  const element = unify([...itemTypes(a), ...itemTypes(b)]);
  return element === undefined ? undefined : { is: 'map', element };
}

function itemTypes(type: Type): readonly Type[] {
  if ('element' in type) return [type.element];
  if (type.is === 'tuple') return type.items;
  if (type.is === 'object') return [...type.attributes.values()];
  return [];
}

function isPrimitive(type: Type): boolean {
  return sameType(type, STRING) || sameType(type, NUMBER) || sameType(type, BOOL);
}

function isListLike(type: Type): boolean {
  return type.is === 'tuple' || type.is === 'list' || type.is === 'set';
}

function isMapLike(type: Type): boolean {
  return type.is === 'object' || type.is === 'map';
}

function sameKeys(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key));
}
