import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gitAttrs, gitInfo, gitSettings } from '../../../runtime/build/git-info.ts';
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
  const info = await gitInfo(repository, options);
  if (info === undefined) throw new Error('there is no git');
  const settings = gitSettings(new Map([['BUILDX_GIT_LABELS', '1']]));
  const attrs = await gitAttrs(info, { settings, dockerfile: join(repository, 'Dockerfile'), dirs: new Map() });
  expect(attrs).toMatchObject({
    'vcs:source': 'https://xxxxx:xxxxx@git.example.invalid/app.git',
    'label:org.opencontainers.image.source': 'https://xxxxx:xxxxx@git.example.invalid/app.git',
  });
  expect(JSON.stringify(attrs)).not.toMatch(/sec|ret@/);
});
