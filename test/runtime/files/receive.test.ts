import { randomBytes } from 'node:crypto';
import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Packet } from '../../../proto/gen/fsutil/wire_pb.ts';
import { PacketSchema, PacketType, StatSchema } from '../../../proto/gen/fsutil/wire_pb.ts';
import { receiveTree } from '../../../runtime/files/receive.ts';
import { sendTree } from '../../../runtime/files/send.ts';
import type { PacketStream } from '../../../runtime/files/send.ts';
import { GoMode } from '../../../runtime/files/stat.ts';
import type { TempFolder } from '../../rig/folder.ts';
import { tempFolder } from '../../rig/folder.ts';
import { differentTimes, listing } from '../../rig/listing.ts';
import { tree } from '../../rig/tree.ts';

const { dir, symlink: link_, namedPipe, device, charDevice, socket, setuid } = GoMode;

/** An entry as a sender names it. */
interface Item {
  readonly path: string;
  readonly mode?: number;
  readonly to?: string;
  readonly content?: string;
  readonly size?: number;
  readonly time?: bigint;
}

/** A queue of messages with an end. */
class Pipe<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  #wake = Promise.withResolvers<void>();
  #ended = false;

  push(item: T): void {
    this.#waiting.push(item);
    this.#wake.resolve();
  }

  end(): void {
    this.#ended = true;
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      for (let item = this.#waiting.shift(); item !== undefined; item = this.#waiting.shift()) yield item;
      if (this.#ended) return;
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
    }
  }
}

/** A daemon's side that says what it likes; answers what it is asked for unless told otherwise. */
class Sender {
  readonly asked: string[] = [];
  readonly told: string[] = [];
  readonly #out = new Pipe<Uint8Array>();
  readonly #gone = new AbortController();
  readonly #items: readonly Item[];
  readonly #answers: boolean;

  constructor(items: readonly Item[], { answers = true }: { readonly answers?: boolean } = {}) {
    this.#items = items;
    this.#answers = answers;
  }

  get stream(): PacketStream {
    return {
      messages: this.#out,
      signal: this.#gone.signal,
      send: async (...parts) => this.#hear(fromBinary(PacketSchema, Buffer.concat(parts))),
    };
  }

  say(packet: Partial<Pick<Packet, 'type' | 'ID' | 'data' | 'stat'>>): void {
    this.#out.push(toBinary(PacketSchema, create(PacketSchema, packet)));
  }

  list(): this {
    for (const { path, mode = 0o644, to = '', content = '', size = Buffer.byteLength(content), time = 0n } of this
      .#items) {
      const stat_ = create(StatSchema, {
        path: Buffer.from(path),
        mode,
        linkname: Buffer.from(to),
        size: BigInt(size),
        modTime: time,
        uid: 4711,
        gid: 4711,
      });
      this.say({ type: PacketType.PACKET_STAT, stat: stat_ });
    }
    this.say({ type: PacketType.PACKET_STAT });
    return this;
  }

  leave(): void {
    this.#gone.abort(new Error('gone'));
    this.#out.end();
  }

  #hear({ type, ID, data }: Packet): void {
    if (type === PacketType.PACKET_ERR) {
      this.told.push(Buffer.from(data).toString());
      this.#out.end();
    }
    if (type === PacketType.PACKET_FIN) this.say({ type: PacketType.PACKET_FIN });
    const item = this.#items[ID];
    if (type !== PacketType.PACKET_REQ || item === undefined) return;
    this.asked.push(item.path);
    if (!this.#answers) return;
    for (const part of (item.content ?? '').match(/[^]{1,3}/g) ?? []) {
      this.say({ type: PacketType.PACKET_DATA, ID, data: Buffer.from(part) });
    }
    this.say({ type: PacketType.PACKET_DATA, ID });
  }
}

async function receives(
  folder: string,
  items: readonly Item[],
  options: { readonly deletes?: boolean } = {},
): Promise<Sender> {
  const sender = new Sender(items);
  const { stream } = sender;
  sender.list();
  await receiveTree({ folder, deletes: options.deletes ?? false }, stream).catch((error: Error) => {
    throw Object.assign(error, { told: sender.told });
  });
  return sender;
}

/** A folder to fill, and beside it what must stay as it is. */
async function place(): Promise<TempFolder & { readonly out: string; readonly secret: string }> {
  const folder = await tempFolder('receive');
  const [out, outside] = [join(folder.path, 'out'), join(folder.path, 'outside')];
  await mkdir(out);
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), 'secret');
  return { ...folder, out, secret: outside };
}

async function untouched(outside: string): Promise<void> {
  expect(await readdir(outside)).toEqual(['secret']);
  expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
}

describe('a tree', () => {
  test('arrives as it is, and a second time nothing is asked for that a clock has stamped', async () => {
    await using source = await tree({
      'a/b/c': 'c',
      'a-b': 'dash',
      empty: 'a folder',
      link: { link: 'a/b' },
      same: { hardLink: 'a/b/c' },
      ünï: 'ü',
    });
    await chmod(join(source.path, 'a-b'), 0o4711);
    await writeFile(join(source.path, 'large'), randomBytes(3_000_000));
    await using to = await place();
    const first = await between(source.path, to.out);
    const [sent, got] = [await listing(source.path), await listing(to.out)];
    expect(got.lines).toEqual(sent.lines);
    expect(differentTimes(got, sent)).toEqual([]);
    expect(first).toBe(4);
    expect(await between(source.path, to.out)).toBe(1);
    expect((await listing(to.out)).lines).toEqual(sent.lines);
  });

  test('that changed in one file is asked for that file; what was changed here is asked for again', async () => {
    await using to = await place();
    const time = 1_700_000_000_123_456_789n;
    const items = ['a', 'b', 'c'].map((path) => ({ path, content: `1 ${path}`, time }));
    await receives(to.out, items);
    await writeFile(join(to.out, 'c'), '2 c');
    const changed = items.map((item) =>
      item.path === 'b' ? { ...item, content: '2 b', time: time + 4_000_000n } : item,
    );
    const { asked } = await receives(to.out, changed);
    expect(asked).toEqual(['b', 'c']);
    expect(await readFile(join(to.out, 'b'), 'utf8')).toBe('2 b');
    expect(await readFile(join(to.out, 'c'), 'utf8')).toBe('1 c');
  });

  test('whose times some tool has set is asked for whole, since they say nothing of the content', async () => {
    await using to = await place();
    const item = { path: 'version', content: '1.0.1', time: 499_162_500_000_000_000n };
    await receives(to.out, [item]);
    const { asked } = await receives(to.out, [{ ...item, content: '1.0.2' }]);
    expect(asked).toEqual(['version']);
    expect(await readFile(join(to.out, 'version'), 'utf8')).toBe('1.0.2');
  });

  test('gets its modes also where the content is there already', async () => {
    await using to = await place();
    const item = { path: 'a', content: 'x', time: 1_700_000_000_123_456_789n };
    await receives(to.out, [item]);
    const { asked } = await receives(to.out, [{ ...item, mode: 0o755 + setuid }]);
    expect(asked).toEqual([]);
    expect((await stat(join(to.out, 'a'))).mode & 0o7777).toBe(0o4755);
  });

  test('belongs to the user, with its special modes and times before 1970', async () => {
    await using to = await place();
    await receives(to.out, [
      { path: 'dir', mode: dir + 0o555, time: 5_000_000_000n },
      { path: 'dir/file', mode: setuid + 0o755, content: 'x', time: -86_400_000_000_000n },
      { path: 'dir/pipe', mode: namedPipe + 0o620 },
    ]);
    const file = await stat(join(to.out, 'dir/file'));
    expect([file.mode & 0o7777, file.uid, file.mtimeMs]).toEqual([0o4755, process.getuid?.(), -86_400_000]);
    const pipe = await lstat(join(to.out, 'dir/pipe'));
    expect([pipe.isFIFO(), pipe.mode & 0o777]).toEqual([true, 0o620]);
    expect((await stat(join(to.out, 'dir'))).mtimeMs).toBe(5_000);
    expect((await stat(join(to.out, 'dir'))).mode & 0o777).toBe(0o555);
  });

  test('that replaces a name of a file with several leaves the others as they were', async () => {
    await using to = await place();
    await link(join(to.secret, 'secret'), join(to.out, 'a'));
    await receives(to.out, [{ path: 'a', content: 'new' }]);
    await untouched(to.secret);
    expect(await readFile(join(to.out, 'a'), 'utf8')).toBe('new');
  });

  test('with deletes is all that is there', async () => {
    await using to = await place();
    await mkdir(join(to.out, 'old/deep'), { recursive: true });
    await mkdir(join(to.out, 'kept'));
    await writeFile(join(to.out, 'kept/old'), '');
    await symlink(to.secret, join(to.out, 'kept/link'));
    await symlink(to.secret, join(to.out, 'link'));
    await receives(
      to.out,
      [
        { path: 'kept', mode: dir + 0o755 },
        { path: 'kept/new', content: 'x' },
      ],
      { deletes: true },
    );
    expect((await listing(to.out)).lines.map((line) => line.split(' ')[0])).toEqual(['kept', 'kept/new']);
    await untouched(to.secret);
  });

  test('of many small files never has more than a few on their way', async () => {
    await using to = await place();
    const items = Array.from({ length: 3000 }, (_, at) => ({
      path: `f${String(at).padStart(5, '0')}`,
      content: `${at}`,
    }));
    const { asked } = await receives(to.out, items);
    expect(asked.length).toBe(3000);
    expect(await readFile(join(to.out, 'f02999'), 'utf8')).toBe('2999');
  });
});

describe('a hostile sender', () => {
  const up: readonly (readonly [string, readonly Item[], RegExp])[] = [
    ['a parent', [{ path: '../x', content: 'x' }], /leads out of the folder/],
    [
      'a parent in between',
      [
        { path: 'a', mode: dir + 0o755 },
        { path: 'a/../../x', content: 'x' },
      ],
      /leads out/,
    ],
    ['the parent alone', [{ path: '..', mode: dir + 0o755 }], /leads out/],
    ['an absolute path', [{ path: '/tmp/x', content: 'x' }], /is absolute/],
    ['no name', [{ path: '' }], /is not clean/],
    ['a dot', [{ path: './x' }], /is not clean/],
    ['a slash at the end', [{ path: 'x/' }], /is not clean/],
    ['a NUL byte', [{ path: 'x\0y' }], /NUL/],
    ['a folder that was not sent', [{ path: 'a/x' }], /out of order/],
    [
      'a folder that is a link',
      [{ path: 'a', mode: link_ + 0o777, to: '../outside' }, { path: 'a/x' }],
      /out of order/,
    ],
    ['a name twice', [{ path: 'a' }, { path: 'a' }], /out of order/],
    ['names backwards', [{ path: 'b' }, { path: 'a' }], /out of order/],
    ['a link to what was not sent', [{ path: 'a', to: '../outside/secret' }], /link to an unknown path/],
    [
      'a link to a link',
      [
        { path: 'a', mode: link_ + 0o777, to: 'x' },
        { path: 'b', to: 'a' },
      ],
      /unknown path/,
    ],
    ['a socket', [{ path: 'a', mode: socket + 0o644 }], /neither a file nor anything else/],
    ['a file that ends too soon', [{ path: 'a', content: 'abc', size: 5 }], /ended after 3 of 5 bytes/],
    ['a tree without end', deep(400), /nested deeper/],
  ];

  test.each(up)('that sends %s is refused, and told so', async (_name, items, message) => {
    await using to = await place();
    const failed = await receives(to.out, items).then(
      () => undefined,
      (error: Error & { told: string[] }) => error,
    );
    expect(failed?.message).toMatch(message);
    expect(failed?.told).toEqual([failed?.message]);
    expect(await readdir(to.path)).toEqual(['out', 'outside']);
    await untouched(to.secret);
  });

  test.skipIf(process.getuid?.() === 0)('that sends a device node is told that only root may make it', async () => {
    await using to = await place();
    await expect(receives(to.out, [{ path: 'sda', mode: device + 0o666 }])).rejects.toThrow('only root may make');
  });

  test.runIf(process.getuid?.() === 0)(
    'that sends a device node gets it made by root, as from any builder',
    async () => {
      await using to = await place();
      await receives(to.out, [{ path: 'null', mode: device + charDevice + 0o640 }]);
      const made = await lstat(join(to.out, 'null'));
      expect([made.isCharacterDevice(), made.mode & 0o777]).toEqual([true, 0o640]);
    },
  );

  test('that sends bytes nobody asked for, or an answer twice, is refused', async () => {
    await using to = await place();
    for (const ID of [0, 7]) {
      const sender = new Sender([{ path: 'a', content: 'abc' }]);
      const { stream } = sender;
      if (ID === 7) sender.list();
      sender.say({ type: PacketType.PACKET_DATA, ID, data: Buffer.from('x') });
      await expect(receiveTree({ folder: to.out, deletes: false }, stream)).rejects.toThrow(
        `invalid file request ${ID}`,
      );
    }
  });

  test('that goes on after the end of its list, ends early, or plays the receiver is refused', async () => {
    await using to = await place();
    const said: readonly Partial<Pick<Packet, 'type' | 'stat'>>[] = [
      { type: PacketType.PACKET_STAT, stat: create(StatSchema, { path: Buffer.from('z') }) },
      { type: PacketType.PACKET_FIN },
      { type: PacketType.PACKET_REQ },
    ];
    for (const packet of said) {
      const sender = new Sender([{ path: 'a', content: 'abc' }], { answers: false });
      const { stream } = sender;
      sender.list().say(packet);
      await expect(receiveTree({ folder: to.out, deletes: false }, stream)).rejects.toThrow(/^the sender/);
    }
    expect(await readdir(to.out)).toEqual([]);
  });

  test('that goes away in the midst of a file leaves nothing of it', async () => {
    await using to = await place();
    await writeFile(join(to.out, 'a'), 'what was there');
    const sender = new Sender([{ path: 'a', content: 'abc' }], { answers: false });
    const { stream } = sender;
    sender.list();
    const received = receiveTree({ folder: to.out, deletes: true }, stream);
    await expect.poll(() => sender.asked).toEqual(['a']);
    sender.say({ type: PacketType.PACKET_DATA, ID: 0, data: Buffer.from('half') });
    await expect.poll(() => readdir(to.out)).toHaveLength(2);
    sender.leave();
    await expect(received).rejects.toThrow();
    expect(await readdir(to.out)).toEqual(['a']);
    expect(await readFile(join(to.out, 'a'), 'utf8')).toBe('what was there');
  });

  test('finds no way out where somebody puts a link in place of a folder between the list and the content', async () => {
    await using to = await place();
    const sender = new Sender(
      [
        { path: 'a', mode: dir + 0o755 },
        { path: 'a/x', content: 'abc' },
      ],
      { answers: false },
    );
    const { stream } = sender;
    sender.list();
    const received = receiveTree({ folder: to.out, deletes: true }, stream);
    received.catch(() => undefined);
    await expect.poll(() => sender.asked).toEqual(['a/x']);
    await rename(join(to.out, 'a'), join(to.path, 'moved'));
    await symlink('../outside', join(to.out, 'a'));
    sender.say({ type: PacketType.PACKET_DATA, ID: 1, data: Buffer.from('abc') });
    sender.say({ type: PacketType.PACKET_DATA, ID: 1 });
    await received.catch(() => undefined);
    await untouched(to.secret);
    expect(await readlink(join(to.out, 'a')).catch(() => undefined)).not.toBeUndefined();
  });

  test('never gets through a link that stands where a folder or a file goes', async () => {
    await using to = await place();
    await symlink('../outside', join(to.out, 'a'));
    await symlink('../outside/secret', join(to.out, 'b'));
    await symlink('../outside/secret', join(to.out, 'c'));
    await receives(to.out, [
      { path: 'a', mode: dir + 0o700 },
      { path: 'a/secret', content: 'evil' },
      { path: 'b', content: 'evil' },
      { path: 'c', to: 'b' },
    ]);
    await untouched(to.secret);
    expect(await readFile(join(to.out, 'c'), 'utf8')).toBe('evil');
    expect((await stat(join(to.secret, 'secret'))).mode & 0o777).toBe(0o644);
  });

  test('writes nothing outside, whatever it sends', async () => {
    const name = fc.constantFrom('a', 'b', '..', '.', '', 'a-b', '\0', 'outside', 'secret');
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
    const mode = fc.constantFrom(0o644, dir + 0o755, dir, link_ + 0o777, socket, 0);
    const item = fc.record({ path, mode, to: fc.oneof(fc.constant(''), path), content: fc.string({ maxLength: 5 }) });
    const inOrder = fc
      .array(item, { maxLength: 8 })
      .map((items) => items.sort((one, other) => (one.path < other.path ? -1 : 1)));
    await fc.assert(
      fc.asyncProperty(inOrder, fc.boolean(), async (items, deletes) => {
        await using to = await place();
        await symlink('../outside', join(to.out, 'b'));
        await receives(to.out, items, { deletes }).catch(() => undefined);
        expect(await readdir(to.path)).toEqual(['out', 'outside']);
        await untouched(to.secret);
      }),
      { numRuns: 200 },
    );
  });
});

describe('what cannot be written', () => {
  test('is named with its whole path and the cause', async () => {
    await using to = await place();
    const long = 'x'.repeat(300);
    await expect(receives(to.out, [{ path: long, content: 'x' }])).rejects.toThrow(
      `${to.out}/${long} cannot be written: name too long (ENAMETOOLONG)`,
    );
    await rm(to.out, { recursive: true });
    await writeFile(to.out, '');
    await expect(receives(to.out, [{ path: 'a' }])).rejects.toThrow(/EEXIST|ENOTDIR/);
  });

  test('a sender that fails is quoted', async () => {
    await using to = await place();
    const sender = new Sender([]);
    const { stream } = sender;
    sender.say({ type: PacketType.PACKET_ERR, data: Buffer.from('no such layer') });
    await expect(receiveTree({ folder: to.out, deletes: false }, stream)).rejects.toThrow(
      'error from sender: no such layer',
    );
    expect(sender.told).toEqual([]);
  });
});

function deep(levels: number): readonly Item[] {
  return Array.from({ length: levels }, (_, at) => ({
    path: Array(at + 1)
      .fill('d')
      .join('/'),
    mode: dir + 0o755,
  }));
}

/** Our sender and our receiver, joined; how many files were asked for. */
async function between(from: string, to: string): Promise<number> {
  const [down, up] = [new Pipe<Uint8Array>(), new Pipe<Uint8Array>()];
  const { signal } = new AbortController();
  let asked = 0;
  const send = (pipe: Pipe<Uint8Array>) => {
    return async (...parts: readonly Uint8Array[]): Promise<void> => {
      const message = Buffer.concat(parts);
      if (fromBinary(PacketSchema, message).type === PacketType.PACKET_REQ) asked++;
      pipe.push(message);
    };
  };
  const lend = (pipe: Pipe<Uint8Array>) => {
    return async (parts: readonly Uint8Array[], returned: () => void): Promise<void> => {
      pipe.push(Buffer.concat(parts));
      returned();
    };
  };
  await Promise.all([
    sendTree(
      { root: from, include: [], exclude: [], follow: [] },
      { send: send(down), lend: lend(down), messages: up, signal },
    ),
    receiveTree({ folder: to, deletes: false }, { send: send(up), messages: down, signal }),
  ]);
  return asked;
}
