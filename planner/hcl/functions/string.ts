import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import { STRING } from '../type.ts';
import type { Value } from '../value.ts';
import { compareText } from '../value.ts';
import {
  count,
  countAt,
  define,
  defineVariadic,
  itemsAt,
  list,
  listOf,
  nfc,
  num,
  refuseLongText,
  string,
  textAt,
} from './define.ts';
import { characters } from './grapheme.ts';
import { toLower, toTitle, toUpper } from './letter-case.ts';

const mapped = (change: (value: string) => string): HclFunction =>
  define([string('str')], (args) => nfc(change(textAt(args, 0))));

/** Functions on text (zclconf/go-cty `function/stdlib/string.go`). */
export const STRING_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  upper: mapped(toUpper),
  lower: mapped(toLower),
  title: mapped(toTitle),
  reverse: mapped((whole) => [...characters(whole)].reverse().join('')),
  trimspace: mapped((whole) => trimmed(whole, (one) => /\p{White_Space}/u.test(one))),
  chomp: mapped((whole) => {
    let end = whole.length;
    while (whole[end - 1] === '\n' || whole[end - 1] === '\r') end--;
    return whole.slice(0, end);
  }),
  strlen: define([string('str')], (args) => count(characters(textAt(args, 0)).length)),
  substr: define([string('str'), num('offset'), num('length')], (args) =>
    nfc(substring(textAt(args, 0), countAt(args, 1), countAt(args, 2))),
  ),
  replace: define([string('str'), string('substr'), string('replace')], (args) =>
    nfc(replaced(textAt(args, 0), textAt(args, 1), textAt(args, 2))),
  ),
  trim: define([string('str'), string('cutset')], (args) => {
    const cut = new Set(textAt(args, 1));
    return nfc(trimmed(textAt(args, 0), (one) => cut.has(one)));
  }),
  trimprefix: define([string('str'), string('prefix')], (args) => {
    const [whole, prefix] = [textAt(args, 0), textAt(args, 1)];
    return nfc(whole.startsWith(prefix) ? whole.slice(prefix.length) : whole);
  }),
  trimsuffix: define([string('str'), string('suffix')], (args) => {
    const [whole, suffix] = [textAt(args, 0), textAt(args, 1)];
    return nfc(whole.endsWith(suffix) ? whole.slice(0, whole.length - suffix.length) : whole);
  }),
  indent: define([num('spaces'), string('str')], (args) => {
    const spaces = countAt(args, 0);
    if (spaces < 0) throw new CallError('the number of spaces must not be negative', 0);
    return nfc(replaced(textAt(args, 1), '\n', '\n', spaces));
  }),
  split: define([string('separator'), string('str')], (args) => {
    const [separator, whole] = [textAt(args, 0), textAt(args, 1)];
    return list(STRING, (separator === '' ? [...whole] : whole.split(separator)).map(nfc));
  }),
  join: defineVariadic([string('separator')], listOf('lists', STRING), (args) =>
    nfc(joined(textAt(args, 0), args.slice(1))),
  ),
  sort: define([listOf('list', STRING)], (args) => {
    const texts = itemsAt(args, 0).map((item, at) => {
      if (item.is === 'string') return item.value;
      throw new CallError(`given list element ${at} is null; a null string cannot be sorted`);
    });
    return list(STRING, texts.sort(compareText).map(nfc));
  }),
};

/** A negative offset counts from the end. A length of 0 after it means the rest, a quirk of the reference. */
function substring(whole: string, offset: number, length: number): string {
  if (offset >= 0 && length === 0) return '';
  const all = characters(whole);
  const from = offset < 0 ? Math.max(0, all.length + offset) : offset;
  return all.slice(from, length <= 0 ? undefined : from + length).join('');
}

/** An empty text to replace stands before every character and at the end. */
function replaced(whole: string, what: string, by: string, spaces = 0): string {
  const pieces = what === '' ? ['', ...whole, ''] : whole.split(what);
  refuseLongText(whole.length + (pieces.length - 1) * (by.length + spaces));
  return pieces.join(by + ' '.repeat(pieces.length > 1 ? spaces : 0));
}

function joined(separator: string, lists: readonly Value[]): string {
  if (lists.length === 0) throw new CallError('at least one list is required');
  const texts = lists.flatMap((_, at) =>
    itemsAt(lists, at).map((item, index) => {
      if (item.is === 'string') return item.value;
      const where = lists.length > 1 ? ` of list ${at + 1}` : '';
      throw new CallError(`element ${index}${where} is null; cannot concatenate null values`, at + 1);
    }),
  );
  refuseLongText(texts.length * separator.length);
  return texts.join(separator);
}

function trimmed(whole: string, isCut: (character: string) => boolean): string {
  const all = [...whole];
  let [from, to] = [0, all.length];
  while (from < to && isCut(all[from] ?? '')) from++;
  while (to > from && isCut(all[to - 1] ?? '')) to--;
  return all.slice(from, to).join('');
}
