import { realpathSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gitAttrs, gitInfos, gitSettings } from '../../../runtime/build/git-info.ts';
import type { TempFolder } from '../../rig/folder.ts';
import { tempFolder } from '../../rig/folder.ts';
import type { Git } from '../../rig/git.ts';
import { debianGit } from '../../rig/git.ts';

let folder: TempFolder;
let git: Git;
const path = process.env['PATH'];

beforeAll(async () => {
  folder = await tempFolder('git-info');
  git = await debianGit(folder.path);
  process.env['PATH'] = `${join(folder.path, 'git-programs')}:${path ?? ''}`;
});

afterAll(async () => {
  process.env['PATH'] = path;
  await folder[Symbol.asyncDispose]();
});

test('a password in the address of the repository, whatever is in it, is in no provenance and no label', async () => {
  const repository = await git.repository({ Dockerfile: 'FROM scratch\n' });
  await git.run(repository, ['remote', 'add', 'origin', 'https://ada:sec@ret@git.example.invalid/app.git']);
  const options = { checkDirty: false, signal: AbortSignal.timeout(10_000) };
  const info = (await gitInfos([repository], options)).get(repository);
  if (info === undefined) throw new Error('there is no git');
  const settings = gitSettings(new Map([['BUILDX_GIT_LABELS', '1']]));
  const attrs = await gitAttrs(info, { settings, dockerfile: join(repository, 'Dockerfile'), dirs: new Map() });
  expect(attrs).toMatchObject({
    'vcs:source': 'https://xxxxx:xxxxx@git.example.invalid/app.git',
    'label:org.opencontainers.image.source': 'https://xxxxx:xxxxx@git.example.invalid/app.git',
  });
  expect(JSON.stringify(attrs)).not.toMatch(/sec|ret@/);
});

test('a repository is asked about once for all folders in it, one inside of it by itself, and folders in none not at all', async () => {
  const files = { 'a/Dockerfile': 'FROM scratch\n', 'b/c/Dockerfile': 'FROM scratch\n' };
  const [outer, other] = [await git.repository(files), await git.repository(files)];
  await git.run(outer, ['remote', 'add', 'fork', 'https://git.example.invalid/fork.git']);
  await git.run(outer, ['config', 'branch.main.remote', 'fork']);
  await git.run(outer, ['config', 'branch.main.merge', 'refs/heads/main']);
  await cp(other, join(outer, 'inner'), { recursive: true });
  await using none = await tempFolder('none');
  await using log = await tempFolder('log');
  await writeFile(
    join(log.path, 'git'),
    `#!/bin/sh\necho "$PWD $1" >> ${log.path}/asked\nPATH=\${PATH#*:} exec git "$@"\n`,
    { mode: 0o755 },
  );
  process.env['PATH'] = `${log.path}:${process.env['PATH'] ?? ''}`;
  const folders = [outer, join(outer, 'a'), join(outer, 'b/c'), join(outer, 'inner/a'), none.path];
  const infos = await gitInfos(folders, { checkDirty: false, signal: AbortSignal.timeout(10_000) });
  process.env['PATH'] = process.env['PATH'].slice(log.path.length + 1);
  expect(folders.map((one) => infos.get(one)?.root)).toEqual([
    ...[outer, outer, outer, join(outer, 'inner')].map((one) => realpathSync(one)),
    undefined,
  ]);
  expect(infos.get(join(outer, 'a'))?.remote).toBe('https://git.example.invalid/fork.git');
  const asked = (await readFile(join(log.path, 'asked'), 'utf8')).trim().split('\n');
  expect(asked.filter((line) => line.endsWith(' rev-parse'))).toHaveLength(2);
});
