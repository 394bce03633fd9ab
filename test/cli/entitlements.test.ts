import { expect, test } from 'vitest';
import { missingEntitlements } from '../../cli/entitlements.ts';
import type { Target } from '../../planner/target.ts';
import { target } from '../rig/target.ts';

function flags(says: Partial<Target>, filesCount = true): readonly string[] {
  const plan = { groups: [], targets: [target('app', says)], requested: ['app'] };
  const variables = new Map([['/set', 'x']]);
  return missingEntitlements(plan, { allow: [], cwd: '/a/b/c', filesCount, variables }).map(({ flag }) => flag);
}

test.each<readonly [string, Target['secrets'][number], readonly string[]]>([
  ['the file it names', { id: 'key', src: '/root/key' }, ['--allow=fs.read=/root/key']],
  ['the file it is called like', { id: '/root/key' }, ['--allow=fs.read=/root/key']],
  ['the variable it is called like', { id: '/set' }, []],
  ['the variable it names', { id: '/root/key', env: 'KEY' }, []],
])('a secret that is read from %s', (_name, secret, expected) => {
  expect(flags({ secrets: [secret] })).toEqual(expected);
});

test('an ssh agent is asked for where files need no permission as well', () => {
  expect(flags({ ssh: [{ id: 'default', paths: [] }], context: '/elsewhere' }, false)).toEqual(['--allow=ssh']);
});

test.each<readonly [string, readonly string[]]>([
  ['oci-layout:///elsewhere/layout:tag', ['--allow=fs.read=/elsewhere/layout']],
  [`oci-layout:///elsewhere/layout@sha256:${'a'.repeat(64)}`, ['--allow=fs.read=/elsewhere/layout']],
  ['oci-layout://inside', []],
])('a context %s reads a folder', (context, expected) => {
  expect(flags({ contexts: { base: context } })).toEqual(expected);
});

test.each<readonly [string, readonly string[]]>([
  ['out', []],
  ['.', ['--allow=buildx.local.delete']],
  ['..', ['--allow=buildx.local.delete']],
  ['/elsewhere', ['--allow=buildx.local.delete']],
])('an output that empties %s first', (dest, expected) => {
  expect(flags({ outputs: [{ type: 'local', attrs: { dest, mode: 'delete' } }] }, false)).toEqual(expected);
  expect(flags({ outputs: [{ type: 'local', attrs: { dest } }] }, false)).toEqual([]);
});
