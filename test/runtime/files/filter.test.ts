import { describe, expect, test } from 'vitest';
import { filteredWalk } from '../../../runtime/files/filter.ts';
import { readable } from '../../../runtime/files/walk.ts';
import { tree } from '../../rig/tree.ts';

const TREE = {
  'README.md': 'r',
  'docs-old/a.md': 'o',
  'docs/a.md': 'a',
  'docs/deep/b.md': 'b',
  'docs/deep/c.txt': 'c',
  empty: 'a folder',
  'src/main.ts': 'm',
  'src/secret/key': 'k',
  'src/lib/x.ts': 'x',
} as const;

async function walked(filter: {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}): Promise<string> {
  await using folder = await tree(TREE);
  const entries = await Array.fromAsync(filteredWalk(folder.path, { include: [], exclude: [], ...filter }));
  return entries.map(({ path }) => readable(path)).join(' ');
}

const EVERYTHING =
  'README.md docs docs/a.md docs/deep docs/deep/b.md docs/deep/c.txt docs-old docs-old/a.md empty src src/lib src/lib/x.ts src/main.ts src/secret src/secret/key';

describe('a filtered walk', () => {
  test('without patterns gives everything, a folder before what is in it', async () => {
    expect(await walked({})).toBe(EVERYTHING);
  });

  test.each<[string, { readonly include?: readonly string[]; readonly exclude?: readonly string[] }, string]>([
    ['takes a folder whole', { include: ['docs'] }, 'docs docs/a.md docs/deep docs/deep/b.md docs/deep/c.txt'],
    ['takes one file, with the folders above it', { include: ['docs/deep/b.md'] }, 'docs docs/deep docs/deep/b.md'],
    [
      'takes by wildcard',
      { include: ['**/*.md'] },
      'README.md docs docs/a.md docs/deep docs/deep/b.md docs-old docs-old/a.md',
    ],
    ['leaves out a folder', { exclude: ['docs', 'src'] }, 'README.md docs-old docs-old/a.md empty'],
    ['leaves out all but what is let in again', { exclude: ['*', '!src/lib'] }, 'src src/lib src/lib/x.ts'],
    [
      'lets in again below what it left out',
      { exclude: ['docs', '!docs/deep/c.txt'], include: ['docs'] },
      'docs docs/deep docs/deep/c.txt',
    ],
    [
      'leaves out of what it takes',
      { include: ['src'], exclude: ['src/secret'] },
      'src src/lib src/lib/x.ts src/main.ts',
    ],
    ['gives nothing where nothing matches', { include: ['none'] }, ''],
    ['gives nothing when all is left out', { exclude: ['**'] }, ''],
  ])('%s', async (_, filter, expected) => {
    expect(await walked(filter)).toBe(expected);
  });
});
