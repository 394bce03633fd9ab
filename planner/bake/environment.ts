import { convert } from '../hcl/convert.ts';
import { valueFromJson } from '../hcl/from-json.ts';
import { fromDouble } from '../hcl/number.ts';
import type { Type } from '../hcl/type.ts';
import { ANY, BOOL, describeType, NUMBER, STRING } from '../hcl/type.ts';
import type { Value } from '../hcl/value.ts';
import { bool, number, text } from '../hcl/value.ts';
import { csvFields } from '../options/csv.ts';
import { goBool } from '../options/entries.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';

/**
 * A variable's value from the environment, when it has no `type`: it is read as its default is. Fails with what is wrong
 * (buildx `bake/hclparser/hclparser.go`).
 */
export function untypedOverride(given: string, preset: Value): Result<Value, string> {
  switch (preset.is) {
    case 'null':
    case 'string':
      return ok(text(given));
    case 'bool':
    case 'number':
      return primitive(given, { is: preset.is });
    default:
      return fail(
        `its default is ${preset.is === 'object' ? 'an object' : `a ${preset.is}`}, which text cannot replace; give the variable a type`,
      );
  }
}

/** The same for a variable with a type: lists and maps come as CSV, everything as JSON. */
export function typedOverride(given: string, type: Type, format: 'plain' | 'json'): Result<Value, string> {
  if (format === 'json') return jsonOverride(given, type);
  switch (type.is) {
    case 'string':
    case 'number':
    case 'bool':
      return primitive(given, type);
    case 'list':
    case 'set':
      return isPrimitive(type.element) ? csvList(given, type, () => type.element) : unsupported(type);
    case 'tuple':
      return type.items.every(isPrimitive) ? csvList(given, type, (at) => type.items[at]) : unsupported(type);
    case 'map':
      return isPrimitive(type.element) ? csvMap(given, type, type.element) : unsupported(type);
    case 'any':
    case 'object':
      return unsupported(type);
  }
}

/** The reference reads an empty text as no CSV record at all, which is an error there too. */
const EMPTY = 'it is empty, which is no CSV; [] or {} in NAME_JSON gives none';

function unsupported(type: Type): Result<Value, string> {
  return fail(`plain text cannot give ${describeType(type)}; a JSON text in NAME_JSON can`);
}

function isPrimitive(type: Type): boolean {
  return type.is === 'string' || type.is === 'number' || type.is === 'bool';
}

/** Booleans and numbers as Go's `strconv` reads them; numbers with the precision of a double. */
function primitive(given: string, type: Type): Result<Value, string> {
  if (type.is === 'bool') {
    const parsed = goBool(given);
    return parsed === undefined ? fail(`${JSON.stringify(given)} is no bool; true and false are`) : ok(bool(parsed));
  }
  if (type.is === 'number') {
    const plain = /^[+-]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?$/.test(given)
      ? Number(given.replaceAll('_', ''))
      : Number.NaN;
    return Number.isNaN(plain) ? fail(`${JSON.stringify(given)} is no number`) : ok(number(fromDouble(plain)));
  }
  return ok(text(given));
}

function csvList(given: string, type: Type, elementAt: (at: number) => Type | undefined): Result<Value, string> {
  const fields = given === '' ? fail(EMPTY) : csvFields(given);
  if (!fields.ok) return fail(given === '' ? EMPTY : `it is read as CSV: ${fields.failure}`);
  const items: Value[] = [];
  for (const [at, field] of fields.value.entries()) {
    const element = elementAt(at);
    if (element === undefined) return fail(`it has ${fields.value.length} elements, more than its type`);
    const item = primitive(field, element);
    if (!item.ok) return fail(`element ${at}: ${item.failure}`);
    items.push(item.value);
  }
  return convert({ is: 'tuple', items }, type);
}

function csvMap(given: string, type: Type, element: Type): Result<Value, string> {
  const fields = given === '' ? fail(EMPTY) : csvFields(given);
  if (!fields.ok) return fail(given === '' ? EMPTY : `it is read as CSV: ${fields.failure}`);
  const entries = new Map<string, Value>();
  for (const field of fields.value) {
    const colon = field.indexOf(':');
    if (colon === -1) return fail(`expected key:value, not ${JSON.stringify(field)}`);
    const value = primitive(field.slice(colon + 1), element);
    if (!value.ok) return fail(`key ${JSON.stringify(field.slice(0, colon))}: ${value.failure}`);
    entries.set(field.slice(0, colon), value.value);
  }
  return convert({ is: 'object', entries }, type);
}

function jsonOverride(given: string, type: Type): Result<Value, string> {
  const value = valueFromJson(given);
  if (!value.ok) return fail(`it is not JSON: ${value.failure}`);
  if (type.is === 'any') return withItsType(value.value);
  const completed = complete(value.value, type);
  return completed.ok ? convert(completed.value, type) : completed;
}

/** In JSON a missing attribute is null, even a required one; one that the type does not have is a mistake. */
function complete(value: Value, type: Type): Result<Value, string> {
  if (type.is !== 'object' || value.is !== 'object') return ok(value);
  const extra = [...value.entries.keys()].find((name) => !type.attributes.has(name));
  if (extra !== undefined) return fail(`unsupported attribute ${JSON.stringify(extra)}`);
  const entries = new Map<string, Value>(value.entries);
  for (const [name, one] of type.attributes) if (!entries.has(name)) entries.set(name, { is: 'null', type: one });
  return ok({ is: 'object', entries });
}

/** A value of type `any` comes as `{"value": ..., "type": ...}` (zclconf/go-cty `json`, dynamic values). */
function withItsType(wrapped: Value): Result<Value, string> {
  const value = wrapped.is === 'object' ? wrapped.entries.get('value') : undefined;
  const type = wrapped.is === 'object' ? wrapped.entries.get('type') : undefined;
  const read = type === undefined ? undefined : typeFromJson(type);
  if (value === undefined || read === undefined)
    return fail('for a variable of any type, {"value": ..., "type": ...} is expected');
  return read.is === 'any' ? ok(value) : convert(value, read);
}

/** A type in cty's JSON notation: `"string"`, `["list", T]`, `["tuple", [T, ...]]`, `["object", {"name": T}]`. */
function typeFromJson(json: Value): Type | undefined {
  if (json.is === 'string') return NAMED_TYPES.get(json.value);
  if (json.is !== 'tuple') return undefined;
  const [kind, argument] = json.items;
  if (kind?.is !== 'string' || argument === undefined) return undefined;
  switch (kind.value) {
    case 'list':
    case 'set':
    case 'map': {
      const element = typeFromJson(argument);
      return element === undefined ? undefined : { is: kind.value, element };
    }
    case 'tuple': {
      const items = argument.is === 'tuple' ? argument.items.map(typeFromJson) : [undefined];
      const known = items.filter((one) => one !== undefined);
      return known.length === items.length ? { is: 'tuple', items: known } : undefined;
    }
    case 'object': {
      if (argument.is !== 'object') return undefined;
      const attributes = new Map<string, Type>();
      for (const [name, one] of argument.entries) {
        const type = typeFromJson(one);
        if (type === undefined) return undefined;
        attributes.set(name, type);
      }
      return { is: 'object', attributes, optional: new Set() };
    }
    default:
      return undefined;
  }
}

const NAMED_TYPES: ReadonlyMap<string, Type> = new Map([
  ['string', STRING],
  ['number', NUMBER],
  ['bool', BOOL],
  ['dynamic', ANY],
]);
