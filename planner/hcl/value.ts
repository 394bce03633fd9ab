import { spend } from './budget.ts';
import type { HclNumber } from './number.ts';
import { compare, formatNumber, fromInteger } from './number.ts';
import type { Type } from './type.ts';
import { ANY, BOOL, NUMBER, STRING } from './type.ts';

/**
 * A value of the language (zclconf/go-cty). Lists, sets and maps have one element type; tuples and objects are what
 * `[...]` and `{...}` make. A set's items are in their order and without duplicates. Null has a type, `any` when bare.
 */
export type Value =
  | { readonly is: 'string'; readonly value: string }
  | { readonly is: 'number'; readonly value: HclNumber }
  | { readonly is: 'bool'; readonly value: boolean }
  | { readonly is: 'null'; readonly type: Type }
  | { readonly is: 'tuple'; readonly items: readonly Value[] }
  | { readonly is: 'list' | 'set'; readonly element: Type; readonly items: readonly Value[] }
  | { readonly is: 'object'; readonly entries: ReadonlyMap<string, Value> }
  | { readonly is: 'map'; readonly element: Type; readonly entries: ReadonlyMap<string, Value> };

export const TRUE: Value = { is: 'bool', value: true };
export const FALSE: Value = { is: 'bool', value: false };
export const NULL: Value = { is: 'null', type: ANY };

export const text = (value: string): Value => ({ is: 'string', value });
export const number = (value: HclNumber): Value => ({ is: 'number', value });
export const bool = (value: boolean): Value => (value ? TRUE : FALSE);
export const tuple = (items: readonly Value[]): Value => ({ is: 'tuple', items });
export const object = (entries: Iterable<readonly [string, Value]>): Value => ({
  is: 'object',
  entries: new Map(entries),
});

/** A set of values in order, without duplicates. */
export function set(element: Type, items: readonly Value[]): Value {
  const sorted = [...items].sort(compareValues);
  return { is: 'set', element, items: sorted.filter((item, at) => at === 0 || !equal(item, sorted[at - 1] ?? NULL)) };
}

export function typeOf(value: Value): Type {
  spend(1);
  switch (value.is) {
    case 'string':
      return STRING;
    case 'number':
      return NUMBER;
    case 'bool':
      return BOOL;
    case 'null':
      return value.type;
    case 'tuple':
      return { is: 'tuple', items: value.items.map(typeOf) };
    case 'object':
      return {
        is: 'object',
        attributes: new Map([...value.entries].map(([key, one]) => [key, typeOf(one)])),
        optional: new Set(),
      };
    default:
      return { is: value.is, element: value.element };
  }
}

/** The kind of a value in a word, for messages. */
export function kindOf(value: Value): string {
  return value.is === 'null' ? 'null' : value.is;
}

/** Equal as `==` has it: values of different types never are; null equals null. */
export function equal(a: Value, b: Value): boolean {
  spend(1);
  if (a.is === 'null' || b.is === 'null') return a.is === b.is;
  if (a.is !== b.is) return false;
  switch (a.is) {
    case 'string':
      return b.is === 'string' && a.value === b.value;
    case 'bool':
      return b.is === 'bool' && a.value === b.value;
    case 'number':
      return b.is === 'number' && sameNumber(a.value, b.value);
    case 'tuple':
    case 'list':
    case 'set':
      return (
        'items' in b &&
        a.items.length === b.items.length &&
        a.items.every((item, at) => equal(item, b.items[at] ?? NULL))
      );
    case 'object':
    case 'map':
      return (
        'entries' in b &&
        a.entries.size === b.entries.size &&
        [...a.entries].every(([key, one]) => {
          const other = b.entries.get(key);
          return other !== undefined && equal(one, other);
        })
      );
  }
}

/** Numbers of one precision are told apart by their shortest digits; of two, only the digits tell. */
function sameNumber(a: HclNumber, b: HclNumber): boolean {
  if (compare(a, b) === 0) return true;
  return a.precision !== b.precision && formatNumber(a) === formatNumber(b);
}

/** Keys and values of an object or map by key, of anything else that can be gone through by index. */
export function elements(value: Value): readonly (readonly [key: Value, value: Value])[] | undefined {
  switch (value.is) {
    case 'object':
    case 'map':
      return sortedKeys(value.entries).map((key) => [text(key), value.entries.get(key) ?? NULL]);
    case 'set':
      return value.items.map((item) => [item, item]);
    case 'tuple':
    case 'list':
      return value.items.map((item, at) => [number(fromInteger(at)), item]);
    default:
      return undefined;
  }
}

/** Keys in the order of their UTF-8 bytes, which is that of their code points. */
export function sortedKeys(entries: ReadonlyMap<string, unknown>): readonly string[] {
  const keys = [...entries.keys()];
  return keys.length < 2 ? keys : keys.sort(compareText);
}

/** By code points, as Go compares strings; JavaScript's own order differs beyond U+FFFF. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x === y) continue;
    const surrogates = (x >= 0xd800 && x <= 0xdfff ? 1 : 0) - (y >= 0xd800 && y <= 0xdfff ? 1 : 0);
    return surrogates === 0 ? x - y : surrogates;
  }
  return a.length - b.length;
}

function compareValues(a: Value, b: Value): number {
  if (a.is === 'string' && b.is === 'string') return compareText(a.value, b.value);
  if (a.is === 'number' && b.is === 'number') return compare(a.value, b.value);
  if (a.is === 'bool' && b.is === 'bool') return Number(a.value) - Number(b.value);
  return compareText(canonical(a), canonical(b));
}

/** A text that is the same for equal values; the order of sets of structures. */
function canonical(value: Value): string {
  spend(1);
  switch (value.is) {
    case 'string':
      return JSON.stringify(value.value);
    case 'number':
      return formatNumber(value.value);
    case 'bool':
      return String(value.value);
    case 'null':
      return 'null';
    case 'tuple':
    case 'list':
    case 'set':
      return `[${value.items.map(canonical).join(',')}]`;
    case 'object':
    case 'map':
      return `{${sortedKeys(value.entries)
        .map((key) => `${JSON.stringify(key)}:${canonical(value.entries.get(key) ?? NULL)}`)
        .join(',')}}`;
  }
}
