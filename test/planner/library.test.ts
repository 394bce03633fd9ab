import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { tempFolder } from '../rig/folder.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

/** The example of planner/README.md, run as a program of its own. */
async function example(definition: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const readme = await readFile(join(ROOT, 'planner/README.md'), 'utf8');
  const code = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const library = JSON.stringify(join(ROOT, 'planner/library.ts'));
  await using folder = await tempFolder('library');
  await writeFile(join(folder.path, 'docker-bake.hcl'), definition);
  await writeFile(join(folder.path, 'example.mjs'), code.replace("'depot/planner'", library));
  return await run(process.execPath, ['example.mjs'], { cwd: folder.path });
}

test('the example of the planner plans', async () => {
  const { stdout } = await example('variable "TAG" {}\ntarget "web" {\n  tags = ["web:${TAG}"]\n}\n');
  expect(JSON.parse(stdout).target.web).toMatchObject({ args: { DEBUG: '1' }, tags: ['web:1.2.3'] });
});

test('the example of the planner tells what is wrong, and where', async () => {
  const { stderr } = await example('target "web" {\n  tags = ["web:${TAGG}"]\n}\nvariable "TAG" {}\n');
  expect(stderr).toBe('docker-bake.hcl:2:18 There is no variable named "TAGG" (did you mean "TAG"?)\n');
});
