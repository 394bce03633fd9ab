import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, test } from 'vitest';
import { csvTable } from '../../../../planner/hcl/functions/csv.ts';
import { floatText } from '../../../../planner/hcl/functions/float-text.ts';
import { formatAddress, networkOf, parseNetwork } from '../../../../planner/hcl/functions/ip-address.ts';
import { jsonText } from '../../../../planner/hcl/functions/json-text.ts';
import { power } from '../../../../planner/hcl/functions/power.ts';
import { parseTimestamp, rfc3339 } from '../../../../planner/hcl/functions/timestamp.ts';
import { valueFromJson } from '../../../../planner/hcl/from-json.ts';
import { compare, formatNumber, fromDouble, parseNumber } from '../../../../planner/hcl/number.ts';
import { Matcher } from '../../../../planner/hcl/regexp/match.ts';
import { programOf } from '../../../../planner/hcl/regexp/program.ts';
import { PatternError } from '../../../../planner/hcl/regexp/syntax.ts';
import { valueOf } from './expression.ts';

/** Subnormal ones aside, which have fewer bits than our numbers keep. */
const doubles = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter((value) => value === 0 || Math.abs(value) >= 2 ** -1022);

describe('numbers', () => {
  test('what formatNumber writes reads back as the same number', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: -60, max: 60 }), (digits, exponent) => {
        const value = parseNumber(`${digits}e${exponent}`);
        if (value === undefined) throw new Error('no number');
        const again = parseNumber(formatNumber(value));
        expect(again === undefined ? undefined : compare(again, value)).toBe(0);
      }),
    );
  });

  test('the shortest form of a double is one that reads back as it, in no more digits than JavaScript needs', () => {
    fc.assert(
      fc.property(doubles, (value) => {
        const written = floatText(fromDouble(value), 'g');
        expect(Number(written)).toBe(value);
        const digits = (text: string): number =>
          text
            .replace(/e.*$/, '')
            .replace(/[-.]/g, '')
            .replace(/^0+|0+$/g, '').length;
        expect(digits(written)).toBeLessThanOrEqual(digits(String(value)));
      }),
    );
  });

  test('%e and %f of doubles are as C has them', () => {
    // Magnitudes for which toFixed shows all digits; ties, where JavaScript rounds up, are left out by their odd last bit.
    const plain = fc
      .double({ min: 1e-6, max: 1e15, noNaN: true })
      .filter((value) => value * 2 ** 20 !== Math.floor(value * 2 ** 20));
    fc.assert(
      fc.property(plain, fc.integer({ min: 0, max: 12 }), (value, places) => {
        const exponent = value.toExponential(places).replace(/e([+-])(\d)$/, 'e$10$2');
        expect(floatText(fromDouble(value), 'e', places)).toBe(exponent);
        expect(floatText(fromDouble(value), 'f', places)).toBe(value.toFixed(places));
      }),
    );
  });

  test('a power is next to what JavaScript computes', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
        fc.double({ min: -50, max: 50, noNaN: true }),
        (base, exponent) => {
          const expected = base ** exponent;
          expect(Math.abs(power(base, exponent) - expected) / expected).toBeLessThan(1e-13);
        },
      ),
    );
  });
});

describe('JSON', () => {
  test('what jsonencode writes is JSON with the same meaning, and jsondecode takes it back', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (json) => {
        const normal = JSON.stringify(json).normalize().toWellFormed();
        const value = valueFromJson(normal);
        if (!value.ok) throw new Error(value.failure);
        const written = jsonText(value.value);
        const again = valueFromJson(written);
        if (!again.ok) throw new Error(again.failure);
        expect(jsonText(again.value)).toBe(written);
        expect(written).not.toMatch(/[<>&\u2028\u2029]/);
        expect(valueOf(`jsonencode(jsondecode(${quoted(normal)}))`)).toEqual({ is: 'string', value: written });
      }),
    );
  });
});

/** A string as it is written in HCL. */
function quoted(text: string): string {
  return JSON.stringify(text)
    .replace(/[\u007f-\u009f\u2028\u2029]|\\[bf]|\\u00[01]./g, (one) => {
      const code = (JSON.parse(`"${one}"`) as string).charCodeAt(0);
      return `\\u${code.toString(16).padStart(4, '0')}`;
    })
    .replace(/([$%])\{/g, '$1$1{');
}

describe('CSV', () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'é', ',', '"', '\n', ' ', ';') }).map((one) => one.normalize());
  const table = fc
    .tuple(
      fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 2, maxLength: 4 }),
      fc.integer({ min: 0, max: 5 }),
    )
    .chain(([names, rows]) =>
      fc.tuple(
        fc.constant(names),
        fc.array(fc.array(field, { minLength: names.length, maxLength: names.length }), {
          minLength: rows,
          maxLength: rows,
        }),
      ),
    );

  test('a table written with quotes is read back field by field', () => {
    fc.assert(
      fc.property(table, fc.constantFrom('\n', '\r\n'), ([names, rows], newline) => {
        const text = [names, ...rows]
          .map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(','))
          .join(newline);
        const expected = rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at] ?? ''])));
        expect(JSON.parse(jsonText(csvTable(text)))).toEqual(expected);
      }),
    );
  });
});

describe('addresses and times', () => {
  test('an address reads back from its canonical text', () => {
    const size = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
    const sparse = fc.tuple(size, size, size).map(([a, b, c]) => a & b & c);
    fc.assert(
      fc.property(fc.oneof(size, sparse), fc.integer({ min: 0, max: 128 }), (value, length) => {
        fc.pre(value >> 32n !== 0xffffn);
        const network = networkOf(value, 128, length);
        fc.pre(network.address >> 32n !== 0xffffn);
        expect(parseNetwork(`${formatAddress(value, 128)}/${length}`)).toEqual(network);
        const ipv4 = networkOf(value & 0xffffffffn, 32, length % 33);
        expect(parseNetwork(`${formatAddress(ipv4.address, 32)}/${length % 33}`)).toEqual(ipv4);
      }),
    );
  });

  test('a time reads back from its text', () => {
    const date = fc.date({
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T00:00:00Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, (at) => {
        const text = `${at.toISOString().slice(0, 19)}Z`;
        expect(rfc3339(parseTimestamp(text))).toBe(text);
        expect(parseTimestamp(at.toISOString()).nanoseconds).toBe(BigInt(at.getTime()) * 1_000_000n);
      }),
    );
  });
});

/** What both engines are asked: the matches, each with its groups, or the mistake in the pattern. */
type Outcome = { readonly matches: unknown } | { readonly mistake: string };

function ours(pattern: string, text: string): Outcome {
  try {
    const program = programOf(pattern);
    const groups = Array.from({ length: program.groups.length + 1 }, (_, at) => at * 2);
    const matches = new Matcher(program, text)
      .findAll()
      .map((captures) => [
        captures[0],
        ...groups.map((at) => (captures[at] === undefined ? null : text.slice(captures[at], captures[at + 1]))),
      ]);
    return { matches };
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return { mistake: error.part === '' ? error.message : `${error.message}: \`${error.part}\`` };
  }
}

/** Go does not count an empty match right after another one, this engine does. */
function theirs(pattern: string, text: string): Outcome {
  try {
    const matcher = RE2JS.compile(pattern).matcher(text);
    const matches: unknown[] = [];
    let lastEnd = -1;
    while (matcher.find()) {
      const isAfterMatch = matcher.start() === lastEnd && matcher.end() === lastEnd;
      lastEnd = matcher.end();
      if (isAfterMatch) continue;
      const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, at) => matcher.group(at) ?? null);
      matches.push([matcher.start(), ...groups]);
    }
    return { matches };
  } catch (error) {
    return { mistake: String(error instanceof Error ? error.message : error).replace('error parsing regexp: ', '') };
  }
}

describe('regular expressions', () => {
  const pieces = [
    ...[
      'a',
      'b',
      'é',
      'k',
      '.',
      '-',
      '^',
      '$',
      '|',
      '*',
      '+',
      '?',
      '*?',
      '+?',
      '??',
      '{2}',
      '{0,2}',
      '{1,}',
      '{',
      '}',
      '\\',
    ],
    ...['(', '(?:', '(?P<n>', '(?<m>', '(?i)', '(?i:', '(?s).', '(?m)^', '(?m)$', '(?U)', '(?', ')', ')', ')'],
    ...[
      '[ab]',
      '[^a]',
      '[',
      '[[:alpha:]]',
      '[^\\d-]',
      '[a-c]',
      '\\d',
      '\\W',
      '\\s',
      '\\b',
      '\\B',
      '\\pL',
      '\\p{Greek}',
    ],
    ...['\\z', '\\A', '\\Q', '\\E', '\\x41', '\\x{e9}', '\\12', '\\8', '\\n'],
  ];
  const pattern = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 9 }).map((all) => all.join(''));
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', 'c', 'A', 'K', '\u212a', 'é', 'β', '1', ' ', '-', '\n', '😀'),
  });

  test('another engine of the same syntax finds the same matches, and the same mistakes', () => {
    fc.assert(
      fc.property(pattern, text, (source, whole) => {
        // Go lets groups share a name, this engine does not.
        fc.pre((source.match(/<n>/g)?.length ?? 0) < 2 && (source.match(/<m>/g)?.length ?? 0) < 2);
        expect(ours(source, whole)).toEqual(theirs(source, whole));
      }),
      { numRuns: 3000 },
    );
  });
});
