import { createHmac, createPrivateKey, createPublicKey, randomBytes, verify } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import {
  CredentialsRequestSchema,
  CredentialsResponseSchema,
  FetchTokenRequestSchema,
  FetchTokenResponseSchema,
  GetTokenAuthorityRequestSchema,
  GetTokenAuthorityResponseSchema,
  VerifyTokenAuthorityRequestSchema,
  VerifyTokenAuthorityResponseSchema,
} from '../../../proto/gen/moby/filesync/v1/auth_pb.ts';
import { parseDockerConfig } from '../../../runtime/docker/config.ts';
import { CredentialStore } from '../../../runtime/docker/credentials.ts';
import { authService } from '../../../runtime/session/auth.ts';
import { TokenSeeds } from '../../../runtime/session/token-seeds.ts';
import { tempFolder } from '../../rig/folder.ts';
import { playedCall } from '../../rig/server-call.ts';

const SALT = randomBytes(32);
const HOST = 'a.example';
const basic = Buffer.from('ada:secret').toString('base64');
const PASSWORD = { auths: { [HOST]: { auth: basic } } };

interface Client {
  readonly notices: string[];
  ask<I extends DescMessage, O extends DescMessage>(
    method: string,
    request: readonly [I, MessageInitShape<I>],
    answer: O,
  ): Promise<MessageShape<O>>;
  publicKey(host?: string): Promise<string>;
}

/** A client of a builder with this configuration, whose seeds lie in the folder. */
function client(folder: string, config: unknown, env: Readonly<Record<string, string>> = {}): Client {
  const parsed = parseDockerConfig(JSON.stringify(config), 'config.json');
  if (!parsed.ok) throw new Error(parsed.failure.cause);
  const variables = new Map(Object.entries(env));
  const notices: string[] = [];
  const service = authService(new CredentialStore(parsed.value, variables), {
    notice: (notice) => void notices.push(notice),
    seeds: new TokenSeeds(path.join(folder, '.token_seed')),
    env: variables,
  });
  const ask: Client['ask'] = async (method, [schema, values], answer) => {
    const call = playedCall([toBinary(schema, create(schema, values))]);
    await service[`/moby.filesync.v1.Auth/${method}`]?.(call);
    return fromBinary(answer, Buffer.concat(call.sent));
  };
  const publicKey = async (host = HOST): Promise<string> => {
    const asked = [GetTokenAuthorityRequestSchema, { Host: host, Salt: SALT }] as const;
    const { PublicKey } = await ask('GetTokenAuthority', asked, GetTokenAuthorityResponseSchema);
    return Buffer.from(PublicKey).toString('hex');
  };
  return { notices, ask, publicKey };
}

describe('the authority for tokens', () => {
  test('is the same for all who have no credentials, and leaves nothing behind', async () => {
    await using one = await tempFolder('auth');
    await using two = await tempFolder('auth');
    const key = await client(one.path, {}).publicKey();
    expect(await client(two.path, {}).publicKey('b.example')).toBe(key);
    await expect(stat(path.join(one.path, '.token_seed'))).rejects.toThrow('ENOENT');
  });

  test.each([
    ['a password', PASSWORD],
    ['an identity token', { auths: { [HOST]: { identitytoken: 'x' } } }],
    ['a ready token', { auths: { [HOST]: { registrytoken: 'x' } } }],
  ])('is another for who has %s, stays the same from run to run, and is not made of it', async (_name, config) => {
    await using folder = await tempFolder('auth');
    await using other = await tempFolder('auth');
    const key = await client(folder.path, config).publicKey();
    expect(await client(folder.path, config).publicKey()).toBe(key);
    expect(await client(other.path, config).publicKey()).not.toBe(key);
    expect(await client(folder.path, {}).publicKey()).not.toBe(key);
  });

  test('has a seed for each registry, in the file of docker and buildx, which nobody else may read', async () => {
    await using folder = await tempFolder('auth');
    const file = path.join(folder.path, 'config', '.token_seed');
    const seeds = new TokenSeeds(file);
    const [a, b, again] = await Promise.all([seeds.of('a'), seeds.of('__proto__'), seeds.of('a')]);
    expect(a).toEqual(again);
    expect(a).not.toEqual(b);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(
      JSON.parse(`{"a":{"Seed":"${a.toString('base64')}"},"__proto__":{"Seed":"${b.toString('base64')}"}}`),
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await new TokenSeeds(file).of('__proto__')).toEqual(b);
  });

  test('is made as buildx makes it', async () => {
    await using folder = await tempFolder('auth');
    const seed = randomBytes(16);
    const file = path.join(folder.path, '.token_seed');
    await writeFile(file, JSON.stringify({ [HOST]: { Seed: seed.toString('base64') } }));
    const key = await client(folder.path, PASSWORD).publicKey();
    const pkcs8 = Buffer.concat([
      Buffer.from('302e020100300506032b657004220420', 'hex'),
      createHmac('sha256', SALT).update(seed).digest(),
    ]);
    const spki = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })).export({
      format: 'der',
      type: 'spki',
    });
    expect(key).toBe(spki.subarray(-32).toString('hex'));
  });

  test.each(['', 'rubbish', '[]', 'null', '{"a.example":5}', '{"a.example":{"Seed":""}}', '{"a.example":{"Seed":7}}'])(
    'does without seeds in a file of %j',
    async (text) => {
      await using folder = await tempFolder('auth');
      await writeFile(path.join(folder.path, '.token_seed'), text);
      const key = await client(folder.path, PASSWORD).publicKey();
      expect(await client(folder.path, PASSWORD).publicKey()).toBe(key);
    },
  );

  test('holds for a run where its seed cannot be kept', async () => {
    await using folder = await tempFolder('auth');
    await mkdir(path.join(folder.path, '.token_seed'));
    const asking = client(folder.path, PASSWORD);
    expect(await asking.publicKey()).toBe(await asking.publicKey());
  });

  test('signs what a builder sends, and sends it back behind the signature', async () => {
    await using folder = await tempFolder('auth');
    const asking = client(folder.path, PASSWORD);
    const key = createPublicKey({
      key: Buffer.from(`302a300506032b6570032100${await asking.publicKey()}`, 'hex'),
      format: 'der',
      type: 'spki',
    });
    const Payload = randomBytes(32);
    const asked = [VerifyTokenAuthorityRequestSchema, { Host: HOST, Salt: SALT, Payload }] as const;
    const { Signed } = await asking.ask('VerifyTokenAuthority', asked, VerifyTokenAuthorityResponseSchema);
    expect(Buffer.from(Signed.subarray(64))).toEqual(Payload);
    expect(verify(null, Payload, key, Signed.subarray(0, 64))).toBe(true);
  });

  test.each(['1', 'true', 'T'])('is not there with BUILDKIT_NO_CLIENT_TOKEN=%s', async (value) => {
    await using folder = await tempFolder('auth');
    const asking = client(folder.path, PASSWORD, { BUILDKIT_NO_CLIENT_TOKEN: value });
    await expect(asking.publicKey()).rejects.toMatchObject({ code: 14 });
    await expect(client(folder.path, PASSWORD, { BUILDKIT_NO_CLIENT_TOKEN: '0' }).publicKey()).resolves.toHaveLength(
      64,
    );
  });
});

describe('credentials', () => {
  test.each([
    ['a password', PASSWORD, { Username: 'ada', Secret: 'secret' }],
    ['an identity token', { auths: { [HOST]: { auth: basic, identitytoken: 'id' } } }, { Username: '', Secret: 'id' }],
    ['a ready token alone', { auths: { [HOST]: { registrytoken: 'x' } } }, { Username: '', Secret: '' }],
    ['nothing', {}, { Username: '', Secret: '' }],
  ])('of %s', async (_name, config, expected) => {
    await using folder = await tempFolder('auth');
    const asking = client(folder.path, config);
    const asked = [CredentialsRequestSchema, { Host: HOST }] as const;
    expect(await asking.ask('Credentials', asked, CredentialsResponseSchema)).toMatchObject(expected);
    expect(asking.notices).toEqual(expected.Secret === '' ? [] : [`[auth] sharing credentials for ${HOST}`]);
  });
});

describe('a token', () => {
  test.each([
    ['a password', PASSWORD, ['[auth] a/b:pull c:push token for a.example'], 'POST'],
    ['nothing', {}, [], 'GET'],
    ['a ready token', { auths: { [HOST]: { auth: basic, registrytoken: 'R' } } }, [], undefined],
  ])('with %s', async (_name, config, notices, expected) => {
    await using folder = await tempFolder('auth');
    let method: string | undefined;
    const server = createServer((request, response) => {
      method = request.method;
      response.end(JSON.stringify({ access_token: 'T', expires_in: 300, issued_at: '2026-01-02T03:04:05Z' }));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    try {
      const asking = client(folder.path, config);
      const Realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const wanted = { Host: HOST, Realm, Service: 's', Scopes: ['repository:a/b:pull', 'repository:c:push'] };
      const token = await asking.ask('FetchToken', [FetchTokenRequestSchema, wanted], FetchTokenResponseSchema);
      expect(method).toBe(expected);
      expect(asking.notices).toEqual(notices);
      expect(token).toMatchObject(
        expected === undefined
          ? { Token: 'R', ExpiresIn: 60n, IssuedAt: 0n }
          : { Token: 'T', ExpiresIn: 300n, IssuedAt: 1_767_323_045n },
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
