import { MAX_TEXT } from '../budget.ts';
import { fromInteger, toInteger } from '../number.ts';
import type { HclFunction, Parameter } from '../scope.ts';
import { CallError } from '../scope.ts';
import type { Type } from '../type.ts';
import { ANY, BOOL, describeType, NUMBER, STRING } from '../type.ts';
import type { Value } from '../value.ts';
import { NULL, number, text, typeOf } from '../value.ts';

/** Makes a function of fixed parameters. */
export function define(params: readonly Parameter[], call: HclFunction['call']): HclFunction {
  return { params, call };
}

/** Makes a function whose last parameter takes all further arguments. */
export function defineVariadic(
  params: readonly Parameter[],
  variadic: Parameter,
  call: HclFunction['call'],
): HclFunction {
  return { params, variadic, call };
}

export const string = (name: string): Parameter => ({ name, type: STRING });
export const num = (name: string): Parameter => ({ name, type: NUMBER });
export const flag = (name: string): Parameter => ({ name, type: BOOL });
export const any = (name: string): Parameter => ({ name, type: ANY });
export const anyOrNull = (name: string): Parameter => ({ name, type: ANY, nullable: true });
export const listOf = (name: string, element: Type): Parameter => ({ name, type: { is: 'list', element } });
export const setOf = (name: string, element: Type): Parameter => ({ name, type: { is: 'set', element } });

/** The text of an argument that was converted to a string. */
export function textAt(args: readonly Value[], at: number): string {
  const value = args[at];
  if (value?.is === 'string') return value.value;
  throw new CallError('a string is required', at);
}

/** The number of an argument that was converted to one. */
export function numberAt(args: readonly Value[], at: number): Extract<Value, { is: 'number' }>['value'] {
  const value = args[at];
  if (value?.is === 'number') return value.value;
  throw new CallError('a number is required', at);
}

const INT64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;

/** A whole number that fits in 64 bits, as the reference counts; beyond 2^53 it is only near. */
export function countAt(args: readonly Value[], at: number, label = ''): number {
  const whole = toInteger(numberAt(args, at));
  if (whole === undefined || whole < INT64[0] || whole > INT64[1]) {
    throw new CallError(`${label}value must be a whole number, between ${INT64[0]} and ${INT64[1]}`, at);
  }
  return Number(whole);
}

/** Text in the one form that equal texts share (NFC), with no halves of characters. */
export const nfc = (value: string): Value => text(value.toWellFormed().normalize());

/** Refuses a text of so many characters before it is made. */
export function refuseLongText(length: number): void {
  if (length > MAX_TEXT) throw new CallError(`the result would have more than ${MAX_TEXT} characters`);
}

/** The type of a value in words, for messages: `list of string`. */
export const typeName = (value: Value): string => describeType(typeOf(value));

export function flagAt(args: readonly Value[], at: number): boolean {
  const value = args[at];
  if (value?.is === 'bool') return value.value;
  throw new CallError('a bool is required', at);
}

/** The items of a list, set or tuple. */
export function itemsAt(args: readonly Value[], at: number): readonly Value[] {
  const value = args[at];
  if (value !== undefined && 'items' in value) return value.items;
  throw new CallError('a list, a set or a tuple is required', at);
}

/** The entries of a map or object. */
export function entriesAt(args: readonly Value[], at: number): ReadonlyMap<string, Value> {
  const value = args[at];
  if (value !== undefined && 'entries' in value) return value.entries;
  throw new CallError('a map or an object is required', at);
}

/** Any argument that is there. */
export function valueAt(args: readonly Value[], at: number): Value {
  return args[at] ?? NULL;
}

export const list = (element: Type, items: readonly Value[]): Value => ({ is: 'list', element, items });
export const count = (value: number | bigint): Value => number(fromInteger(value));
