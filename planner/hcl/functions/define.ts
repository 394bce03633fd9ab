import { fromInteger, toDouble, toInteger } from '../number.ts';
import type { HclFunction, Parameter } from '../scope.ts';
import { CallError } from '../scope.ts';
import type { Type } from '../type.ts';
import { ANY, BOOL, NUMBER, STRING } from '../type.ts';
import type { Value } from '../value.ts';
import { number } from '../value.ts';

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

/** A whole number that JavaScript can count with. */
export function countAt(args: readonly Value[], at: number): number {
  const value = numberAt(args, at);
  if (toInteger(value) === undefined) throw new CallError('a whole number is required', at);
  return toDouble(value);
}

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

export const count = (value: number | bigint): Value => number(fromInteger(value));
