import { fromBinary } from '@bufbuild/protobuf';
import { link, lstat, mkdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PacketSchema, PacketType } from '../../../proto/gen/fsutil/wire_pb.ts';
import { dataHead, endOfListPacket, entryPacket } from '../../../runtime/files/packet.ts';
import { walk } from '../../../runtime/files/walk.ts';
import { tempFolder } from '../../rig/folder.ts';

test('an entry is a message that protobuf reads, with all that lstat says', async () => {
  await using folder = await tempFolder('packet');
  const at = (name: string): string => join(folder.path, name);
  await writeFile(at('a'), 'text', { mode: 0o4755 });
  await link(at('a'), at('b'));
  await mkdir(at('folder'));
  await symlink('../größe', at('link'));
  await writeFile(at('large'), '');
  await truncate(at('large'), 5 * 1024 ** 4);
  await writeFile(at('old'), '');
  await utimes(at('old'), -1, -1);
  await writeFile(at('日本'), '');
  const found: string[] = [];
  for await (const entry of walk(folder.path, { descends: () => true })) {
    const linkname = entry.path === 'b' ? 'a' : undefined;
    const { type, stat } = fromBinary(PacketSchema, entryPacket(entry, linkname));
    const name = Buffer.from(stat?.path ?? []).toString();
    const stats = await lstat(at(name), { bigint: true });
    found.push(name);
    const isFolder = stats.isDirectory();
    const target = stats.isSymbolicLink() ? '../größe' : (linkname ?? '');
    expect({ type, ...stat }).toMatchObject({
      type: PacketType.PACKET_STAT,
      mode: entry.mode,
      size: isFolder || linkname !== undefined ? 0n : stats.size,
      modTime: stats.mtimeNs,
      devmajor: 0n,
      devminor: 0n,
    });
    expect(Buffer.from(stat?.linkname ?? []).toString()).toBe(target);
  }
  expect(found).toEqual(['a', 'b', 'folder', 'large', 'link', 'old', '日本']);
});

test.each([0, 127, 128, 16_384, 2 ** 31])('the head of %i bytes of data', (bytes) => {
  const head = dataHead(bytes, 3);
  const packet = fromBinary(PacketSchema, Buffer.concat([head, Buffer.from('abc')]));
  expect(packet).toMatchObject({ type: PacketType.PACKET_DATA, ID: bytes });
  expect(Buffer.from(packet.data).toString()).toBe('abc');
});

test('the end of a list names nothing', () => {
  expect(fromBinary(PacketSchema, endOfListPacket()).stat).toBeUndefined();
});
