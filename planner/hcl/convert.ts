import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
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

function toText(value: Value): Result<Value, Mismatch> {
  if (value.is === 'string') return ok(value);
  if (value.is === 'number') return ok(text(formatNumber(value.value)));
  if (value.is === 'bool') return ok(text(String(value.value)));
  return fail('string required');
}

function toNumber(value: Value): Result<Value, Mismatch> {
  if (value.is === 'number') return ok(value);
  const parsed = value.is === 'string' ? parseNumber(value.value) : undefined;
  return parsed === undefined ? fail('a number is required') : ok(number(parsed));
}

function toBool(value: Value): Result<Value, Mismatch> {
  if (value.is === 'bool') return ok(value);
  if (value.is !== 'string') return fail('bool required');
  if (value.value === 'true' || value.value === '1') return ok(bool(true));
  if (value.value === 'false' || value.value === '0') return ok(bool(false));
  const lower = value.value.toLowerCase();
  const hint = lower === 'true' || lower === 'false' ? `; to convert from string, use lowercase "${lower}"` : '';
  return fail(`a bool is required${hint}`);
}

function toCollection(value: Value, type: Extract<Type, { is: 'list' | 'set' | 'map' }>): Result<Value, Mismatch> {
  if (!('items' in value)) return fail(`${describeType(type)} required`);
  const element = type.element.is === 'any' ? unify(elementTypes(value)) : type.element;
  if (element === undefined) return fail(`all ${type.is} elements must have the same type`);
  const items = all(value.items, (item) => convert(item, element));
  if (!items.ok) return fail(`element ${items.failure.at}: ${items.failure.why}`);
  return ok(type.is === 'set' ? set(element, items.value) : { is: 'list', element, items: items.value });
}

function elementTypes(value: Extract<Value, { readonly items: readonly Value[] }>): readonly Type[] {
  return value.is === 'tuple' ? value.items.map(typeOf) : [value.element];
}

function toMap(value: Value, type: Extract<Type, { is: 'list' | 'set' | 'map' }>): Result<Value, Mismatch> {
  if (!('entries' in value)) return fail(`${describeType(type)} required`);
  const types = value.is === 'map' ? [value.element] : [...value.entries.values()].map(typeOf);
  const element = type.element.is === 'any' ? unify(types) : type.element;
  if (element === undefined) return fail('all map elements must have the same type');
  const entries = new Map<string, Value>();
  for (const [key, one] of value.entries) {
    const converted = convert(one, element);
    if (!converted.ok) return fail(`element ${JSON.stringify(key)}: ${converted.failure}`);
    entries.set(key, converted.value);
  }
  return ok({ is: 'map', element, entries });
}

function toTuple(value: Value, type: Extract<Type, { is: 'tuple' }>): Result<Value, Mismatch> {
  if (value.is !== 'tuple') return fail('tuple required');
  if (value.items.length !== type.items.length) {
    return fail(`a tuple of ${type.items.length} elements is required, not of ${value.items.length}`);
  }
  const items = all(value.items, (item, at) => convert(item, type.items[at] ?? ANY));
  return items.ok ? ok({ is: 'tuple', items: items.value }) : fail(`element ${items.failure.at}: ${items.failure.why}`);
}

function toObject(value: Value, type: Extract<Type, { is: 'object' }>): Result<Value, Mismatch> {
  if (!('entries' in value)) return fail('object required');
  const entries = new Map<string, Value>();
  for (const [name, wanted] of type.attributes) {
    const given = value.entries.get(name);
    if (given === undefined) {
      if (!type.optional.has(name)) return fail(`attribute "${name}" is required`);
      entries.set(name, { is: 'null', type: wanted });
      continue;
    }
    const converted = convert(given, wanted);
    if (!converted.ok) return fail(`attribute "${name}": ${converted.failure}`);
    entries.set(name, converted.value);
  }
  return ok({ is: 'object', entries });
}

function all(
  items: readonly Value[],
  each: (item: Value, at: number) => Result<Value, Mismatch>,
): Result<readonly Value[], { readonly at: number; readonly why: Mismatch }> {
  const converted: Value[] = [];
  for (const [at, item] of items.entries()) {
    const one = each(item, at);
    if (!one.ok) return fail({ at, why: one.failure });
    converted.push(one.value);
  }
  return ok(converted);
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
