import { describe, expect, test } from 'vitest';
import { ComposeError } from '../../../planner/compose/error.ts';
import type { Node } from '../../../planner/compose/node.ts';
import { child } from '../../../planner/compose/node.ts';
import { plainScalar, scalarText } from '../../../planner/compose/scalar.ts';
import { readYaml } from '../../../planner/compose/yaml.ts';
import { positionAt } from '../../../planner/source.ts';
import { spentMs } from '../spent.ts';

function plain(node: Node): unknown {
  if (node.is === 'list') return node.items.map(plain);
  if (node.is === 'map') return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]));
  return node.value;
}

function read(text: string): unknown {
  return readYaml({ name: 'compose.yaml', text }).map(plain);
}

function refused(text: string): readonly string[] {
  try {
    readYaml({ name: 'compose.yaml', text });
  } catch (error) {
    if (!(error instanceof ComposeError)) throw error;
    return error.diagnostics.map(({ message, span }) => {
      const { line, column } = positionAt(text, span?.start ?? 0);
      return `${line}:${column} ${message}`;
    });
  }
  return [];
}

describe('a plain scalar', () => {
  test.each<[string, unknown, string]>([
    ['true', true, 'true'],
    ['yes', 'yes', 'yes'],
    ['~', null, ''],
    ['nUll', 'nUll', 'nUll'],
    ['0777', 511n, '511'],
    ['089', { float: 89 }, '89'],
    ['0x1F', 31n, '31'],
    ['-0b11', -3n, '-3'],
    ['1_000', 1000n, '1000'],
    ['18446744073709551615', 18446744073709551615n, '18446744073709551615'],
    ['18446744073709551616', { float: 18446744073709551616 }, '1.8446744073709552e+19'],
    ['1.10', { float: 1.1 }, '1.1'],
    ['1000000.0', { float: 1000000 }, '1e+06'],
    ['0.00001', { float: 0.00001 }, '1e-05'],
    ['1e400', '1e400', '1e400'],
    ['1:30', '1:30', '1:30'],
    ['.inf', { float: Infinity }, '+Inf'],
    ['2001-1-2', { timestamp: '2001-1-2' }, '2001-01-02 00:00:00 +0000 UTC'],
    ['2001-13-01', '2001-13-01', '2001-13-01'],
    ['1.2.3', '1.2.3', '1.2.3'],
    ['-', '-', '-'],
  ])('%s', (text, value, shown) => {
    expect(plainScalar(text)).toEqual(value);
    expect(scalarText(plainScalar(text))).toBe(shown);
  });
});

describe('a file', () => {
  test('anchors hold over documents, merge keys give way to keys that are written', () => {
    expect(read('a: &a {x: 1, y: 1}\n---\nb: {<<: [*a, {z: 3}], y: "2"}\n')).toEqual([
      { a: { x: 1n, y: 1n } },
      { b: { y: '2', x: 1n, z: 3n } },
    ]);
  });

  test('tags of YAML that mean nothing to Compose leave values as they are', () => {
    expect(read('a: !!pairs [b: c]\nd: !!omap [e: f]\ng: !!set {h}\ni: !!timestamp "2001-02-03"\n')).toEqual([
      { a: [{ b: 'c' }], d: [{ e: 'f' }], g: { h: null }, i: '2001-02-03' },
    ]);
    expect(read('a: !!binary "YQ=="\nb: !!binary |\n  Y\n  Q==\n')).toEqual([{ a: 'a', b: 'a' }]);
  });

  test('collections and quoted texts may hang out to the left of their parent', () => {
    const text =
      'services:\n    a:\n        build: {\n  "context": "x",\n"args": {A: "1\n 2"}\n  }\n    b: {image: "two\nlines"}\n';
    expect(read(text)).toEqual([
      { services: { a: { build: { context: 'x', args: { A: '1 2' } } }, b: { image: 'two lines' } } },
    ]);
    const [root] = readYaml({ name: 'compose.yaml', text });
    const context = child(child(child(child(root, 'services'), 'a'), 'build'), 'context');
    expect(positionAt(text, context?.span.start ?? 0)).toEqual({ line: 4, column: 14 });
    const image = child(child(child(root, 'services'), 'b'), 'image');
    expect(text.slice(image?.span.start, image?.span.end)).toBe('"two\nlines"');
  });

  test.each([
    [
      'a: 1\nb: 2\na: 3\nb: 4',
      ['3:1 mapping key "a" already defined at line 1', '4:1 mapping key "b" already defined at line 2'],
    ],
    ['a:\n  1: x', ['2:3 non-string key in a: 1']],
    ['a: *b', ["1:4 yaml: unknown anchor 'b' referenced"]],
    ['a: &a\n  b: *a', ['2:6 cycle detected: node at path a.b references node at path a']],
    ['a: !!int x', ['1:10 yaml: cannot decode !!str `x` as a !!int']],
    ['a: !!binary a', ['1:13 yaml: !!binary value contains invalid base64 data']],
    ['a: !!binary a', ['1:13 yaml: !!binary value contains invalid base64 data']],
    ['a: "x\\/y"', ['1:6 yaml: found unknown escape character']],
    ['%YAML 1.2\n---\na: 1', ['1:1 yaml: found incompatible YAML document']],
    [`a: ${'['.repeat(1000)}`, ['1:204 this is nested too deeply']],
  ])('%j is refused where it is wrong', (text, expected) => {
    expect(refused(text)).toEqual(expected);
  });

  test('no more than 100 keys that stand twice are told, and soon', () => {
    const text = `a: 0\n${Array.from({ length: 20_000 }, (_, at) => `k${at % 10_000}: 1\n`).join('')}`;
    expect(spentMs(() => expect(refused(text)).toHaveLength(100))).toBeLessThan(4000);
  });

  test('aliases of aliases do not multiply without end', () => {
    const rows = Array.from(
      { length: 12 },
      (_, at) => `x${at + 1}: &a${at + 1} [${Array(10).fill(`*a${at}`).join(', ')}]`,
    );
    expect(refused(`x0: &a0 [1]\n${rows.join('\n')}\n`)[0]).toMatch(
      /aliases make this file grow to more than \d+ values$/,
    );
  });

  test('and a file that is large by itself is not called one', () => {
    expect(refused(`x: [${Array(200_001).fill('1').join(',')}]\n`)[0]).toMatch(
      / this file has more than 200000 values$/,
    );
  });
});

test.each(['\u0000', '\u0007', '\u001b', '\u007f', '\u0080', '\ufffe'])(
  'the control character %j is refused',
  (character) => {
    expect(refused(`a: 1\nb: "x${character}y"\n`)).toEqual(['2:6 yaml: control characters are not allowed']);
    expect(refused(`a: 1\n# x${character}\n`)).toEqual(['2:4 yaml: control characters are not allowed']);
  },
);
