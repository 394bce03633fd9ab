import { parseNumber } from './number.ts';
import type { Value } from './value.ts';
import { bool, NULL, number, object, text, tuple } from './value.ts';

/**
 * The value of a JSON text, with every digit of its numbers; undefined when it is no JSON. Objects keep the order of
 * their keys.
 */
export function valueFromJson(source: string): Value | undefined {
  try {
    return fromJson(JSON.parse(source, exactNumbers as Reviver));
  } catch {
    return undefined;
  }
}

type Reviver = (this: unknown, key: string, value: unknown) => unknown;

/** Node hands the source text of a primitive to the reviver, so that long numbers stay exact (ECMAScript 2025). */
function exactNumbers(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  return typeof value === 'number' ? { [NUMBER_TEXT]: context.source ?? String(value) } : value;
}

const NUMBER_TEXT = Symbol('number');

function fromJson(json: unknown): Value {
  if (json === null || json === undefined) return NULL;
  if (typeof json === 'string') return text(json.toWellFormed().normalize('NFC'));
  if (typeof json === 'boolean') return bool(json);
  if (Array.isArray(json)) return tuple(json.map(fromJson));
  if (typeof json === 'object') {
    if (NUMBER_TEXT in json) return number(parseNumber(String(json[NUMBER_TEXT])) ?? beyondNumbers());
    return object(
      Object.entries(json).map(([key, one]) => [key.toWellFormed().normalize('NFC'), fromJson(one)] as const),
    );
  }
  return NULL;
}

function beyondNumbers(): never {
  throw new RangeError('an exponent beyond what numbers have');
}
