import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { depot } from '../../rig/depot.ts';
import { tempFolder } from '../../rig/folder.ts';

const HOSTILE = `
target "default" {
  entitlements = ["device=\\u001b[1A\\u001b[2Kharmless\\n - Nothing at all", "device=\\u009b2K\\u202eesrever"]
  contexts = { x = "/nowhere/\\u001b[2Kx" }
}
`;

test('what a definition asks for cannot rewrite the question on the terminal', async () => {
  await using folder = await tempFolder('hostile');
  await writeFile(path.join(folder.path, 'docker-bake.hcl'), HOSTILE);
  const run = await depot(['bake'], { cwd: folder.path });
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toMatch(/additional privileges requested\n$/);
  expect(run.stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
  expect(run.stderr.split('\n').filter((line) => line.startsWith(' - '))).toEqual([
    String.raw` - Using device=\x1b[1A\x1b[2Kharmless\x0a - Nothing at all`,
    String.raw` - Using device=\x9b2K\u202eesrever`,
    String.raw` - Read access to path /nowhere/\x1b[2Kx`,
  ]);
});
