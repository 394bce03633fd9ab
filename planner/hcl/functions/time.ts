import { toInteger } from '../number.ts';
import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import type { Value } from '../value.ts';
import { object, text } from '../value.ts';
import { any, count, define, nfc, num, string, textAt, valueAt } from './define.ts';
import type { Calendar, Moment } from './timestamp.ts';
import {
  calendarOf,
  isoWeekOf,
  momentOfSeconds,
  offsetText,
  pad,
  parseDuration,
  parseTimestamp,
  rfc3339,
  secondsOf,
} from './timestamp.ts';

/** Functions on times (zclconf/go-cty `function/stdlib/datetime.go`, docker/buildx `bake/hclparser/stdlib.go`). */
export const TIME_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  formatdate: define([string('format'), string('time')], (args) =>
    nfc(formatDate(textAt(args, 0), parseTimestamp(textAt(args, 1), 1))),
  ),
  formattimestamp: define([string('format'), any('time')], (args) => {
    const format = textAt(args, 0);
    const moment = momentAt(args, 1, format === 'X');
    return nfc(format === 'X' ? String(secondsOf(moment)) : formatDate(format, moment));
  }),
  timeadd: define([string('timestamp'), string('duration')], (args) => {
    const { nanoseconds, offsetMinutes } = parseTimestamp(textAt(args, 0), 0);
    return text(rfc3339({ nanoseconds: nanoseconds + parseDuration(textAt(args, 1), 1), offsetMinutes }));
  }),
  unixtimestampparse: define([num('unix_timestamp')], (args) => {
    const moment = unixMomentAt(args, 0);
    const at = calendarOf(moment);
    const iso = isoWeekOf(at);
    return object([
      ['year', count(at.year)],
      ['year_day', count(at.yearDay)],
      ['day', count(at.day)],
      ['month', count(at.month)],
      ['month_name', text(nameOf(MONTHS, at.month - 1))],
      ['weekday', count(at.weekday)],
      ['weekday_name', text(nameOf(WEEKDAYS, at.weekday))],
      ['hour', count(at.hour)],
      ['minute', count(at.minute)],
      ['second', count(at.second)],
      ['rfc3339', text(rfc3339(moment))],
      ['iso_year', count(iso.year)],
      ['iso_week', count(iso.week)],
    ]);
  }),
};

function unixMomentAt(args: readonly Value[], at: number): Moment {
  const value = valueAt(args, at);
  const seconds = value.is === 'number' ? toInteger(value.value) : undefined;
  if (seconds === undefined) throw new CallError('unix timestamp must be an integer', at);
  return momentOfSeconds(seconds);
}

function momentAt(args: readonly Value[], at: number, isPlain: boolean): Moment {
  const value = valueAt(args, at);
  if (value.is === 'number') return unixMomentAt(args, at);
  if (value.is !== 'string') throw new CallError('must be a string timestamp or a unix timestamp number', at);
  try {
    return parseTimestamp(value.value, at);
  } catch (error) {
    if (!isPlain || !(error instanceof CallError)) throw error;
    throw new CallError('timestamp string must be RFC3339', at);
  }
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

function nameOf(names: readonly string[], at: number): string {
  return names[at] ?? '';
}

/** Letters stand for parts of the time, `'...'` for itself with `''` for a quote, and everything else for itself. */
function formatDate(format: string, moment: Moment): string {
  const at = calendarOf(moment);
  const tokens = format.match(/''|'(?:[^']|'')*(?:'|$)|([a-zA-Z])\1*|[^a-zA-Z']+/g) ?? [];
  return tokens
    .map((token) => (token.startsWith("'") ? literal(token) : /^[a-z]/i.test(token) ? verb(token, at, moment) : token))
    .join('');
}

function literal(token: string): string {
  if (token === "''") return "'";
  if (token.length < 2 || !token.endsWith("'")) throw new CallError("unterminated literal '", 0);
  return token.slice(1, -1).replaceAll("''", "'");
}

type Writer = (at: Calendar, moment: Moment) => string;

/** One way to write a part of the time for each number of letters that means something. */
const VERBS: Readonly<Record<string, { readonly forms: Readonly<Record<number, Writer>>; readonly rule: string }>> = {
  Y: {
    forms: { 2: ({ year }) => pad(year % 100), 4: ({ year }) => pad(year, 4) },
    rule: 'year must either be "YY" or "YYYY"',
  },
  M: {
    forms: {
      1: ({ month }) => String(month),
      2: ({ month }) => pad(month),
      3: ({ month }) => nameOf(MONTHS, month - 1).slice(0, 3),
      4: ({ month }) => nameOf(MONTHS, month - 1),
    },
    rule: 'month must be "M", "MM", "MMM", or "MMMM"',
  },
  D: { forms: oneOrTwo(({ day }) => day), rule: 'day of month must either be "D" or "DD"' },
  E: {
    forms: {
      3: ({ weekday }) => nameOf(WEEKDAYS, weekday).slice(0, 3),
      4: ({ weekday }) => nameOf(WEEKDAYS, weekday),
    },
    rule: 'day of week must either be "EEE" or "EEEE"',
  },
  h: { forms: oneOrTwo(({ hour }) => hour), rule: '24-hour must either be "h" or "hh"' },
  H: { forms: oneOrTwo(({ hour }) => hour % 12 || 12), rule: '12-hour must either be "H" or "HH"' },
  A: { forms: { 2: ({ hour }) => (hour < 12 ? 'AM' : 'PM') }, rule: 'must be "AA"' },
  a: { forms: { 2: ({ hour }) => (hour < 12 ? 'am' : 'pm') }, rule: 'must be "aa"' },
  m: { forms: oneOrTwo(({ minute }) => minute), rule: 'minute must either be "m" or "mm"' },
  s: { forms: oneOrTwo(({ second }) => second), rule: 'second must either be "s" or "ss"' },
  Z: {
    forms: {
      1: (_, moment) => offsetText(moment, ':', 'Z'),
      3: (_, moment) => offsetText(moment, '', 'UTC'),
      4: (_, moment) => offsetText(moment, ''),
      5: (_, moment) => offsetText(moment, ':'),
    },
    rule: 'timezone must be Z, ZZZ, ZZZZ, or ZZZZZ',
  },
};

function oneOrTwo(part: (at: Calendar) => number): Readonly<Record<number, Writer>> {
  return { 1: (at) => String(part(at)), 2: (at) => pad(part(at)) };
}

function verb(token: string, at: Calendar, moment: Moment): string {
  const letter = token.charAt(0);
  const known = Object.hasOwn(VERBS, letter) ? VERBS[letter] : undefined;
  const write = known?.forms[token.length];
  if (write !== undefined) return write(at, moment);
  const why = known === undefined ? '' : `: ${known.rule}`;
  throw new CallError(`invalid date format verb ${JSON.stringify(token)}${why}`, 0);
}
