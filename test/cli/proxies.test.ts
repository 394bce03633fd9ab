import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { composeArguments, dockerProxies, withProxies } from '../../cli/proxies.ts';
import { tempFolder } from '../rig/folder.ts';
import { target } from '../rig/target.ts';

const CONFIG = {
  proxies: {
    default: { httpProxy: 'http://p:1', noProxy: 'localhost', allProxy: 'socks://p' },
    'tcp://other:2375': { httpsProxy: 'http://q:2' },
  },
};

async function proxies(env: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
  await using folder = await tempFolder('docker');
  await mkdir(path.join(folder.path, '.docker'));
  await writeFile(path.join(folder.path, '.docker', 'config.json'), JSON.stringify(CONFIG));
  return Object.fromEntries(await dockerProxies({ HOME: folder.path, ...env }));
}

const DEFAULT = { HTTP_PROXY: 'http://p:1', NO_PROXY: 'localhost', ALL_PROXY: 'socks://p' };

test.each([
  ['nothing else', {}, DEFAULT],
  ['credentials', { DOCKER_AUTH_CONFIG: '{"auths":{}}' }, DEFAULT],
  ['no credentials', { DOCKER_AUTH_CONFIG: '' }, DEFAULT],
  ['another Docker', { DOCKER_HOST: 'tcp://other:2375' }, { HTTPS_PROXY: 'http://q:2' }],
])('proxies stand in the file, with %s in the environment', async (_name, env, expected) => {
  expect(await proxies(env)).toEqual(expected);
});

test('targets that name no proxy are built with that of the configuration', () => {
  const targets = [target('a'), target('b', { args: { http_proxy: 'mine' } })];
  const plan = withProxies({ groups: [], targets, requested: ['a', 'b'] }, new Map(Object.entries(DEFAULT)));
  expect(plan.targets.map(({ args }) => args)).toEqual([
    { HTTP_PROXY: 'http://p:1', NO_PROXY: 'localhost' },
    { http_proxy: 'mine', NO_PROXY: 'localhost' },
  ]);
});

test('docker compose gives them in small letters as well', () => {
  expect([...composeArguments(new Map([['HTTP_PROXY', 'x']]))]).toEqual([
    ['HTTP_PROXY', 'x'],
    ['http_proxy', 'x'],
  ]);
});
