import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { StatusSchema } from '../../../proto/gen/google/rpc/status_pb.ts';
import { fromStatus } from '../../../runtime/buildkit/error.ts';
import { ignoreFileTooLarge } from '../../../runtime/build/ignore-file.ts';
import { tempFolder } from '../../rig/folder.ts';

const RESOURCE_EXHAUSTED = 8;
const TOO_LARGE = 'grpc: trying to send message larger than max (21231211 vs. 16777216)';

test.each([
  [TOO_LARGE, 2_000_000, true],
  [TOO_LARGE, 2_000, false],
  ['rpc error: code = Unavailable desc = error reading from server: EOF', 2_000_000, true],
  ['the disk is full', 2_000_000, false],
])('%j with an ignore file of %i bytes is blamed on it: %s', async (message, bytes, isBlamed) => {
  await using folder = await tempFolder('ignore');
  const name = join(folder.path, 'Dockerfile.dockerignore');
  await writeFile(name, 'x'.repeat(bytes));
  await writeFile(join(folder.path, '.dockerignore'), 'small');
  const places = { target: 't', context: folder.path, dockerfile: { dir: folder.path, name: 'Dockerfile' } };
  const failure = ignoreFileTooLarge(fromStatus(create(StatusSchema, { code: RESOURCE_EXHAUSTED, message })), places);
  expect(failure?.path).toBe(isBlamed ? name : undefined);
});
