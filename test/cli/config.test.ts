import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dockerConfig, tokenSeedFile } from '../../cli/config.ts';
import { tempFolder } from '../rig/folder.ts';

const AUTH = Buffer.from('ada:secret').toString('base64');

/** What is read where the file names one registry and the variable holds this, and what is warned of. */
async function read(variable: string): Promise<{
  readonly stored: readonly string[];
  readonly given: readonly string[];
  readonly warnings: readonly string[];
}> {
  await using folder = await tempFolder('config');
  await writeFile(join(folder.path, 'config.json'), `{"auths":{"a.example":{"auth":"${AUTH}"}}}`);
  const warnings: string[] = [];
  const env = { DOCKER_CONFIG: folder.path, DOCKER_AUTH_CONFIG: variable };
  const config = await dockerConfig(env, (warning) => void warnings.push(warning));
  return { stored: [...config.auths.keys()], given: [...config.given.keys()], warnings };
}

test('DOCKER_AUTH_CONFIG stands beside the file', async () => {
  const variable = `{"auths":{"b.example":{"auth":"${AUTH}"}}}`;
  expect(await read(variable)).toEqual({ stored: ['a.example'], given: ['b.example'], warnings: [] });
  expect(await read('')).toEqual({ stored: ['a.example'], given: [], warnings: [] });
  expect(await read('{}')).toEqual({ stored: ['a.example'], given: [], warnings: [] });
});

test('DOCKER_AUTH_CONFIG with what may not stand there is passed over, which is told without what it holds', async () => {
  expect(await read(`{"auths":{"b.example":{"auth":"${AUTH}"}},"credsStore":"x"}`)).toEqual({
    stored: ['a.example'],
    given: [],
    warnings: ['DOCKER_AUTH_CONFIG is passed over: it has the field credsStore, which may not stand there'],
  });
});

test('a broken config.json is passed over, which is told without what it holds', async () => {
  await using folder = await tempFolder('config');
  const file = join(folder.path, 'config.json');
  await writeFile(file, `{"auths":{"a.example":{"auth":"${AUTH}"}},`);
  const warnings: string[] = [];
  const env = { DOCKER_CONFIG: folder.path, DOCKER_AUTH_CONFIG: `{"auths":{"b.example":{"auth":"${AUTH}"}}}` };
  const config = await dockerConfig(env, (warning) => void warnings.push(warning));
  expect({ stored: [...config.auths.keys()], given: [...config.given.keys()], warnings }).toEqual({
    stored: [],
    given: ['b.example'],
    warnings: [`${file} is passed over, with its credentials: it is not JSON`],
  });
});

test("the seeds for tokens lie beside Docker's configuration", () => {
  expect(tokenSeedFile({ DOCKER_CONFIG: '/c' })).toBe('/c/.token_seed');
  expect(tokenSeedFile({ HOME: '/h' })).toBe('/h/.docker/.token_seed');
});
