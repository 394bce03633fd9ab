import { convert } from '../convert.ts';
import type { HclNumber } from '../number.ts';
import { toInteger } from '../number.ts';
import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import type { Type } from '../type.ts';
import { BOOL, NUMBER, STRING } from '../type.ts';
import type { Value } from '../value.ts';
import { text } from '../value.ts';
import { anyOrNull, defineVariadic, list, nfc, refuseLongText, string, textAt } from './define.ts';
import type { FloatFormat } from './float-text.ts';
import { floatText } from './float-text.ts';
import { characters } from './grapheme.ts';
import { jsonText } from './json-text.ts';

/** `format` and `formatlist` (zclconf/go-cty `function/stdlib/format.go`). */
export const FORMAT_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  format: defineVariadic([string('format')], anyOrNull('args'), (args) => nfc(format(textAt(args, 0), args.slice(1)))),
  formatlist: defineVariadic([string('format')], anyOrNull('args'), (args) =>
    list(STRING, formatList(textAt(args, 0), args.slice(1)).map(nfc)),
  ),
};

/** A `%` sequence: how to write which argument. */
interface Verb {
  readonly raw: string;
  /** Where it stands in the format, in bytes. */
  readonly offset: number;
  /** From 1 on. */
  readonly argument: number;
  readonly letter: string;
  readonly zero: boolean;
  readonly sharp: boolean;
  readonly plus: boolean;
  readonly minus: boolean;
  readonly space: boolean;
  readonly width: number;
  readonly precision: number | undefined;
}

/** Wider and more precise than any text that a person reads. */
const MAX_WIDTH = 100_000;

function format(template: string, args: readonly Value[]): string {
  let out = '';
  let next = 1;
  let highest = 0;
  for (let at = 0; at < template.length;) {
    const percent = template.indexOf('%', at);
    out += template.slice(at, percent < 0 ? undefined : percent);
    if (percent < 0) break;
    if (template[percent + 1] === '%') {
      out += '%';
      at = percent + 2;
      continue;
    }
    const verb = readVerb(template, percent, next);
    highest = Math.max(highest, verb.argument);
    out += written(verb, args);
    refuseLongText(out.length);
    next = verb.argument + 1;
    at = percent + verb.raw.length;
  }
  if (highest < args.length) {
    throw new CallError(
      highest === 0
        ? 'too many arguments; no verbs in format string'
        : `too many arguments; only ${highest} used by format string`,
      highest + 1,
    );
  }
  return out;
}

function readVerb(template: string, start: number, next: number): Verb {
  const pattern = /%([0#\-+ ]*)([1-9]\d*)?(?:\.(\d*))?(?:\[([1-9]\d*)\])?([a-zA-Z])?/y;
  pattern.lastIndex = start;
  const [raw = '', flags = '', width, precision, argument, letter] = pattern.exec(template) ?? [];
  const offset = Buffer.byteLength(template.slice(0, start));
  if (letter === undefined) throw badCharacter(template, start + raw.length);
  const verb: Verb = {
    raw,
    offset,
    argument: argument === undefined ? next : Number(argument),
    letter,
    zero: flags.includes('0'),
    sharp: flags.includes('#'),
    plus: flags.includes('+'),
    minus: flags.includes('-'),
    space: flags.includes(' '),
    width: Number(width ?? -1),
    precision: precision === undefined ? undefined : Number(precision),
  };
  if (verb.width > MAX_WIDTH || (verb.precision ?? 0) > MAX_WIDTH) {
    throw new CallError(`${where(verb)} is too wide: ${MAX_WIDTH} is the most`);
  }
  return verb;
}

function badCharacter(template: string, at: number): CallError {
  const code = template.codePointAt(at);
  const offset = Buffer.byteLength(template.slice(0, at));
  if (code === undefined) return new CallError(`invalid format string starting at offset ${offset}`);
  return new CallError(`unrecognized format character '${String.fromCodePoint(code)}' at offset ${offset}`);
}

function where(verb: Verb): string {
  return `${JSON.stringify(verb.raw)} at ${verb.offset}`;
}

function written(verb: Verb, args: readonly Value[]): string {
  const value = args[verb.argument - 1];
  if (value === undefined) {
    throw new CallError(
      `not enough arguments for ${where(verb)}: need index ${verb.argument} but have ${args.length} total`,
    );
  }
  if (value.is === 'null' && verb.letter !== 'v') {
    throw new CallError(`unsupported value for ${where(verb)}: null value cannot be formatted`);
  }
  switch (verb.letter) {
    case 'v':
      return padded(verb, asItIs(verb, value));
    case 't':
      return String(as(BOOL, verb, value) === true);
    case 'b':
    case 'd':
    case 'o':
    case 'x':
    case 'X':
      return integerText(verb, numberFor(verb, value));
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
      return numberText(verb, verb.letter, numberFor(verb, value));
    case 's':
      return padded(verb, cut(verb, String(as(STRING, verb, value))));
    case 'q':
      return padded(verb, jsonText(text(cut(verb, String(as(STRING, verb, value))))));
    default:
      throw new CallError(
        `unsupported format verb '${verb.letter}' in ${JSON.stringify(verb.raw)} at offset ${verb.offset}`,
      );
  }
}

function asItIs(verb: Verb, value: Value): string {
  if (verb.sharp || (value.is !== 'string' && value.is !== 'number')) return jsonText(value);
  if (value.is === 'string') return value.value;
  if (value.value.infinite !== undefined) return value.value.infinite > 0 ? '+Inf' : '-Inf';
  return floatText(value.value, 'g');
}

function as(type: Type, verb: Verb, value: Value): string | boolean | HclNumber {
  const result = convert(value, type);
  if (!result.ok) throw new CallError(`unsupported value for ${where(verb)}: ${result.failure}`);
  return 'value' in result.value ? result.value.value : false;
}

function numberFor(verb: Verb, value: Value): HclNumber {
  const result = as(NUMBER, verb, value);
  if (typeof result === 'object') return result;
  throw new CallError(`unsupported value for ${where(verb)}: a number is required`);
}

/** Width in characters; for text, zeros pad on either side. */
function padded(verb: Verb, whole: string): string {
  const missing = verb.width < 0 ? 0 : verb.width - characters(whole).length;
  if (missing <= 0) return whole;
  const padding = (verb.zero ? '0' : ' ').repeat(missing);
  return verb.minus ? whole + padding : padding + whole;
}

/** The precision of text is its longest length; none of 0, a quirk of the reference. */
function cut(verb: Verb, whole: string): string {
  return verb.precision ? characters(whole).slice(0, verb.precision).join('') : whole;
}

function signFor(verb: Verb, isNegative: boolean): string {
  return isNegative ? '-' : verb.plus ? '+' : verb.space ? ' ' : '';
}

const BASES: Readonly<Record<string, readonly [base: number, prefix: string]>> = {
  b: [2, '0b'],
  o: [8, '0'],
  d: [10, ''],
  x: [16, '0x'],
  X: [16, '0X'],
};

/** As Go's `big.Int` is formatted. */
function integerText(verb: Verb, value: HclNumber): string {
  const whole = toInteger(value);
  if (whole === undefined) throw new CallError(`unsupported value for ${where(verb)}: an integer is required`);
  const [base, prefix] = BASES[verb.letter] ?? [10, ''];
  const plain = (whole < 0n ? -whole : whole).toString(base);
  const digits = (verb.letter === 'X' ? plain.toUpperCase() : plain).padStart(verb.precision ?? 0, '0');
  if (plain === '0' && verb.precision === 0) return '';
  const head = signFor(verb, whole < 0n) + (verb.sharp ? prefix : '');
  const missing = verb.width - head.length - digits.length;
  if (missing <= 0) return head + digits;
  if (verb.minus) return head + digits + ' '.repeat(missing);
  return verb.zero && verb.precision === undefined
    ? head + '0'.repeat(missing) + digits
    : ' '.repeat(missing) + head + digits;
}

/** As Go's `big.Float` is formatted. */
function numberText(verb: Verb, letter: FloatFormat, value: HclNumber): string {
  const precision = verb.precision ?? (letter === 'g' || letter === 'G' ? undefined : 6);
  const isInfinite = value.infinite !== undefined;
  const whole = isInfinite ? (value.infinite === 1 ? 'Inf' : '-Inf') : floatText(value, letter, precision);
  const sign = isInfinite && !whole.startsWith('-') ? (verb.space ? ' ' : '+') : signFor(verb, whole.startsWith('-'));
  const digits = whole.replace(/^-/, '');
  const missing = Math.max(verb.width - sign.length - digits.length, 0);
  if (verb.minus) return sign + digits + ' '.repeat(missing);
  return verb.zero && !isInfinite ? sign + '0'.repeat(missing) + digits : ' '.repeat(missing) + sign + digits;
}

/** Lists are gone through side by side, everything else stands in each of their formats. */
function formatList(template: string, args: readonly Value[]): readonly string[] {
  let length: { readonly of: number; readonly is: number } | undefined;
  for (const [at, arg] of args.entries()) {
    if (!('items' in arg)) continue;
    length ??= { of: at, is: arg.items.length };
    if (arg.items.length !== length.is) {
      throw new CallError(
        `argument ${at + 1} has length ${arg.items.length}, which is inconsistent with argument ${length.of + 1} of length ${length.is}`,
        at + 1,
      );
    }
  }
  if (length === undefined) return [format(template, args)];
  return Array.from({ length: length.is }, (_, at) => {
    try {
      return format(
        template,
        args.map((arg) => ('items' in arg ? (arg.items[at] ?? arg) : arg)),
      );
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      throw new CallError(`error on format iteration ${at}: ${error.message}`);
    }
  });
}
