import { describe, expect, test } from 'vitest';
import { BadPattern, cleanPath, PatternList } from '../../../runtime/files/patterns.ts';

function matches(patterns: readonly string[], path: string): boolean {
  return new PatternList(patterns).match(path, undefined).matched;
}

describe('one pattern', () => {
  test.each([
    ['a.md', 'a.md', true],
    ['a.md', 'docs/a.md', false],
    ['*.md', 'a.md', true],
    ['*.md', 'docs/a.md', false],
    ['*/a.md', 'docs/a.md', true],
    ['**/*.md', 'a.md', true],
    ['**/*.md', 'docs/deep/a.md', true],
    ['**/*.md', 'docs/a.mdx', false],
    ['**/docs', 'docs', true],
    ['**/docs', 'my-docs', false],
    ['**docs', 'my-docs', true],
    ['docs/**', 'docs/deep/a.md', true],
    ['docs/**', 'docs', false],
    ['docs/**/a.md', 'docs/a.md', true],
    ['docs/**/a.md', 'docs/x/y/a.md', true],
    ['docs', 'docs/deep/a.md', true],
    ['docs/', 'docs/a.md', true],
    ['./docs/../src', 'src/x', true],
    ['a?.txt', 'ab.txt', true],
    ['a?.txt', 'a/.txt', false],
    ['a?.txt', 'aé.txt', true],
    ['[a-c].txt', 'b.txt', true],
    ['[^a-c].txt', 'b.txt', false],
    ['[^a-c].txt', 'd.txt', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['a.b', 'axb', false],
    ['a+(b)|$', 'a+(b)|$', true],
    ['**', 'anything/at/all', true],
    ['*', '.hidden', true],
    ['name with space', 'name with space', true],
    ['größe/*', 'größe/x', true],
    ['  padded  ', 'padded', true],
  ])('%j on %j: %s', (pattern, path, expected) => {
    expect(matches([pattern], path)).toBe(expected);
  });
});

describe('a list of patterns', () => {
  test.each<[readonly string[], string, boolean]>([
    [['*', '!src'], 'src/a.ts', false],
    [['*', '!src'], 'docs/a.md', true],
    [['*', '!src', 'src/secret'], 'src/secret/key', true],
    [['!src', '*'], 'src/a.ts', true],
    [['**/*.md', '!README.md'], 'README.md', false],
    [['**/*.md', '!README.md'], 'docs/README.md', true],
    [['docs', '!docs/keep.md'], 'docs/keep.md', false],
    [['docs', '!docs/keep.md'], 'docs/drop.md', true],
    [['', '  '], 'a', false],
    [[], 'a', false],
  ])('%j on %j: %s', (patterns, path, expected) => {
    expect(matches(patterns, path)).toBe(expected);
  });

  test('asked with what the parent folder matched, it gives the same answer', () => {
    const list = new PatternList(['docs', '!docs/keep', 'docs/keep/drop.md']);
    const docs = list.match('docs', undefined);
    const keep = list.match('docs/keep', docs.own);
    expect([
      docs,
      keep,
      list.match('docs/keep/a.md', keep.own),
      list.match('docs/keep/drop.md', keep.own),
    ]).toMatchObject([{ matched: true }, { matched: false }, { matched: false }, { matched: true }]);
  });

  test.each(['!', '[', '[]', '[]a]', 'a\\', '[z-a]', '[a-', '[-a]'])('%j is refused with its own text', (pattern) => {
    expect(() => new PatternList([pattern])).toThrow(new BadPattern(pattern));
  });
});

test('a pattern made to take for ever is answered at once', () => {
  const started = performance.now();
  expect(matches([`${'*a'.repeat(30)}b`], 'a'.repeat(60))).toBe(false);
  expect(matches([`${'**/'.repeat(12)}x`], `${'d/'.repeat(40)}y`)).toBe(false);
  expect(performance.now() - started).toBeLessThan(1_000);
});

test('hundreds of patterns cost a walk little', () => {
  const list = new PatternList(
    Array.from({ length: 500 }, (_, index) => `**/part-*-${index}/*.${index % 2 === 0 ? 'log' : 'ts'}`),
  );
  const root = list.match('src', undefined).own;
  const started = performance.now();
  for (let index = 0; index < 1_000; index++) list.match(`src/components/part-${index}/module.ts`, root);
  expect(performance.now() - started).toBeLessThan(3_000);
});

test.each([
  ['', '.'],
  ['.', '.'],
  ['a//b/./c/', 'a/b/c'],
  ['a/../b', 'b'],
  ['../a', '../a'],
  ['/../a', '/a'],
  ['/', '/'],
])('%j is cleaned to %j', (path, expected) => {
  expect(cleanPath(path)).toBe(expected);
});
