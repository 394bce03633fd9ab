import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { interpolate } from '../../../planner/compose/template.ts';
import { spentMs } from '../spent.ts';

const VARIABLES: ReadonlyMap<string, string> = new Map([
  ['SET', 'value'],
  ['EMPTY', ''],
  ['DOLLAR', '$SET'],
]);

function result(text: string): string {
  const made = interpolate(text, { get: (name) => VARIABLES.get(name) });
  if (made.ok) return made.value;
  return made.failure.is === 'required' ? `required ${made.failure.name}: ${made.failure.message}` : made.failure.is;
}

describe('references', () => {
  test.each([
    ['$SET', 'value'],
    ['${SET}', 'value'],
    ['$UNSET', ''],
    ['$SETx', ''],
    ['$SET-x', 'value-x'],
    ['$$SET $$$SET', '$SET $value'],
    ['$1 $ $( $- $', '$1 $ $( $- $'],
    ['$DOLLAR', '$SET'],
    ['${UNSET:-w}', 'w'],
    ['${EMPTY:-w}', 'w'],
    ['${EMPTY-w}', ''],
    ['${SET:+w}', 'w'],
    ['${EMPTY:+w}', ''],
    ['${EMPTY+w}', 'w'],
    ['${UNSET+w}', ''],
    ['${SET:?w}', 'value'],
    ['${EMPTY?w}', ''],
    ['${EMPTY:?no $SET}', 'required EMPTY: no value'],
    ['${UNSET?}', 'required UNSET: '],
    ['${UNSET:-${EMPTY:-${SET}}}', 'value'],
    ['${UNSET:-a:b-c?d+e}', 'a:b-c?d+e'],
    ['${UNSET:-{}}', '{}'],
    ['${UNSET:-{{.Name}}}', '{{.Name}}'],
    ['${UNSET:-}}', '}'],
    ['${UNSET:-a}}b', 'a}b'],
    ['${UNSET:-{x}', '{x'],
    ['${UNSET:-a}-${UNSET:-b}', 'a-b'],
    ['one\n${SET}\ntwo', 'one\nvalue\ntwo'],
    ['${}', 'invalid'],
    ['${SET', 'invalid'],
    ['${SET x}', 'invalid'],
    ['${a.b}', 'invalid'],
    ['${1A}', 'invalid'],
    ['${UNSET:-a\nb}', 'invalid'],
  ])('%j becomes %j', (text, expected) => {
    expect(result(text)).toBe(expected);
  });

  test('a mistake in a default that is not used is a mistake', () => {
    expect(result('${SET:-${UNSET?why}}')).toBe('required UNSET: why');
  });

  test('only plain references that are used are told as not set', () => {
    const told: string[] = [];
    interpolate('$A ${B} ${C:-$D} ${SET:-$E} ${F-} ${G+$H}', {
      get: (name) => VARIABLES.get(name),
      onUnset: (name) => void told.push(name),
    });
    expect(told).toEqual(['A', 'B', 'D']);
  });

  test('variables that hold each other do not fill the memory', () => {
    const doubled = new Map<string, string>([['V0', 'x'.repeat(1024)]]);
    let failure: string | undefined;
    for (let at = 1; at < 60 && failure === undefined; at++) {
      const made = interpolate(`$V${at - 1}$V${at - 1}`, { get: (name) => doubled.get(name) });
      if (made.ok) doubled.set(`V${at}`, made.value);
      else failure = made.failure.is;
    }
    expect(failure).toBe('too-long');
  });
});

describe('a long line is read in one go', () => {
  test.each([
    ['references', '${A}'.repeat(300_000)],
    ['plain references', '$A'.repeat(300_000)],
    ['one brace at its beginning', `}${'${A'.repeat(300_000)}`],
    ['text behind the references', `${'${A}'.repeat(10_000)}${'x'.repeat(1_000_000)}`],
  ])('%s', (_what, text) => {
    expect(spentMs(() => interpolate(text, { get: () => 'a' }))).toBeLessThan(1000);
  });
});

describe('for any text', () => {
  const anyText = fc.string({
    unit: fc.constantFrom('$', '{', '}', ':', '-', '?', '+', 'A', '_', '1', ' ', '\n', 'é'),
  });

  test('interpolation ends, and gives a text or a foreseen problem', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const made = interpolate(text, { get: (name) => (name === 'A' ? 'a' : undefined) });
        expect(made.ok || ['invalid', 'required', 'too-long'].includes(made.failure.is)).toBe(true);
      }),
    );
  });

  test('a text whose dollars are doubled comes out as it was', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const made = interpolate(text.replaceAll('$', '$$$$'), { get: () => 'never' });
        expect(made).toEqual({ ok: true, value: text });
      }),
    );
  });

  test('a value goes in as it is, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: fc.constantFrom('a', '.', ' ') }), (value, around) => {
        const get = (): string => value;
        expect(interpolate(`${around}\${X}${around}`, { get })).toEqual({ ok: true, value: around + value + around });
        expect(interpolate('${X:-${X}}', { get })).toEqual({ ok: true, value });
      }),
    );
  });
});
