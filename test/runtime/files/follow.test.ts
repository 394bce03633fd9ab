import { expect, test } from 'vitest';
import { followPaths, withoutCovered } from '../../../runtime/files/follow.ts';
import { tree } from '../../rig/tree.ts';

const TREE = {
  'app/current': { link: 'releases/2' },
  'app/releases/2/main': 'm',
  'app/releases/1/main': 'm',
  abs: { link: '/app/releases/1' },
  out: { link: '../../../../etc/passwd' },
  'loop-a': { link: 'loop-b' },
  'loop-b': { link: 'loop-a' },
  self: { link: '.' },
  dangling: { link: 'app/nowhere' },
  'conf/a.ini': 'a',
  'conf/b.ini': { link: '../app/releases/1/main' },
  'conf/c.txt': 'c',
} as const;

test.each<[string, readonly string[], readonly string[] | undefined]>([
  ['a plain path is itself', ['conf/a.ini'], ['conf/a.ini']],
  ['a path that is not there is itself', ['none/at/all'], ['none/at/all']],
  ['a link on the way brings what it points to', ['app/current/main'], ['app/current', 'app/releases/2/main']],
  ['a link at the end brings what it points to', ['app/current'], ['app/current', 'app/releases/2']],
  ['an absolute link starts at the root of the context', ['abs/main'], ['abs', 'app/releases/1/main']],
  ['a link that leads out stays inside', ['out'], ['etc/passwd', 'out']],
  ['dots that lead out stay inside', ['../../conf/a.ini'], ['conf/a.ini']],
  ['links in a circle end', ['loop-a'], ['loop-a', 'loop-b']],
  ['a link to nothing is kept, and what it names', ['dangling'], ['app/nowhere', 'dangling']],
  ['wildcards are looked up', ['conf/*.ini'], ['app/releases/1/main', 'conf/a.ini', 'conf/b.ini']],
  ['what lies below another path is covered by it', ['conf', 'conf/a.ini'], ['conf']],
  ['the root is everything', ['.'], undefined],
  ['a link to the root is everything', ['self'], undefined],
])('%s', async (_, wanted, expected) => {
  await using folder = await tree(TREE);
  expect(followPaths(folder.path, wanted)).toEqual(expected);
});

test('only whole names cover', () => {
  expect(withoutCovered(['a', 'a/b', 'ab', 'ab/c', 'b'])).toEqual(['a', 'ab', 'b']);
});
