import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DockerConfig } from '../../../runtime/docker/config.ts';
import { parseDockerConfig, parseGivenAuths } from '../../../runtime/docker/config.ts';
import { CredentialStore } from '../../../runtime/docker/credentials.ts';
import { tempFolder } from '../../rig/folder.ts';

const NOBODY = { username: '', secret: '', registryToken: '' };

const SIGNAL = AbortSignal.timeout(20_000);

/** A store that asks one helper, a shell script, which notes each call in `calls`. */
async function withHelper(
  script: string,
  helperMs?: number,
  more: object = {},
): Promise<AsyncDisposable & { readonly store: CredentialStore; readonly calls: () => Promise<number> }> {
  const folder = await tempFolder('helper');
  const calls = join(folder.path, 'calls');
  const program = join(folder.path, 'docker-credential-played');
  await writeFile(program, `#!/bin/sh\necho call >> ${calls}\n${script}\n`, { mode: 0o755 });
  const env = new Map([['PATH', `${folder.path}:${process.env['PATH']}`]]);
  const config = parsed({ credsStore: 'played', ...more });
  return {
    store: new CredentialStore(config, env, helperMs === undefined ? {} : { helperMs }),
    calls: async () => (await readFile(calls, 'utf8')).trim().split('\n').length,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function parsed(config: unknown): DockerConfig {
  const result = parseDockerConfig(JSON.stringify(config), 'config.json');
  if (!result.ok) throw new Error(result.failure.cause);
  return result.value;
}

describe('a credential helper', () => {
  test('that does not answer is given up, with its name and the time, and not asked again', async () => {
    await using helper = await withHelper('exec sleep 60', 300);
    for (let tries = 0; tries < 3; tries++) {
      await expect(helper.store.find('a.example', { signal: SIGNAL })).rejects.toThrow(
        'credential helper docker-credential-played did not answer for a.example in 0.3 seconds',
      );
    }
    expect(await helper.calls()).toBe(1);
  });

  test('that writes without end is stopped', async () => {
    await using helper = await withHelper('exec yes');
    await expect(helper.store.find('a.example', { signal: SIGNAL })).rejects.toThrow(
      'credential helper docker-credential-played wrote more than 1 MB and was stopped',
    );
  });

  test('that was called off may be asked again', async () => {
    await using helper = await withHelper('exec sleep 60');
    for (let tries = 0; tries < 2; tries++) {
      await expect(helper.store.find('a.example', { signal: AbortSignal.timeout(200) })).rejects.toThrow();
    }
    expect(await helper.calls()).toBe(2);
  });
});

const basic = (text: string): string => Buffer.from(text).toString('base64');
const ofHelper = (answer: object): string => `echo '${JSON.stringify(answer)}'`;

describe('what a helper says', () => {
  const ADA = { ServerURL: '', Username: 'ada', Secret: 'x' };
  const file = { auth: basic('bea:y'), registrytoken: 'R' };

  test.each([
    ['a password', ofHelper(ADA), {}, { username: 'ada', secret: 'x', registryToken: '' }],
    [
      'an identity token',
      ofHelper({ ...ADA, Username: '<token>' }),
      {},
      { username: '', secret: 'x', registryToken: '' },
    ],
    ['nothing', "echo 'credentials not found in native keychain'; exit 1", {}, NOBODY],
    ['nothing, beside the file', "echo 'credentials not found'; exit 1", file, { ...NOBODY, registryToken: 'R' }],
    ['a password, beside the file', ofHelper(ADA), file, { username: 'ada', secret: 'x', registryToken: 'R' }],
  ])('%s', async (_name, script, stored, expected) => {
    await using helper = await withHelper(script, undefined, { auths: { 'https://a.example/v1/': stored } });
    expect(await helper.store.find('a.example', { signal: SIGNAL })).toEqual(expected);
  });

  test('is asked for the name that Docker has for the registry, and kept', async () => {
    await using helper = await withHelper(
      `read -r host; ${'echo "{\\"Username\\":\\"$host\\",\\"Secret\\":\\"x\\"}"'}`,
    );
    for (const host of ['registry-1.docker.io', 'docker.io', 'index.docker.io', 'registry-1.docker.io']) {
      expect((await helper.store.find(host, { signal: SIGNAL })).username).toBe('https://index.docker.io/v1/');
    }
    expect((await helper.store.find('a.example:5000', { signal: SIGNAL })).username).toBe('a.example:5000');
    expect(await helper.calls()).toBe(4);
  });

  test('counts for the registries it is named for, else the default helper does, and none where it is empty', () => {
    const config = { credsStore: 'all', credHelpers: { 'a.example': 'own', 'b.example': '' } };
    const store = new CredentialStore(parsed(config), new Map());
    expect(store.helperOf('a.example')).toBe('docker-credential-own');
    expect(store.helperOf('b.example')).toBeUndefined();
    expect(store.helperOf('c.example')).toBe('docker-credential-all');
  });
});

describe('Docker Hub', () => {
  test.each(['registry-1.docker.io', 'docker.io', 'index.docker.io'])('is meant by %s', async (host) => {
    const config = parsed({
      auths: { 'https://index.docker.io/v1/': { auth: basic('ada:x') } },
      credHelpers: { 'https://index.docker.io/v1/': '' },
      credsStore: 'nosuch',
    });
    expect(await new CredentialStore(config, new Map()).find(host, { signal: SIGNAL })).toMatchObject({
      username: 'ada',
    });
  });

  test.each(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'https://index.docker.io/v2/'])(
    'does not have the credentials of %s, as with docker',
    async (name) => {
      const config = parsed({ auths: { [name]: { auth: basic('ada:x') } } });
      const found = new CredentialStore(config, new Map()).find('registry-1.docker.io', { signal: SIGNAL });
      expect(await found).toEqual(NOBODY);
    },
  );
});

describe('DOCKER_AUTH_CONFIG', () => {
  test('goes before helpers and the file, for the registries it names', async () => {
    const given = parseGivenAuths(JSON.stringify({ auths: { 'a.example': { auth: basic('ada:x:y') } } }));
    const config = parsed({
      credsStore: 'nosuch',
      credHelpers: { 'b.example': '' },
      auths: { 'b.example': { auth: basic('bea:z') } },
    });
    const store = new CredentialStore({ ...config, given: given.ok ? given.value : new Map() }, new Map());
    expect(store.helperOf('a.example')).toBeUndefined();
    expect(await store.find('a.example', { signal: SIGNAL })).toMatchObject({ username: 'ada', secret: 'x:y' });
    expect(await store.find('b.example', { signal: SIGNAL })).toMatchObject({ username: 'bea' });
  });

  test.each([
    ['rubbish', 'it is not JSON'],
    ['[]', 'it is not a JSON object'],
    ['{"credsStore":"x"}', 'it has the field credsStore, which may not stand there'],
    ['{"auths":{"a":{}}}', 'auths["a"] has no auth'],
    ['{"auths":{"a":{"auth":"eA=="}}}', 'auths["a"].auth is not user:password in base64'],
    [
      '{"auths":{"a":{"auth":"YTpi","identitytoken":"x"}}}',
      'auths["a"] has the field identitytoken, which may not stand there',
    ],
  ])('%s is refused: %s', (text, why) => {
    expect(parseGivenAuths(text)).toEqual({ ok: false, failure: why });
  });
});

test.each(['__proto__', 'constructor', 'toString'])(
  'a registry named %s has no credentials but its own',
  async (host) => {
    const none = new CredentialStore(parsed({ auths: {}, credHelpers: {} }), new Map());
    expect(await none.find(host, { signal: SIGNAL })).toEqual({ username: '', secret: '', registryToken: '' });
    const auth = Buffer.from('ada:secret').toString('base64');
    const text = `{"auths":{${JSON.stringify(host)}:{"auth":"${auth}"}}}`;
    const config = parseDockerConfig(text, 'config.json');
    const own = new CredentialStore(config.ok ? config.value : parsed({}), new Map());
    expect(await own.find(host, { signal: SIGNAL })).toMatchObject({ username: 'ada', secret: 'secret' });
  },
);

test.each([
  [[], 'it is not a JSON object'],
  [{ auths: [] }, 'auths is not a JSON object'],
  [{ auths: { 'a.example': 'x' } }, 'auths["a.example"] is not a JSON object'],
  [{ auths: { 'a.example': { auth: 5 } } }, 'auths["a.example"].auth is not a string'],
  [{ credHelpers: 'x' }, 'credHelpers is not a JSON object'],
  [{ credHelpers: { 'a.example': ['x'] } }, 'credHelpers["a.example"] is not a string'],
  [{ credsStore: true }, 'credsStore is not a string'],
])('the configuration %j is refused: %s', (config, cause) => {
  expect(parseDockerConfig(JSON.stringify(config), 'f')).toEqual({
    ok: false,
    failure: { reason: 'bad-docker-config', file: 'f', cause },
  });
});

test('null in a configuration is as nothing', () => {
  expect(parseDockerConfig('{"auths":null,"credHelpers":null,"credsStore":null}', 'f').ok).toBe(true);
});
