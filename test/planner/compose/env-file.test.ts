import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEnvFile } from '../../../planner/compose/env-file.ts';
import { lineAt, positionAt } from '../../../planner/source.ts';
import { spentMs } from '../spent.ts';

function parse(text: string): Readonly<Record<string, string>> | string {
  const parsed = parseEnvFile({ name: '.env', text }, { get: (name) => (name === 'OUT' ? 'outside' : undefined) });
  if (parsed.ok) return Object.fromEntries(parsed.value);
  const { message, span } = parsed.failure;
  const { line, column } = positionAt(span?.file.text ?? '', span?.start ?? 0);
  return `${line}:${column}: ${message}`;
}

describe('statements', () => {
  test.each<[string, Record<string, string>]>([
    ['A=1\nB=2', { A: '1', B: '2' }],
    ['  export A=1\nexported=2', { A: '1', exported: '2' }],
    ['A: 1\nB : 2', { A: '1', B: '2' }],
    ['# nothing\n\n  # nothing\nA=1 # one\nB=1#2', { A: '1', B: '1#2' }],
    ['A= #x', { A: '#x' }],
    ['OUT\nNONE\nA=1', { OUT: 'outside', A: '1' }],
    ['A=$OUT-${B:-b}\nB=$A', { A: 'outside-b', B: 'outside-b' }],
    ['A=\'$OUT #\'\nB="$OUT #"', { A: '$OUT #', B: 'outside #' }],
    ['A="one\ntwo"\nB=3', { A: 'one\ntwo', B: '3' }],
    [String.raw`A="\n\t\"\\\$OUT \x41 \0101"`, { A: '\n\t"\\$OUT \\x41 A' }],
    [String.raw`A='it\'s \n'`, { A: String.raw`it's \n` }],
    ['A="1" B=2', { A: '1', B: '2' }],
    ['A=1\r\nB="2"\r\n', { A: '1', B: '2' }],
    ['A=1\nA=2', { A: '2' }],
    ['ключ.a-b[0]=1', { 'ключ.a-b[0]': '1' }],
    ['A=', { A: '' }],
    ['A', {}],
  ])('%j', (text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  test.each([
    ['A=1\nB C=2', '2:1: key cannot contain a space'],
    ['A=1\nB!=2', '2:2: unexpected character "!" in variable name "B!"'],
    ['A=1\nB="never\nC=1', '2:3: unterminated quoted value of B'],
    ['A=1\nB=${C', '2:3: invalid template in the value of B'],
    ['B=${C:?say $OUT}', '1:3: required variable C is missing a value: say outside'],
  ])('%j is refused where it is wrong', (text, expected) => {
    expect(parse(text)).toBe(expected);
  });
});

describe('a value, which may be a password, is not shown', () => {
  test.each([
    ['A=1\nB="hush hush\nC=hush', '2:3 B=*** unterminated quoted value of B'],
    ['A B=hush', '1:1 A B=*** key cannot contain a space'],
    ['A!=hush', '1:2 A!=*** unexpected character "!" in variable name "A!"'],
    ['A=1\nhush! hush', '2:4 *** unexpected character "!" in a variable name'],
    ['A: hush${B', '1:4 A:*** invalid template in the value of A'],
    ['A=hush${B:?say so}', '1:3 A=*** required variable B is missing a value: say so'],
  ])('of %j', (text, expected) => {
    const parsed = parseEnvFile({ name: '.env', text }, { get: () => undefined });
    if (parsed.ok || parsed.failure.span === undefined) throw new Error('it must be refused, with its place');
    const { message, span } = parsed.failure;
    const { line, column } = positionAt(span.file.text, span.start);
    expect(`${line}:${column} ${lineAt(span.file.text, span.start)} ${message}`).toBe(expected);
    expect(`${span.file.text}${message}`).not.toContain('hush');
  });
});

describe('long texts are read in one go', () => {
  const blanks = ' '.repeat(200_000);

  test.each([
    ['blanks in a value', `A=a${blanks}b`],
    ['blanks in a name', `A${blanks}b=1`],
    ['blanks between statements', blanks.repeat(40)],
    ['references', `A=${'${B:-x}'.repeat(50_000)}`],
  ])('%s', (_what, text) => {
    expect(spentMs(() => parse(text))).toBeLessThan(1000);
  });
});

describe('for any text', () => {
  test('reading ends, and gives variables or a place', () => {
    const unit = fc.constantFrom('A', 'B', '=', ':', ' ', '\n', '\r', '"', "'", '\\', '$', '{', '}', '#', 'export ');
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        const read = parse(text);
        if (typeof read === 'string') expect(read).toMatch(/^\d+:\d+: ./);
        else expect(Object.keys(read).filter((name) => /[=:\n"' ]/.test(name))).toEqual([]);
      }),
    );
  });

  test('a value in single quotes is kept, dollars, lines and all', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '$', '"', '\n', '#', ' ', '{') }), (value) => {
        expect(parse(`A='${value}'`)).toEqual({ A: value });
      }),
    );
  });
});
