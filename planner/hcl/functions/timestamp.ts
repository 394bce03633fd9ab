import { CallError } from '../scope.ts';

/** A moment, and the offset from UTC that it is told in. */
export interface Moment {
  /** Nanoseconds since 1970 in UTC. */
  readonly nanoseconds: bigint;
  readonly offsetMinutes: number;
}

/** What a clock and a calendar show at a moment, in its own offset. */
export interface Calendar {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** 1 to 366. */
  readonly yearDay: number;
}

const SECOND = 1_000_000_000n;

export function momentOfSeconds(seconds: bigint): Moment {
  return { nanoseconds: seconds * SECOND, offsetMinutes: 0 };
}

/** Whole seconds since 1970, towards the past. */
export function secondsOf({ nanoseconds }: Moment): bigint {
  const seconds = nanoseconds / SECOND;
  return nanoseconds % SECOND < 0n ? seconds - 1n : seconds;
}

/** JavaScript's dates reach so many seconds from 1970. */
const MAX_SECONDS = 8_640_000_000_000n;

/** Throws {@link CallError} beyond the years that can be told. */
export function calendarOf(moment: Moment): Calendar {
  const seconds = secondsOf(moment) + BigInt(moment.offsetMinutes * 60);
  if (seconds > MAX_SECONDS || seconds < -MAX_SECONDS) throw new CallError('the time is too far away to be told');
  const date = new Date(Number(seconds) * 1000);
  const year = date.getUTCFullYear();
  return {
    year,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    weekday: date.getUTCDay(),
    yearDay: Math.floor((date.getTime() - midnight(year, 0, 1)) / 86_400_000) + 1,
  };
}

/** The year and the number of the week as ISO 8601 counts them: a week belongs to the year of its Thursday. */
export function isoWeekOf({ year, month, day, weekday }: Calendar): { readonly year: number; readonly week: number } {
  const thursday = new Date(midnight(year, month - 1, day + 4 - (weekday || 7)));
  const first = midnight(thursday.getUTCFullYear(), 0, 1);
  return {
    year: thursday.getUTCFullYear(),
    week: Math.floor((thursday.getTime() - first) / (7 * 86_400_000)) + 1,
  };
}

/** `Date.UTC` takes years below 100 for those of the 20th century. */
function midnight(year: number, monthIndex: number, day: number): number {
  return new Date(0).setUTCFullYear(year, monthIndex, day);
}

export const pad = (value: number, width = 2): string =>
  value < 0 ? `-${String(-value).padStart(width, '0')}` : String(value).padStart(width, '0');

/** RFC 3339 with whole seconds. */
export function rfc3339(moment: Moment): string {
  const at = calendarOf(moment);
  const date = `${pad(at.year, 4)}-${pad(at.month)}-${pad(at.day)}`;
  return `${date}T${pad(at.hour)}:${pad(at.minute)}:${pad(at.second)}${offsetText(moment, ':', 'Z')}`;
}

/** `+02:00`; for UTC itself the given text, if any. */
export function offsetText({ offsetMinutes }: Moment, separator: string, utc?: string): string {
  if (offsetMinutes === 0 && utc !== undefined) return utc;
  const size = Math.abs(offsetMinutes);
  return `${offsetMinutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}${separator}${pad(size % 60)}`;
}

/**
 * Reads an RFC 3339 timestamp, strictly. Throws {@link CallError} that blames the argument at `argument`, if one is given.
 */
export function parseTimestamp(source: string, argument?: number): Moment {
  const wrong = (why: string): CallError => new CallError(`not a valid RFC3339 timestamp: ${why}`, argument);
  let at = 0;
  const take = (length: number, what: string, low: number, high: number): number => {
    const part = source.slice(at, at + length);
    if (part === '') throw wrong(`end of string before ${what}`);
    if (part.length !== length || !/^\d+$/.test(part)) throw wrong(`cannot use ${JSON.stringify(part)} as ${what}`);
    if (Number(part) < low || Number(part) > high) throw wrong(`${what} out of range`);
    at += length;
    return Number(part);
  };
  const expect = (literal: string): void => {
    if (source[at] === literal) at++;
    else if (literal === 'T') throw wrong("missing required time introducer 'T'");
    else if (at >= source.length) throw wrong(`end of string where ${JSON.stringify(literal)} is expected`);
    else throw wrong(`found ${JSON.stringify(source.slice(at))} where ${JSON.stringify(literal)} is expected`);
  };
  const year = take(4, 'year', 0, 9999);
  expect('-');
  const month = take(2, 'month', 1, 12);
  expect('-');
  const day = take(2, 'day', 1, 31);
  if (new Date(midnight(year, month - 1, day)).getUTCDate() !== day) throw wrong('day out of range');
  expect('T');
  const hour = take(2, 'hour', 0, 23);
  expect(':');
  const minute = take(2, 'minute', 0, 59);
  expect(':');
  const second = take(2, 'second', 0, 59);
  const [fraction = ''] = /^\.\d+/.exec(source.slice(at)) ?? [];
  at += fraction.length;
  const offset = parseOffset(source.slice(at), wrong);
  const milliseconds = midnight(year, month - 1, day) + ((hour * 60 + minute - offset) * 60 + second) * 1000;
  const nanoseconds = BigInt(milliseconds) * 1_000_000n + BigInt(fraction.slice(1, 10).padEnd(9, '0'));
  return { nanoseconds, offsetMinutes: offset };
}

function parseOffset(source: string, wrong: (why: string) => CallError): number {
  if (source === '') throw wrong('end of string before UTC offset');
  if (source === 'Z') return 0;
  const [, sign, hours = '', minutes = ''] = /^([+-])(\d\d):(\d\d)$/.exec(source) ?? [];
  if (sign === undefined) throw wrong(`cannot use ${JSON.stringify(source)} as UTC offset`);
  if (Number(hours) > 23 || Number(minutes) > 59) throw wrong('UTC offset out of range');
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: SECOND,
  m: 60n * SECOND,
  h: 3600n * SECOND,
};

/** Reads a duration such as `1h30m` or `-1.5s` (Go `time.ParseDuration`) in nanoseconds. Throws {@link CallError}. */
export function parseDuration(source: string, argument: number): bigint {
  const quoted = JSON.stringify(source);
  const invalid = new CallError(`time: invalid duration ${quoted}`, argument);
  const [, sign = '', body = ''] = /^([+-]?)(.*)$/s.exec(source) ?? [];
  if (body === '0') return 0n;
  if (body === '' || body.length > 1000) throw invalid;
  let total = 0n;
  for (let rest = body; rest !== '';) {
    const [whole, integer = '', fraction = '', unit = ''] = /^(\d*)(?:\.(\d*))?([^\d.]*)/.exec(rest) ?? [];
    if (whole === undefined || integer + fraction === '') throw invalid;
    if (unit === '') throw new CallError(`time: missing unit in duration ${quoted}`, argument);
    const size = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
    if (size === undefined) {
      throw new CallError(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`, argument);
    }
    total += BigInt(integer || '0') * size + (BigInt(fraction || '0') * size) / 10n ** BigInt(fraction.length);
    rest = rest.slice(whole.length);
  }
  if (total > 2n ** 63n - (sign === '-' ? 0n : 1n)) throw invalid;
  return sign === '-' ? -total : total;
}
