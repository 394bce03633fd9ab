import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { depot } from '../../rig/depot.ts';
import { tempFolder } from '../../rig/folder.ts';

test.each([
  ['compose', 'build', '--print', '--debug'],
  ['compose', '--debug', 'build', '--print'],
  ['compose', '-D', 'build', '--print'],
  ['--debug', 'compose', 'build', '--print'],
  ['bake', '--print', '--debug'],
])('depot %s %s %s %s', async (...args) => {
  await using folder = await tempFolder('debug');
  await writeFile(path.join(folder.path, 'compose.yaml'), 'services: { web: { build: . } }\n');
  const run = await depot([...args], { cwd: folder.path });
  expect(run.stderr).toBe('');
  expect(JSON.parse(run.stdout)).toHaveProperty('target.web');
});
