import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DockerConfig } from '../../../runtime/docker/config.ts';
import { parseDockerConfig } from '../../../runtime/docker/config.ts';
import { CredentialStore } from '../../../runtime/docker/credentials.ts';
import { tempFolder } from '../../rig/folder.ts';

const SIGNAL = AbortSignal.timeout(20_000);

/** A store that asks one helper, a shell script, which notes each call in `calls`. */
async function withHelper(
  script: string,
  helperMs?: number,
): Promise<AsyncDisposable & { readonly store: CredentialStore; readonly calls: () => Promise<number> }> {
  const folder = await tempFolder('helper');
  const calls = join(folder.path, 'calls');
  const program = join(folder.path, 'docker-credential-played');
  await writeFile(program, `#!/bin/sh\necho call >> ${calls}\n${script}\n`, { mode: 0o755 });
  const env = new Map([['PATH', `${folder.path}:${process.env['PATH']}`]]);
  const config = parsed({ credsStore: 'played' });
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
