import { execFileSync } from 'node:child_process';
import { appendFile, chmod, mkdir, rm, symlink, truncate, writeFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import type { Packet } from '../../../proto/gen/fsutil/wire_pb.ts';
import { PacketSchema, PacketType } from '../../../proto/gen/fsutil/wire_pb.ts';
import { sendTree } from '../../../runtime/files/send.ts';
import { tree } from '../../rig/tree.ts';

const NOBODY = 65_534;
const LARGE = 'large '.repeat(20_000);

interface Sent {
  /** The content of every file that was asked for, as it arrived. */
  readonly contents: ReadonlyMap<string, string>;
  readonly notices: readonly string[];
  /** What the sender told the other side of its failure. */
  readonly told: string | undefined;
  readonly error: unknown;
}

/** Sends a folder to a receiver that is played: when it has the list, something happens, and then it asks for every file. */
async function sent(root: string, meanwhile: () => Promise<void>): Promise<Sent> {
  const names: string[] = [];
  const contents = new Map<string, string>();
  const listed = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const notices: string[] = [];
  let told: string | undefined;
  let open = 0;
  const onPacket = (packet: Packet): void => {
    if (packet.type === PacketType.PACKET_STAT && packet.stat === undefined) listed.resolve();
    else if (packet.type === PacketType.PACKET_STAT) {
      const { path = '', mode = 0 } = packet.stat ?? {};
      names.push((mode & 0x8000_0000) === 0 ? Buffer.from(path).toString('utf8') : '');
    } else if (packet.type === PacketType.PACKET_DATA) {
      const name = names[packet.ID] ?? '';
      contents.set(name, (contents.get(name) ?? '') + Buffer.from(packet.data).toString());
      if (packet.data.length === 0 && --open === 0) over.resolve();
    } else if (packet.type === PacketType.PACKET_ERR) {
      told = Buffer.from(packet.data).toString();
      over.resolve();
    }
  };
  const send = async (...parts: readonly Uint8Array[]): Promise<void> =>
    onPacket(fromBinary(PacketSchema, Buffer.concat(parts)));
  const packet = (type: PacketType, ID = 0): Uint8Array => toBinary(PacketSchema, create(PacketSchema, { type, ID }));
  async function* messages(): AsyncGenerator<Uint8Array, void, undefined> {
    await listed.promise;
    await meanwhile();
    const wanted = [...names.entries()].filter(([, name]) => name !== '');
    open = wanted.length;
    for (const [id] of wanted) yield packet(PacketType.PACKET_REQ, id);
    await over.promise;
    if (told === undefined) yield packet(PacketType.PACKET_FIN);
  }
  const request = { root, include: [], exclude: [], follow: [], notice: (words: string) => void notices.push(words) };
  const { signal } = new AbortController();
  const lend = async (parts: readonly Uint8Array[], returned: () => void): Promise<void> => {
    await send(...parts);
    returned();
  };
  const error: unknown = await sendTree(request, { send, lend, messages: messages(), signal }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { contents, notices, told, error };
}

describe('a file that between its listing and its sending', () => {
  test('stays as it is, is sent so and not talked of', async () => {
    await using folder = await tree({ a: 'one', large: LARGE, empty: '', 'folder/b': 'two' });
    const { contents, notices, error } = await sent(folder.path, async () => undefined);
    expect(error).toBeUndefined();
    expect([...contents]).toEqual([
      ['a', 'one'],
      ['empty', ''],
      ['folder/b', 'two'],
      ['large', LARGE],
    ]);
    expect(notices).toEqual([]);
  });

  test('has changed is sent whole as it is now, and named', async () => {
    await using folder = await tree({ grown: 'one', 'large-grown': LARGE, shorter: 'three', 'large-shorter': LARGE });
    const { contents, notices, error } = await sent(folder.path, async () => {
      await appendFile(join(folder.path, 'grown'), ' and more');
      await appendFile(join(folder.path, 'large-grown'), 'and more');
      await writeFile(join(folder.path, 'shorter'), 'two');
      await truncate(join(folder.path, 'large-shorter'), 6);
    });
    expect(error).toBeUndefined();
    expect(Object.fromEntries(contents)).toEqual({
      grown: 'one and more',
      'large-grown': `${LARGE}and more`,
      shorter: 'two',
      'large-shorter': 'large ',
    });
    expect(notices).toEqual([
      expect.stringMatching(/^WARNING: changed while the folder was sent: (?:[a-z-]*(?:grown|shorter)(?:, |$)){4}/),
    ]);
  });

  test('has vanished is empty, and named; of many, the first few are', async () => {
    await using folder = await tree(
      Object.fromEntries(
        ['stays', 'large', ...Array.from({ length: 8 }, (_, at) => `f${at}`)].map((name) => [name, LARGE]),
      ),
    );
    const { contents, notices, error } = await sent(folder.path, async () => {
      for (let at = 0; at < 8; at++) await rm(join(folder.path, `f${at}`));
    });
    expect(error).toBeUndefined();
    expect([contents.get('stays'), contents.get('f3')]).toEqual([LARGE, '']);
    expect(notices).toEqual(['WARNING: vanished while the folder was sent, now empty: f0, f1, f2, f3, f4 and 3 more']);
  });

  test.each<[string, (file: string) => Promise<void>, RegExp]>([
    [
      'a folder',
      async (file) => void (await mkdir(file)),
      /^a cannot be read: EISDIR: illegal operation on a directory, read$/,
    ],
    ['a link', async (file) => symlink('/etc/passwd', file), /^a became a symbolic link while the folder was sent$/],
  ])('has become %s ends the sending, and both sides are told why', async (_what, make, why) => {
    for (const content of ['small', LARGE]) {
      await using folder = await tree({ a: content });
      const { contents, told, error } = await sent(folder.path, async () => {
        await rm(join(folder.path, 'a'));
        await make(join(folder.path, 'a'));
      });
      expect(told).toMatch(why);
      expect(error).toMatchObject({ message: told });
      expect(contents.get('a') ?? '').toBe('');
    }
  });

  test('lies behind a folder that has become a link is not sent', async () => {
    for (const content of ['small', LARGE]) {
      await using outside = await tree({ a: 'secret', b: LARGE });
      await using folder = await tree({ 'd/a': content });
      const { contents, told, error } = await sent(folder.path, async () => {
        await rm(join(folder.path, 'd'), { recursive: true });
        await symlink(outside.path, join(folder.path, 'd'));
      });
      expect(told).toBe('d/a is outside of the folder now: one on the way to it became a symbolic link');
      expect(error).toMatchObject({ message: told });
      expect(contents.get('d/a') ?? '').toBe('');
    }
  });

  test('may lie behind a link to the folder, and be replaced', async () => {
    await using folder = await tree({ 'd/a': 'one' });
    const link = `${folder.path}.link`;
    await symlink(folder.path, link);
    const { contents, error } = await sent(link, async () => {
      await rename(join(folder.path, 'd'), join(folder.path, 'e'));
      await symlink('e', join(folder.path, 'd'));
    });
    await rm(link);
    expect(error).toBeUndefined();
    expect(contents.get('d/a')).toBe('one');
  });

  test('has become a pipe is not waited for', async () => {
    await using folder = await tree({ a: 'small' });
    const { contents, notices } = await sent(folder.path, async () => {
      await rm(join(folder.path, 'a'));
      execFileSync('mkfifo', [join(folder.path, 'a')]);
    });
    expect(contents.get('a')).toBe('');
    expect(notices).toEqual(['WARNING: changed while the folder was sent: a']);
  });

  test('may no longer be read ends the sending, and is named', async () => {
    await using folder = await tree({ a: 'secret' });
    await chmod(folder.path, 0o755);
    const own = process.geteuid?.() ?? NOBODY;
    try {
      const { contents, told } = await sent(folder.path, async () => {
        await chmod(join(folder.path, 'a'), 0);
        // For root, no file is unreadable.
        if (own === 0) process.seteuid?.(NOBODY);
      });
      expect(told).toBe(`EACCES: permission denied, open '${folder.path}/a'`);
      expect(contents.size).toBe(0);
    } finally {
      process.seteuid?.(own);
    }
  });
});
