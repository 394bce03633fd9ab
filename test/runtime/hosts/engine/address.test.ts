import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildkitHost, dockerHost } from '../../../../runtime/hosts/engine/address.ts';
import type { Environment } from '../../../../runtime/hosts/engine/facts.ts';
import type { TestCertificates } from '../../../rig/certificates.ts';
import { testCertificates } from '../../../rig/certificates.ts';
import type { TempFolder } from '../../../rig/folder.ts';
import { tempFolder } from '../../../rig/folder.ts';

let pems: TestCertificates;

beforeAll(async () => {
  pems = await testCertificates();
});

describe('BUILDKIT_HOST', () => {
  test.each([
    ['unix:///run/bk.sock', { kind: 'unix', path: '/run/bk.sock' }],
    ['tcp://builder:4321', { kind: 'tcp', host: 'builder', port: 4321 }],
    ['tcp://builder', { kind: 'tcp', host: 'builder', port: 1234 }],
    ['tcp://[::1]:4321', { kind: 'tcp', host: '::1', port: 4321 }],
  ])('%s is understood', async (text, endpoint) => {
    expect(await buildkitHost({ BUILDKIT_HOST: text })).toEqual({
      ok: true,
      value: { endpoint, text, askedBy: 'BUILDKIT_HOST' },
    });
  });

  test.each([
    ['docker-container://x', 'a docker-container:// address of this form in BUILDKIT_HOST'],
    ['builder:1234', 'an address without a scheme in BUILDKIT_HOST'],
    ['unix://relative.sock', 'a unix:// address of this form in BUILDKIT_HOST'],
    ['tcp://user:hunter2@builder:1', 'a tcp:// address of this form in BUILDKIT_HOST'],
  ])('%s is refused by name', async (text, what) => {
    expect(await buildkitHost({ BUILDKIT_HOST: text })).toEqual({
      ok: false,
      failure: { reason: 'unsupported', what, hint: 'Give unix:///path/to/socket or tcp://host:port.' },
    });
  });

  test('unset or empty names nothing', async () => {
    expect(await buildkitHost({})).toEqual({ ok: true, value: undefined });
    expect(await buildkitHost({ BUILDKIT_HOST: '' })).toEqual({ ok: true, value: undefined });
  });

  test('takes the files of mutual TLS from a folder, and each by itself', async () => {
    await using folder = await tlsFolder();
    await writeFile(join(folder.path, 'other.pem'), pems.server.cert);
    const env = { BUILDKIT_HOST: 'tcp://builder', BUILDKIT_TLS_DIR: folder.path, BUILDKIT_TLS_SERVER_NAME: 'bk.test' };
    expect(await buildkitHost({ ...env, BUILDKIT_TLS_CA: join(folder.path, 'other.pem') })).toMatchObject({
      value: { endpoint: { tls: { ...pems.client, ca: pems.server.cert, serverName: 'bk.test' } } },
    });
    expect(await buildkitHost({ ...env, BUILDKIT_TLS_KEY: join(folder.path, 'none.pem') })).toEqual({
      ok: false,
      failure: {
        reason: 'unsupported',
        what: `TLS for BUILDKIT_HOST without ${join(folder.path, 'none.pem')}`,
        hint: 'That file is missing or cannot be read.',
      },
    });
  });

  test('refuses files that no TLS can be made of, each by its name', async () => {
    await using folder = await tlsFolder();
    const [ca, cert, key, none] = ['ca', 'cert', 'key', 'none'].map((name) => join(folder.path, `${name}.pem`));
    await writeFile(`${none}`, 'not a certificate');
    const env = { BUILDKIT_HOST: 'tcp://builder', BUILDKIT_TLS_CA: ca };
    const noted = async (more: Environment): Promise<unknown> => {
      const result = await buildkitHost({ ...env, ...more });
      return result.ok ? 'accepted' : `${result.failure.what}: ${result.failure.hint}`;
    };
    expect(await noted({ BUILDKIT_TLS_CERT: cert, BUILDKIT_TLS_KEY: key })).toBe('accepted');
    expect(await noted({ BUILDKIT_TLS_CA: none })).toBe(
      `TLS for BUILDKIT_HOST with ${none}: It holds no certificate (PEM).`,
    );
    expect(await noted({ BUILDKIT_TLS_CERT: cert })).toBe(
      `TLS for BUILDKIT_HOST with the certificate ${cert} alone: Name the file of its private key as well.`,
    );
    expect(await noted({ BUILDKIT_TLS_KEY: key })).toBe(
      `TLS for BUILDKIT_HOST with the key ${key} alone: Name the file of its certificate as well.`,
    );
    expect(await noted({ BUILDKIT_TLS_CERT: cert, BUILDKIT_TLS_KEY: none })).toBe(
      `TLS for BUILDKIT_HOST with ${none}: It holds no private key (PEM) without a passphrase.`,
    );
    await writeFile(`${key}`, pems.server.key);
    expect(await noted({ BUILDKIT_TLS_CERT: cert, BUILDKIT_TLS_KEY: key })).toBe(
      `TLS for BUILDKIT_HOST with ${key}: It is not the key of ${cert}.`,
    );
  });
});

describe('the Docker that is meant', () => {
  test('is the one on the default socket when nothing is said', async () => {
    await using home = await tempFolder('home');
    expect(await dockerHost({ HOME: home.path })).toEqual({
      ok: true,
      value: { endpoint: { kind: 'docker-unix', path: '/var/run/docker.sock' }, text: 'unix:///var/run/docker.sock' },
    });
  });

  test('is DOCKER_HOST before any context', async () => {
    await using home = await homeWithContext({ Host: 'unix:///context.sock' });
    const env = { ...home.env, DOCKER_HOST: 'tcp://machine' };
    expect(await dockerHost(env)).toMatchObject({
      value: { endpoint: { kind: 'docker-tcp', host: 'machine', port: 2375 }, askedBy: 'DOCKER_HOST' },
    });
  });

  test('is the current context, unless DOCKER_CONTEXT says another', async () => {
    await using home = await homeWithContext({ Host: 'unix:///context.sock' });
    expect(await dockerHost(home.env)).toMatchObject({
      value: { endpoint: { kind: 'docker-unix', path: '/context.sock' }, askedBy: 'the Docker context "mine"' },
    });
    expect(await dockerHost({ ...home.env, DOCKER_CONTEXT: 'default' })).toMatchObject({
      value: { endpoint: { kind: 'docker-unix', path: '/var/run/docker.sock' } },
    });
    expect(await dockerHost({ ...home.env, DOCKER_CONTEXT: 'theirs' })).toMatchObject({
      failure: { reason: 'unsupported', what: 'the Docker context "theirs"' },
    });
  });

  test('brings the certificates of its context', async () => {
    await using home = await homeWithContext({ Host: 'tcp://machine' }, clientFiles());
    expect(await dockerHost(home.env)).toMatchObject({
      value: { endpoint: { kind: 'docker-tcp', port: 2376, tls: { ca: pems.ca, ...pems.client } } },
    });
  });

  test('whose certificate is not to be checked is refused', async () => {
    await using home = await homeWithContext({ Host: 'tcp://machine', SkipTLSVerify: true }, clientFiles());
    expect(await dockerHost(home.env)).toMatchObject({ ok: false, failure: { reason: 'unsupported' } });
    expect(await dockerHost({ DOCKER_HOST: 'tcp://machine', DOCKER_TLS: '1' })).toMatchObject({
      failure: { what: 'DOCKER_TLS without DOCKER_TLS_VERIFY' },
    });
  });

  test('is reached with the certificates of DOCKER_CERT_PATH when they are to be checked', async () => {
    await using folder = await tlsFolder();
    const env: Environment = { DOCKER_HOST: 'tcp://machine', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder.path };
    expect(await dockerHost(env)).toMatchObject({
      value: { endpoint: { kind: 'docker-tcp', port: 2376, tls: { ca: pems.ca, ...pems.client } } },
    });
  });

  test.each([
    ['ssh://machine', { host: 'machine' }],
    ['ssh://me@machine:2222', { host: 'machine', user: 'me', port: 2222 }],
    ['ssh://me@[::1]/run/user/1000/docker.sock', { host: '::1', user: 'me', socket: '/run/user/1000/docker.sock' }],
  ])('may be behind ssh: %s', async (text, destination) => {
    expect(await dockerHost({ DOCKER_HOST: text })).toEqual({
      ok: true,
      value: { endpoint: { kind: 'docker-ssh', destination }, text, askedBy: 'DOCKER_HOST' },
    });
  });

  test.each(['ssh://', 'ssh://-oProxyCommand=x', 'ssh://me:secret@machine', 'ssh://machine?x=y'])(
    'is no address of this form: %s',
    async (text) => {
      const address = await dockerHost({ DOCKER_HOST: text });
      expect(address).toMatchObject({ ok: false, failure: { reason: 'unsupported' } });
      expect(JSON.stringify(address)).not.toContain('secret');
    },
  );
});

function clientFiles(): Readonly<Record<string, string>> {
  return { 'ca.pem': pems.ca, 'cert.pem': pems.client.cert, 'key.pem': pems.client.key };
}

/** A folder with the files of a client under the names that buildctl and docker know. */
async function tlsFolder(): Promise<TempFolder> {
  const folder = await tempFolder('tls');
  for (const [name, text] of Object.entries(clientFiles())) await writeFile(join(folder.path, name), text);
  return folder;
}

async function homeWithContext(
  docker: Readonly<Record<string, unknown>>,
  files: Readonly<Record<string, string>> = {},
): Promise<AsyncDisposable & { readonly env: Environment }> {
  const folder = await tempFolder('home');
  const id = createHash('sha256').update('mine').digest('hex');
  const [meta, tls] = [join(folder.path, 'contexts/meta', id), join(folder.path, 'contexts/tls', id, 'docker')];
  for (const each of [meta, tls]) await mkdir(each, { recursive: true });
  await writeFile(join(folder.path, 'config.json'), JSON.stringify({ currentContext: 'mine' }));
  await writeFile(join(meta, 'meta.json'), JSON.stringify({ Name: 'mine', Endpoints: { docker } }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(tls, name), text);
  return { env: { DOCKER_CONFIG: folder.path }, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
