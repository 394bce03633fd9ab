import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diagnosticText } from '../../../cli/print/diagnostic.ts';

function excerpt(text: string, start: number, end: number): readonly [line: string, marks: string] {
  const diagnostic = { reason: 'x', message: 'm', hint: 'h', span: { file: { name: 'f', text }, start, end } };
  const [, line = '', marks = ''] = diagnosticText(diagnostic).split('\n');
  return [line, marks];
}

/** What stands over the marks. */
function marked([line, marks]: readonly [string, string]): string {
  const from = marks.indexOf('^');
  return [...line].slice(from, marks.lastIndexOf('^') + 1).join('');
}

test('a line break in a name is shown as an escape', () => {
  const span = { file: { name: 'a\nb', text: 'x' }, start: 0, end: 1 };
  const related = [{ message: 'c\r\nd', span }];
  expect(diagnosticText({ reason: 'x', message: 'no "a\r\nb"', hint: 'e\nf', span, related }).split('\n')).toEqual([
    'a\\x0ab:1:1: no "a\\x0d\\x0ab"',
    '  1 | x',
    '    | ^ e\\x0af',
    'a\\x0ab:1:1: c\\x0d\\x0ad',
    '  1 | x',
    '    | ^',
  ]);
  expect(diagnosticText({ reason: 'x', message: 'a\nb', hint: 'c\nd' })).toBe('a\\x0ab; c\\x0ad');
});

describe('an excerpt', () => {
  test('of a short line is the line', () => {
    expect(excerpt('a\nb = "cde"\n', 6, 11)).toEqual(['  2 | b = "cde"', '    |     ^^^^^ h']);
  });

  test('of a long line is what stands around the range', () => {
    const text = `${'a'.repeat(5000)} here ${'b'.repeat(5000)}`;
    const [line, marks] = excerpt(text, 5001, 5005);
    expect(line).toBe(`  1 | …${'a'.repeat(76)} here ${'b'.repeat(76)}…`);
    expect(marked([line, marks])).toBe('here');
  });

  test.each([
    ['at the beginning', 0, 4],
    ['at the end', 9996, 10_000],
    ['longer than the excerpt', 4000, 9000],
    ['of one character', 5000, 5001],
  ])('of a long line with a range %s has about 160 columns', (_where, start, end) => {
    const text = Array.from({ length: 10_000 }, (_, at) => String.fromCharCode(97 + (at % 23))).join('');
    const shown = excerpt(text, start, end);
    expect(shown[0].length).toBeLessThanOrEqual(166);
    expect(text.slice(start, end).startsWith(marked(shown).replace(/…$/, ''))).toBe(true);
    expect(marked(shown).length).toBeGreaterThanOrEqual(Math.min(end - start, 100));
    expect(shown[1]).toMatch(/\^ h$/);
  });

  test('shows escapes with the marks under the range', () => {
    expect(marked(excerpt('\u0001\u0002 here', 3, 7))).toBe('here');
  });

  test('never cuts a character in two', () => {
    fc.assert(
      fc.property(fc.nat(1999), fc.nat(40), fc.constantFrom('', 'x'), (start, length, odd) => {
        const text = `${odd}${'😀'.repeat(1000)}`;
        const [line] = excerpt(text, start, start + length);
        expect(line.isWellFormed()).toBe(true);
      }),
    );
  });
});
