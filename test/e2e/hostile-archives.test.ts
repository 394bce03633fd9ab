import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine } from '../rig/engine.ts';
import { tar } from '../rig/tar.ts';
import { tree } from '../rig/tree.ts';

let engine: TestEngine;

beforeAll(async () => {
  engine = await sharedEngine();
});

/** What an archive holds that tries to reach `outside`, beside the output; and what is then told, where it is refused. */
const WAYS: readonly (readonly [string, (folder: string) => Parameters<typeof tar>[0], RegExp | undefined])[] = [
  ['a name with parents in front', () => ({ '../outside/x': 'x' }), /invalid entry name "..\/outside\/x"/],
  [
    'a name with parents in between',
    () => ({ 'a/../../outside/x': 'x' }),
    /invalid entry name "a\/..\/..\/outside\/x"/,
  ],
  ['an absolute name', (folder) => ({ [`${folder}/outside/x`]: 'x' }), undefined],
  ['a link to a folder', (folder) => ({ link: { link: `${folder}/outside` }, 'link/x': 'x' }), undefined],
  ['a relative link to a folder', () => ({ link: { link: '../outside' }, 'link/x': 'x' }), /path escapes from parent/],
  ['a link to a file', (folder) => ({ file: { link: `${folder}/outside/secret` } }), undefined],
];

describe('an archive that tries to leave the output folder', { timeout: 60_000 }, () => {
  test.each(WAYS)('does not by %s', async (_way, entries, refused) => {
    await using folder = await tree({
      Dockerfile: 'FROM scratch\nADD hostile.tar /\nCOPY after /file\n',
      after: 'written through a link',
      'outside/secret': 'untouched',
    });
    const archive = tar({ inside: 'stays', ...entries(folder.path) });
    await writeFile(join(folder.path, 'hostile.tar'), archive);
    const stdin = tar({ Dockerfile: 'FROM scratch\nCOPY . /\n' }).subarray(0, 1024);
    for (const [context, input] of [
      ['.', undefined],
      // Over what the first has left.
      ['.', undefined],
      ['-', Buffer.concat([stdin, archive])],
    ] as const) {
      const run = await depot(['build', '-o', 'out', context], {
        cwd: folder.path,
        env: { DOCKER_HOST: engine.dockerHost },
        ...(input === undefined ? {} : { input }),
      });
      if (refused === undefined) {
        expect(run.exitCode, run.stderr).toBe(0);
        expect(await readFile(join(folder.path, 'out', 'inside'), 'utf8')).toBe('stays');
      } else {
        expect(run.exitCode).toBe(1);
        expect(run.stderr.trimEnd().split('\n').at(-1)).toMatch(refused);
      }
      expect(await readdir(join(folder.path, 'outside'))).toEqual(['secret']);
      expect(await readFile(join(folder.path, 'outside', 'secret'), 'utf8')).toBe('untouched');
    }
  });
});
