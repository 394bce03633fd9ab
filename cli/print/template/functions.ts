import { goJson } from '../../../planner/go-json.ts';
import type { GoValue } from '../../../runtime/oci/go-value.ts';
import { GoStruct, GoTexts, goPlain, isEmpty } from '../../../runtime/oci/go-value.ts';
import { goText } from './show.ts';

/** A function that is given what it cannot do anything with; says what. */
export class BadArgument extends Error {}

type Arguments = readonly GoValue[];

/** `and` and `or` are not here: they do not look at all that they are given. */
const FUNCTIONS: Readonly<Record<string, (args: Arguments) => GoValue>> = {
  json: (args) => goJson(goPlain(only(args))).slice(0, -1),
  len: (args) => lengthOf(only(args)),
  index: ([value, ...keys]) => keys.reduce(elementOf, value),
  print: (args) => spaced(args),
  println: (args) => `${args.map(goText).join(' ')}\n`,
  printf: ([format, ...args]) => formatted(textOf(format), args),
  not: (args) => isEmpty(only(args)),
  eq: ([first, ...others]) => others.some((other) => compared(first, other) === 0),
  ne: ([a, b]) => compared(a, b) !== 0,
  lt: ([a, b]) => ordered(a, b) < 0,
  le: ([a, b]) => ordered(a, b) <= 0,
  gt: ([a, b]) => ordered(a, b) > 0,
  ge: ([a, b]) => ordered(a, b) >= 0,
};

/** All that a template can call. */
export const FUNCTION_NAMES: readonly string[] = [...Object.keys(FUNCTIONS), 'and', 'or'];

/** Calls one of them (Go, `text/template`, "Functions"; `json` is docker buildx's). Throws {@link BadArgument}. */
export function callFunction(name: string, args: Arguments): GoValue {
  return FUNCTIONS[name]?.(args);
}

function only(args: Arguments): GoValue {
  if (args.length !== 1) throw new BadArgument(`it takes one value, and is given ${args.length}`);
  return args[0];
}

function textOf(value: GoValue): string {
  if (typeof value !== 'string') throw new BadArgument('its first value is to be a text');
  return value;
}

function lengthOf(value: GoValue): bigint {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value));
  if (Array.isArray(value)) return BigInt(value.length);
  if (value instanceof Map) return BigInt(value.size);
  throw new BadArgument('it takes a text, a list or a map');
}

function elementOf(value: GoValue, key: GoValue): GoValue {
  if (value instanceof Map) {
    if (typeof key !== 'string') throw new BadArgument('the keys of a map are texts');
    return value.get(key) ?? (value instanceof GoTexts ? '' : undefined);
  }
  if (!Array.isArray(value)) throw new BadArgument('it takes a list or a map, and a key of it');
  if (typeof key !== 'bigint') throw new BadArgument('the places in a list are whole numbers');
  if (key < 0n || key >= BigInt(value.length))
    throw new BadArgument(`the list has ${value.length} elements, counted from 0; there is no ${key}`);
  return value[Number(key)];
}

/** Go puts a space between two values where neither is a text. */
function spaced(args: Arguments): string {
  return args
    .map((value, at) => {
      const before = args[at - 1];
      return `${at > 0 && typeof value !== 'string' && typeof before !== 'string' ? ' ' : ''}${goText(value)}`;
    })
    .join('');
}

/** Go takes no wider ones (`fmt`, tooLarge). */
const MAX_WIDTH = 1_000_000;

function formatted(format: string, args: Arguments): string {
  const rest = [...args];
  const text = format.replaceAll(/%(-?)(\d*)(.?)/gs, (_whole, left: string, width: string, verb: string) => {
    if (verb === '%') return '%';
    if (rest.length === 0) throw new BadArgument(`%${verb} has no value to show`);
    if (Number(width) > MAX_WIDTH) throw new BadArgument(`%${width}${verb} is wider than ${MAX_WIDTH}`);
    const shown = oneFormatted(verb, rest.shift());
    return left === '-' ? shown.padEnd(Number(width)) : shown.padStart(Number(width));
  });
  if (rest.length > 0) throw new BadArgument('more values than its format shows');
  return text;
}

function oneFormatted(verb: string, value: GoValue): string {
  if (verb === 'v' || (verb === 's' && (typeof value === 'string' || Array.isArray(value)))) return goText(value);
  if (verb === 'q' && typeof value === 'string') return JSON.stringify(value);
  if (verb === 'd' && typeof value === 'bigint') return String(value);
  if (verb === 't' && typeof value === 'boolean') return String(value);
  if ('vsqdt'.includes(verb)) throw new BadArgument(`%${verb} does not fit its value; %v fits all`);
  throw new BadArgument(`%${verb} is not supported; %v, %s, %q, %d and %t are`);
}

function compared(a: GoValue, b: GoValue): number {
  if (isNumber(a) && isNumber(b)) return a === b ? 0 : Number(a) - Number(b);
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b) ? 0 : 1;
  if (typeof a !== typeof b || typeof a !== 'boolean')
    throw new BadArgument('only texts, numbers and truths of one kind can be compared');
  return a === b ? 0 : 1;
}

function isNumber(value: GoValue): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number';
}

function isNothing(value: GoValue): boolean {
  return value === undefined || (value instanceof GoStruct && value.isNil);
}

function ordered(a: GoValue, b: GoValue): number {
  if (typeof a === 'boolean' || isNothing(a) || isNothing(b))
    throw new BadArgument('only texts and numbers have an order');
  return compared(a, b);
}
