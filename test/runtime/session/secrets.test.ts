import { execFileSync, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import type { SecretEntry } from '../../../planner/target.ts';
import {
  GetSecretRequestSchema,
  GetSecretResponseSchema,
} from '../../../proto/gen/moby/buildkit/secrets/v1/secrets_pb.ts';
import { secretsService } from '../../../runtime/session/secrets.ts';
import { tempFolder } from '../../rig/folder.ts';

async function secret(entry: SecretEntry, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const services = secretsService([entry], { env: new Map(Object.entries(env)), resolve: (file) => file });
  const request = toBinary(GetSecretRequestSchema, create(GetSecretRequestSchema, { ID: entry.id }));
  const sent: Buffer[] = [];
  await services['/moby.buildkit.secrets.v1.Secrets/GetSecret']?.({
    metadata: () => [],
    messages: (async function* () {
      yield Buffer.from(request);
    })(),
    send: async (...parts) => void sent.push(...parts.map((part) => Buffer.from(part))),
    lend: async (parts) => void sent.push(...parts.map((part) => Buffer.from(part))),
    signal: new AbortController().signal,
  });
  return Buffer.from(fromBinary(GetSecretResponseSchema, Buffer.concat(sent)).data).toString('utf8');
}

test('a secret is that of the environment, or of a file', async () => {
  await using folder = await tempFolder('secret');
  const src = path.join(folder.path, 'file');
  await writeFile(src, 'of the file');
  expect(await secret({ id: 'x', src }, { x: 'of x' })).toBe('of the file');
  expect(await secret({ id: src }, {})).toBe('of the file');
  expect(await secret({ id: 'x' }, { x: 'of x' })).toBe('of x');
  expect(await secret({ id: 'x', src, env: 'y' }, { y: 'of y' })).toBe('of y');
  expect(await secret({ id: 'x', env: 'unset' }, {})).toBe('');
  await writeFile(src, '');
  expect(await secret({ id: 'x', src })).toBe('');
});

test('a secret comes through a pipe whole, and a pipe that nobody writes to is refused', async () => {
  await using folder = await tempFolder('secret');
  const src = path.join(folder.path, 'pipe');
  execFileSync('mkfifo', [src]);
  await expect(secret({ id: 'x', src })).rejects.toThrow('a pipe that nobody writes to');
  spawn('bash', ['-c', '(sleep 0.1; printf one; sleep 0.3; printf two) > "$0"', src], { stdio: 'ignore' });
  expect(await secret({ id: 'x', src })).toBe('onetwo');
});

test('a device without an end is too large', async () => {
  await expect(secret({ id: 'x', src: '/dev/zero' })).rejects.toThrow('larger than 512000 bytes');
});

test('a secret that is a folder is named', async () => {
  await using folder = await tempFolder('secret');
  await expect(secret({ id: 'x', src: folder.path })).rejects.toThrow('secret x is a folder, not a file');
});
