import { link, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import type { Stat } from '../../../proto/gen/fsutil/wire_pb.ts';
import { StatSchema } from '../../../proto/gen/fsutil/wire_pb.ts';
import { FolderWriter } from '../../../runtime/files/folder-writer.ts';
import { tempFolder } from '../../rig/folder.ts';

function entry(path: string, linkname = ''): Stat {
  return create(StatSchema, { path: Buffer.from(path), linkname: Buffer.from(linkname), mode: 0o644 });
}

test('leaves nothing of its own where another build has made the same link', async () => {
  await using folder = await tempFolder('out');
  using writer = new FolderWriter(folder.path, { deletes: false });
  await writer.add(entry('a'), 0);
  await writer.add(entry('b', 'a'), 1);
  writer.end(0);
  await link(join(folder.path, 'a'), join(folder.path, 'b'));
  writer.finish();
  expect((await readdir(folder.path)).sort()).toEqual(['a', 'b']);
});
