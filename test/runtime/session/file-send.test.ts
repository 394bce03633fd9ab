import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { status } from '../../../runtime/rpc/status.ts';
import { fileSendService } from '../../../runtime/session/file-send.ts';
import { tempFolder } from '../../rig/folder.ts';
import { playedCall } from '../../rig/server-call.ts';

const METHOD = '/moby.filesync.v1.FileSend/DiffCopy';

test('a folder from which others are removed is not touched where the daemon does not say that it sends all', async () => {
  await using folder = await tempFolder('out');
  await writeFile(join(folder.path, 'mine'), '');
  const service = fileSendService(new Map([[0, { folder: folder.path, deletes: true }]]));
  await expect(service[METHOD]?.(playedCall([]))).rejects.toMatchObject({
    code: status.FAILED_PRECONDITION,
    message: 'mode=delete needs a newer builder, with BuildKit 0.31 or later',
  });
  expect(await readdir(folder.path)).toEqual(['mine']);
});

test('a daemon that names no exporter, as before 0.13, means the first', async () => {
  const taken: string[] = [];
  const sink = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of chunks) taken.push(Buffer.from(chunk).toString());
  };
  const service = fileSendService(new Map([[0, sink]]));
  const message = Buffer.from('\n\u0002hi');
  await service[METHOD]?.(playedCall([message]));
  await service[METHOD]?.(playedCall([message], { 'buildkit-attachable-exporter-id': '0' }));
  expect(taken).toEqual(['hi', 'hi']);
  const other = playedCall([message], { 'buildkit-attachable-exporter-id': '1' });
  await expect(service[METHOD]?.(other)).rejects.toMatchObject({ code: status.NOT_FOUND });
});
