import { writeFile } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { runningRegistry, startRegistry, stopRegistry } from '../../../../runtime/hosts/engine/registry.ts';
import { must, sharedEngine, sharedRoot } from '../../../rig/engine.ts';
import { tempFolder } from '../../../rig/folder.ts';
import { busybox, shellContext } from '../../../rig/image.ts';
import { peers } from '../../../rig/peers.ts';
import { testRegistry } from '../../../rig/registry.ts';

// Setting it up on a new machine takes a minute, which no test's own time allows for.
beforeAll(async () => void (await sharedEngine()));

const signal = AbortSignal.timeout(600_000);

test('an open registry takes a push and keeps it over a restart on the same port', async () => {
  await using registry = await testRegistry();
  await push(`${registry.host}/some/image:1`);
  expect(await tags(registry.url)).toEqual(['1']);
  await registry.stop();
  await expect(fetch(`${registry.url}/v2/`)).rejects.toThrow('fetch failed');
  await registry.start();
  expect(await tags(registry.url)).toEqual(['1']);
});

describe('a registry with an account', () => {
  const account = { username: 'someone', password: 'pass $word: ✓' };

  test.each([
    ['nobody', undefined, 401],
    ['the account', account, 200],
    ['a wrong password', { ...account, password: 'guess' }, 401],
  ])('answers %s with its own status', async (_, who, status) => {
    await using registry = await testRegistry({ account });
    const headers =
      who === undefined
        ? {}
        : { Authorization: `Basic ${Buffer.from(`${who.username}:${who.password}`).toString('base64')}` };
    expect((await fetch(`${registry.url}/v2/`, { headers })).status).toBe(status);
  });

  test('is pushed to with the credentials of config.json', async () => {
    await using registry = await testRegistry({ account });
    const auth = Buffer.from(`${account.username}:${account.password}`).toString('base64');
    await push(`${registry.host}/some/image:1`, { auths: { [registry.host]: { auth } } });
    await expect(push(`${registry.host}/some/image:2`)).rejects.toThrow(/no basic auth credentials|unauthorized|401/i);
  });
});

test('a registry over https shows the certificate it names', async () => {
  await using registry = await testRegistry({ tls: true });
  expect(registry.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  https
    .get(`${registry.url}/v2/`, { ca: registry.certificate }, (response) => {
      resolve(buffer(response).then(String));
    })
    .on('error', reject);
  expect(await promise).toBe('{}');
});

test('starting the registry of a folder again gives the one that runs', async () => {
  await using folder = await tempFolder('registry');
  const options = { root: await sharedRoot(), folder: folder.path, detached: true, signal };
  const [one, other] = await Promise.all([startRegistry(options), startRegistry(options)]);
  expect(must(one)).toEqual(must(other));
  expect(await stopRegistry(folder.path, { signal })).toBe(true);
  expect(await runningRegistry(folder.path)).toBeUndefined();
  expect(await stopRegistry(folder.path, { signal })).toBe(false);
});

test('a port that is taken is a failure with the log that explains it', async () => {
  await using registry = await testRegistry();
  await using folder = await tempFolder('registry');
  const port = Number(registry.host.split(':')[1]);
  const failed = await startRegistry({ root: await sharedRoot(), folder: folder.path, port, signal });
  expect(failed).toMatchObject({ ok: false, failure: { reason: 'engine-failed', step: 'start a registry' } });
  expect(JSON.stringify(failed)).toContain('address already in use');
});

async function push(name: string, config: object = {}): Promise<void> {
  await using buildx = await peers(await sharedEngine());
  await using context = await shellContext();
  await writeFile(join(buildx.config, 'config.json'), JSON.stringify(config));
  const args = ['build', '--push', '--tag', name, '--build-context', `busybox=${await busybox()}`, context.path];
  const built = await buildx.run('buildx', args);
  if (built.exitCode !== 0) throw new Error(built.stderr);
}

async function tags(url: string): Promise<unknown> {
  const answer = (await (await fetch(`${url}/v2/some/image/tags/list`)).json()) as { readonly tags: unknown };
  return answer.tags;
}
