import type { HclFunction } from '../scope.ts';
import { STRING } from '../type.ts';
import { compareText, text } from '../value.ts';
import { count, countAt, define, defineVariadic, itemsAt, listOf, num, string, textAt } from './define.ts';

/** Functions on text (zclconf/go-cty `function/stdlib/string.go`). */
export const STRING_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  upper: define([string('str')], (args) => text(textAt(args, 0).toUpperCase())),
  lower: define([string('str')], (args) => text(textAt(args, 0).toLowerCase())),
  title: define([string('str')], (args) =>
    text(
      textAt(args, 0).replace(
        /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
        (_, before: string, letter: string) => before + letter.toUpperCase(),
      ),
    ),
  ),
  strlen: define([string('str')], (args) => count(characters(textAt(args, 0)).length)),
  reverse: define([string('str')], (args) => text([...characters(textAt(args, 0))].reverse().join(''))),
  substr: define([string('str'), num('offset'), num('length')], (args) => {
    const all = characters(textAt(args, 0));
    const [offset, length] = [countAt(args, 1), countAt(args, 2)];
    const from = offset < 0 ? Math.max(0, all.length + offset) : offset;
    return text(all.slice(from, length < 0 ? undefined : from + length).join(''));
  }),
  replace: define([string('str'), string('substr'), string('replace')], (args) =>
    text(textAt(args, 0).replaceAll(textAt(args, 1), () => textAt(args, 2))),
  ),
  trim: define([string('str'), string('cutset')], (args) => text(trimmed(textAt(args, 0), textAt(args, 1)))),
  trimspace: define([string('str')], (args) => text(textAt(args, 0).trim())),
  trimprefix: define([string('str'), string('prefix')], (args) => {
    const [whole, prefix] = [textAt(args, 0), textAt(args, 1)];
    return text(whole.startsWith(prefix) ? whole.slice(prefix.length) : whole);
  }),
  trimsuffix: define([string('str'), string('suffix')], (args) => {
    const [whole, suffix] = [textAt(args, 0), textAt(args, 1)];
    return text(suffix !== '' && whole.endsWith(suffix) ? whole.slice(0, -suffix.length) : whole);
  }),
  chomp: define([string('str')], (args) => text(textAt(args, 0).replace(/(?:\r\n?|\n)+$/, ''))),
  indent: define([num('spaces'), string('str')], (args) =>
    text(textAt(args, 1).replaceAll('\n', `\n${' '.repeat(Math.max(0, countAt(args, 0)))}`)),
  ),
  split: define([string('separator'), string('str')], (args) => ({
    is: 'list',
    element: STRING,
    items: split(textAt(args, 0), textAt(args, 1)).map(text),
  })),
  join: defineVariadic([string('separator')], listOf('lists', STRING), (args) =>
    text(
      args
        .slice(1)
        .flatMap((_, at) => itemsAt(args, at + 1).map((item) => (item.is === 'string' ? item.value : '')))
        .join(textAt(args, 0)),
    ),
  ),
  sort: define([listOf('list', STRING)], (args) => ({
    is: 'list',
    element: STRING,
    items: [...itemsAt(args, 0)].sort((a, b) =>
      compareText(a.is === 'string' ? a.value : '', b.is === 'string' ? b.value : ''),
    ),
  })),
};

/** What a person counts as characters: grapheme clusters. */
function characters(whole: string): readonly string[] {
  if (/^[\x20-\x7e]*$/.test(whole)) return whole.split('');
  return [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(whole)].map(({ segment }) => segment);
}

function split(separator: string, whole: string): readonly string[] {
  return separator === '' ? [...whole] : whole.split(separator);
}

function trimmed(whole: string, cutset: string): string {
  const cut = new Set(cutset);
  const all = [...whole];
  let [from, to] = [0, all.length];
  while (from < to && cut.has(all[from] ?? '')) from++;
  while (to > from && cut.has(all[to - 1] ?? '')) to--;
  return all.slice(from, to).join('');
}
