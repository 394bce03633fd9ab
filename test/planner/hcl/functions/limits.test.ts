import { withBudget } from '../../../../planner/hcl/budget.ts';
import { describe, expect, test } from 'vitest';
import { failureOf, valueOf } from './expression.ts';

/** Expressions that would take all memory or time, and what the error says instead. */
const BOMBS: readonly (readonly [expression: string, says: string])[] = [
  ['range(1e9)', 'more than 1024 values'],
  ['range(0, 1, 1e-300)', 'more than 1024 values'],
  ['range(0, 1/0)', 'more than 1024 values'],
  ['format("%999999999d", 1)', 'too wide'],
  ['format("%.999999999f", 1)', 'too wide'],
  ['format("%[99999999999999999999]s", "a")', 'not enough arguments'],
  ['indent(1e15, "a\\nb\\n")', 'more than 16777216 characters'],
  ['replace(format("%99999s", "a"), "", format("%99999s", "b"))', 'more than 16777216 characters'],
  ['regex_replace(format("%99999s", "a"), "", format("%99999s", "b"))', 'more than 16777216 characters'],
  ['join(format("%99999s", "a"), range(1000))', 'more than 16777216 characters'],
  ['setproduct(range(1000), range(1000))', 'at most 100000'],
  ['setproduct(range(1000), range(1000), range(1000), range(1000))', 'at most 100000'],
  ['bcrypt("pw", 31)', 'cost 31 would take too long'],
  ['bcrypt(format("%73s", "a"))', 'password length exceeds 72 bytes'],
  ['parseint(format("%099999d", 1), 10)', 'at most 10000 digits'],
  ['timeadd("2024-01-01T00:00:00Z", "9999999h")', 'invalid duration'],
  ['unixtimestampparse(1e30)', 'too far away'],
  ['formattimestamp("YYYY", -1e18)', 'too far away'],
  ['jsondecode("1e999999999")', 'too large'],
  ['substr("abc", 1e300, 1)', 'between -9223372036854775808'],
  ['chunklist(["a"], 1e300)', 'between -9223372036854775808'],
  ['regex("((a{0,30}){0,30})b?c", format("%099999d", 1))', 'pattern did not match'],
  ['regexall("(.{0,500}){2}x", format("%099999d", 1))', 'takes too long'],
  ['regexall("(x{1000}){1000}", "x")', 'invalid repeat count'],
  ['regexall(replace(format("%2000s", ""), " ", "("), "x")', 'nests too deeply'],
  ['jsonencode(1/0)', 'infinite'],
  ['csvdecode(format("%099999d\\n\\"", 1))', 'CSV parse error on line 2'],
];

describe('what would never end', () => {
  test.each(BOMBS)('%s', (expression, says) => {
    expect(failureOf(expression)?.diagnostics[0].message).toContain(says);
  });

  test.each([
    ['(a+)+$', 'a'],
    ['(a|aa)+$', 'a'],
    ['(.*)*x', '='],
    ['([a-zA-Z]+)*$', 'a'],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'],
  ])('the pattern %s does not go through all ways to match', (pattern, letter) => {
    const source = `regexall(${JSON.stringify(pattern)}, "${letter.repeat(20_000)}!")`;
    expect(() => withBudget(source.length, () => valueOf(source))).not.toThrow();
  });

  test('a constraint of many blanks is read in linear time', () => {
    const blanks = ' '.repeat(200);
    const source = `semvercmp("1.0.0", "${`1${blanks}`.repeat(50)}!")`;
    expect(failureOf(source)?.diagnostics[0].message).toContain('improper constraint');
  });

  test('numbers that grow without end become infinite, or zero', () => {
    const squared = (times: number): string =>
      times === 0 ? '1e9000' : `[for x in [${squared(times - 1)}] : x * x][0]`;
    expect(valueOf(squared(12))).toMatchObject({ value: { infinite: 1 } });
    expect(valueOf(`1 / ${squared(12)}`)).toMatchObject({ value: { mantissa: 0n } });
    expect(valueOf('pow(10, 1e9)')).toMatchObject({ value: { infinite: 1 } });
    expect(valueOf('pow(10, -1e9)')).toMatchObject({ value: { mantissa: 0n } });
  });
});
