import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import {
  DeleteContentRequestSchema,
  InfoRequestSchema,
  InfoResponseSchema,
  ListContentRequestSchema,
  ListContentResponseSchema,
  ListStatusesRequestSchema,
  ListStatusesResponseSchema,
  ReadContentRequestSchema,
  ReadContentResponseSchema,
  WriteAction,
  WriteContentRequestSchema,
  WriteContentResponseSchema,
} from '../../../proto/gen/containerd/services/content/v1/content_pb.ts';
import { ContentStore } from '../../../runtime/oci/store.ts';
import { contentService } from '../../../runtime/session/content.ts';
import type { TempFolder } from '../../rig/folder.ts';
import { tempFolder } from '../../rig/folder.ts';
import type { PlayedCall } from '../../rig/server-call.ts';
import { playedCall } from '../../rig/server-call.ts';

const STORE = { 'buildkit-attachable-store-id': 'local:cache' };
const [NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, OUT_OF_RANGE, UNAVAILABLE, INVALID] = [5, 6, 9, 11, 14, 3];

type Write = MessageInitShape<typeof WriteContentRequestSchema>;

interface Rig extends TempFolder {
  readonly call: (method: string, call: PlayedCall) => Promise<PlayedCall>;
  readonly store: ContentStore;
}

async function rig({ readOnly = false } = {}): Promise<Rig> {
  const folder = await tempFolder('store');
  const store = new ContentStore(folder.path, { readOnly });
  const service = contentService(new Map([['local:cache', store]]));
  return {
    ...folder,
    store,
    call: async (method, call) => {
      await service[`/containerd.services.content.v1.Content/${method}`]?.(call);
      return call;
    },
  };
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function writes(...messages: readonly Write[]): PlayedCall {
  return playedCall(
    messages.map((one) => toBinary(WriteContentRequestSchema, create(WriteContentRequestSchema, one))),
    STORE,
  );
}

/** The messages with which BuildKit writes a blob. */
function whole(text: string, expected = digestOf(text), ref = `layer-${expected}`): readonly Write[] {
  const data = Buffer.from(text);
  const total = BigInt(data.length);
  const half = data.length >> 1;
  return [
    { action: WriteAction.STAT, ref, total, expected },
    { action: WriteAction.STAT },
    { action: WriteAction.WRITE, data: data.subarray(0, half) },
    { action: WriteAction.WRITE, offset: BigInt(half), data: data.subarray(half) },
    { action: WriteAction.COMMIT, total, offset: total, expected, labels: { a: 'b' } },
  ];
}

async function blobs(folder: string): Promise<readonly string[]> {
  return readdir(join(folder, 'blobs', 'sha256')).catch(() => []);
}

describe('a write', () => {
  test('appears under its digest when it is whole, and each step is answered', async () => {
    await using it = await rig();
    const { sent } = await it.call('Write', writes(...whole('hello, blob')));
    const answers = sent.map((one) => fromBinary(WriteContentResponseSchema, one));
    expect(answers.map(({ action, offset }) => [action, Number(offset)])).toEqual([
      [WriteAction.STAT, 0],
      [WriteAction.STAT, 0],
      [WriteAction.WRITE, 5],
      [WriteAction.WRITE, 11],
      [WriteAction.COMMIT, 11],
    ]);
    expect(answers[0]?.total).toBe(11n);
    expect(answers.at(-1)?.digest).toBe(digestOf('hello, blob'));
    const file = join(it.path, 'blobs', ...digestOf('hello, blob').split(':'));
    expect(await readFile(file, 'utf8')).toBe('hello, blob');
    expect((await stat(file)).mode & 0o777).toBe(0o444);
    expect(await readdir(join(it.path, 'ingest'))).toEqual([]);
  });

  test('of what is there already is waved through', async () => {
    await using it = await rig();
    await it.call('Write', writes(...whole('x')));
    await expect(it.call('Write', writes(...whole('x')))).rejects.toMatchObject({ code: ALREADY_EXISTS });
  });

  test.each<[string, readonly Write[], number, RegExp]>([
    ['with another digest', whole('evil', digestOf('good')), FAILED_PRECONDITION, /unexpected commit digest/],
    [
      'with another size',
      [...whole('abc').slice(0, 4), { action: WriteAction.COMMIT, total: 5n, offset: 3n, expected: digestOf('abc') }],
      FAILED_PRECONDITION,
      /unexpected commit size 3, expected 5/,
    ],
    [
      'at a place that was not reached',
      [{ ref: 'a' }, { action: WriteAction.WRITE, offset: 7n, data: Buffer.from('x') }],
      OUT_OF_RANGE,
      /current offset 0/,
    ],
    ['without a name', [{ action: WriteAction.STAT }], INVALID, /must have a reference/],
    ['to a path', [{ ref: 'a', expected: 'sha256:../../../../etc/passwd' }], INVALID, /is no digest/],
    ['to a short digest', [{ ref: 'a', expected: 'sha256:abcd' }], INVALID, /is no digest/],
  ])('%s is refused and leaves nothing', async (_name, messages, code, message) => {
    await using it = await rig();
    const refused = it.call('Write', writes(...messages));
    await expect(refused).rejects.toMatchObject({ code });
    await expect(refused).rejects.toThrow(message);
    expect(await blobs(it.path)).toEqual([]);
    expect(await readdir(join(it.path, 'ingest')).catch(() => [])).toEqual([]);
  });

  test('that begins anew at the start keeps nothing of what it had', async () => {
    await using it = await rig();
    const [open, , ...rest] = whole('hello, blob');
    await it.call('Write', writes({ ...open }, { action: WriteAction.WRITE, data: Buffer.from('wrong') }, ...rest));
    expect(await blobs(it.path)).toHaveLength(1);
  });

  test('that is left in the midst leaves nothing; two of one name wait for each other, and all may write the same', async () => {
    await using it = await rig();
    await it.call('Write', writes(...whole('half').slice(0, 3)));
    expect(await readdir(join(it.path, 'ingest'))).toEqual([]);
    const first = await it.store.write('a', { total: 0, expected: undefined });
    await expect(it.call('Write', writes({ ref: 'a' }))).rejects.toMatchObject({ code: UNAVAILABLE });
    await first.abort();
    const others = Array.from({ length: 8 }, (_, at) => whole('same', digestOf('same'), `ref-${at}`));
    const ended = await Promise.allSettled(others.map((one) => it.call('Write', writes(...one))));
    for (const one of ended) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: ALREADY_EXISTS });
    expect(ended.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(await blobs(it.path)).toEqual([digestOf('same').slice('sha256:'.length)]);
  });

  test('under way has a status, and can be called off', async () => {
    await using it = await rig();
    const ingest = await it.store.write('a', { total: 9, expected: undefined });
    await ingest.append(Buffer.from('abc'));
    const asked = playedCall([toBinary(ListStatusesRequestSchema, create(ListStatusesRequestSchema))], STORE);
    const [answer = Buffer.alloc(0)] = (await it.call('ListStatuses', asked)).sent;
    expect(fromBinary(ListStatusesResponseSchema, answer).statuses).toMatchObject([
      { ref: 'a', offset: 3n, total: 9n },
    ]);
    await it.store.abort('a');
    await expect(ingest.append(Buffer.from('d'))).rejects.toMatchObject({ problem: 'not-found' });
    expect(await readdir(join(it.path, 'ingest'))).toEqual([]);
  });

  test('to a folder that is only read is refused', async () => {
    await using it = await rig({ readOnly: true });
    await expect(it.call('Write', writes(...whole('x')))).rejects.toMatchObject({ code: FAILED_PRECONDITION });
    expect(await readdir(it.path)).toEqual([]);
  });
});

describe('a blob', () => {
  const read = (digest: string, offset = 0, size = 0): PlayedCall => {
    const request = create(ReadContentRequestSchema, { digest, offset: BigInt(offset), size: BigInt(size) });
    return playedCall([toBinary(ReadContentRequestSchema, request)], STORE);
  };

  test.each([
    [0, 0, '0123456789'],
    [3, 4, '3456'],
    [8, 100, '89'],
    [10, 0, ''],
    [-5, 2, '01'],
  ])('is read from %d on, %d bytes: %j', async (offset, size, text) => {
    await using it = await rig();
    await it.call('Write', writes(...whole('0123456789')));
    const { sent } = await it.call('Read', read(digestOf('0123456789'), offset, size));
    const parts = sent.map((one) => fromBinary(ReadContentResponseSchema, one));
    expect(Buffer.concat(parts.map(({ data }) => data)).toString()).toBe(text);
    expect(parts.map((part) => part.offset)).toEqual(text === '' ? [] : [0n]);
  });

  test('of 5 MB comes in parts that say where they belong', async () => {
    await using it = await rig();
    const text = 'abcde'.repeat(1_000_000);
    await it.call('Write', writes(...whole(text)));
    const { sent } = await it.call('Read', read(digestOf(text)));
    const parts = sent.map((one) => fromBinary(ReadContentResponseSchema, one));
    expect(parts.map(({ offset }) => Number(offset))).toEqual([0, 1, 2, 3, 4].map((at) => at * 1024 * 1024));
    expect(Buffer.concat(parts.map(({ data }) => data)).toString()).toBe(text);
  });

  test('is known by its size, listed, and gone when it is deleted', async () => {
    await using it = await rig();
    await it.call('Write', writes(...whole('abc')));
    await mkdir(join(it.path, 'blobs', 'odd'));
    await writeFile(join(it.path, 'blobs', 'odd', 'x'), '');
    await writeFile(join(it.path, 'blobs', 'sha256', '.hidden'), '');
    const digest = digestOf('abc');
    const info = (): Promise<PlayedCall> =>
      it.call('Info', playedCall([toBinary(InfoRequestSchema, create(InfoRequestSchema, { digest }))], STORE));
    const [known = Buffer.alloc(0)] = (await info()).sent;
    expect(fromBinary(InfoResponseSchema, known).info).toMatchObject({ digest, size: 3n });
    const list = playedCall([toBinary(ListContentRequestSchema, create(ListContentRequestSchema))], STORE);
    const [listed = Buffer.alloc(0)] = (await it.call('List', list)).sent;
    expect(fromBinary(ListContentResponseSchema, listed).info.map((one) => one.digest)).toEqual([digest]);
    const request = toBinary(DeleteContentRequestSchema, create(DeleteContentRequestSchema, { digest }));
    await it.call('Delete', playedCall([request], STORE));
    await expect(info()).rejects.toMatchObject({ code: NOT_FOUND });
    await expect(it.call('Delete', playedCall([request], STORE))).rejects.toMatchObject({ code: NOT_FOUND });
    await expect(it.call('Read', read(digest))).rejects.toMatchObject({ code: NOT_FOUND });
  });

  test.each([
    [{}, INVALID, 'request lacks metadata "buildkit-attachable-store-id"'],
    [{ 'buildkit-attachable-store-id': 'local:other' }, NOT_FOUND, 'unknown store local:other'],
  ])('of a store that is not offered (%j) is not found', async (headers, code, message) => {
    await using it = await rig();
    const request = toBinary(InfoRequestSchema, create(InfoRequestSchema, { digest: digestOf('') }));
    const refused = it.call('Info', playedCall([request], headers as Record<string, string>));
    await expect(refused).rejects.toMatchObject({ code, message });
  });
});
