import { createServer } from 'node:net';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findEngine } from '../../../../runtime/hosts/engine/discover.ts';
import { engineUp } from '../../../../runtime/hosts/engine/engine.ts';
import { buildkitdPaths } from '../../../../runtime/hosts/engine/paths.ts';
import type { StepEvent } from '../../../../runtime/hosts/engine/step.ts';
import { tempFolder } from '../../../rig/folder.ts';
import type { PlayedDocker } from '../../../rig/played-docker.ts';
import { playDocker } from '../../../rig/played-docker.ts';

const signal = AbortSignal.timeout(600_000);
const NEW = { Version: '28.5.2', ApiVersion: '1.51' };
const OLD = { Version: '20.10.24', ApiVersion: '1.41' };

test('BUILDKIT_HOST goes before everything, with the Docker beside it for loads', async () => {
  await using docker = await playDocker({ version: NEW });
  await using data = await tempFolder('data');
  const env = { BUILDKIT_HOST: 'tcp://builder:1234', DOCKER_HOST: hostOf(docker) };
  expect(await findEngine({ dataDir: data.path, env, signal })).toEqual({
    ok: true,
    value: {
      kind: 'buildkit-host',
      endpoint: { kind: 'tcp', host: 'builder', port: 1234 },
      name: 'tcp://builder:1234',
      driver: 'remote',
      docker: docker.endpoint,
    },
  });
});

test('a buildkitd that listens in the data folder goes before Docker', async () => {
  await using docker = await playDocker({ version: NEW });
  await using data = await tempFolder('data');
  const { socket } = buildkitdPaths(data.path);
  await mkdir(dirname(socket), { recursive: true });
  const server = createServer((connection) => connection.destroy());
  await new Promise<void>((listening) => server.listen(socket, listening));
  const found = await findEngine({ dataDir: data.path, env: { DOCKER_HOST: hostOf(docker) }, signal });
  server.close();
  expect(found).toMatchObject({
    value: { kind: 'buildkitd', endpoint: { kind: 'unix', path: socket }, docker: docker.endpoint },
  });
});

test('a Docker Engine that is new enough is taken, and only pinged', async () => {
  await using docker = await playDocker({ version: { Version: '23.0.0', ApiVersion: '1.42' } });
  await using data = await tempFolder('data');
  expect(await findEngine({ dataDir: data.path, env: { DOCKER_HOST: hostOf(docker) }, signal })).toMatchObject({
    value: { kind: 'docker', driver: 'docker', version: '23.0.0', endpoint: docker.endpoint, docker: docker.endpoint },
  });
  expect(docker.requests).toEqual(['GET /_ping']);
});

test('one that is too old is passed over, and the reason given', async () => {
  await using docker = await playDocker({ version: OLD });
  await using data = await tempFolder('data');
  expect(await findEngine({ dataDir: data.path, env: { DOCKER_HOST: hostOf(docker) }, signal })).toEqual({
    ok: false,
    failure: {
      reason: 'engine-failed',
      step: 'find an engine',
      cause: `no BuildKit daemon and no Docker Engine is at hand (Docker Engine 20.10.24 at ${hostOf(docker)} is too old; 23 is the first that will do)`,
      hint: 'Run `depot engine up`, start Docker Engine 23 or newer, or set BUILDKIT_HOST.',
    },
  });
});

test('setting an engine up says so as well when it passes one over', async () => {
  await using docker = await playDocker({ version: OLD });
  await using data = await tempFolder('data');
  const events: StepEvent[] = [];
  const facts = { platform: 'linux', architecture: 'amd64', userId: 1000, distributions: ['debian'] };
  const env = { DOCKER_HOST: hostOf(docker) };
  await engineUp({ dataDir: data.path, env, facts, report: (event) => events.push(event), signal });
  expect(events.find((event) => event.state === 'skipped')).toEqual({
    id: 'use-docker',
    title: 'Use the Docker Engine that is here',
    state: 'skipped',
    detail: `Docker Engine 20.10.24 at ${hostOf(docker)} is too old; 23 is the first that will do`,
  });
});

test('a Docker that was asked for and is not there is a failure, never passed over', async () => {
  await using data = await tempFolder('data');
  const path = join(data.path, 'none.sock');
  expect(await findEngine({ dataDir: data.path, env: { DOCKER_HOST: `unix://${path}` }, signal })).toEqual({
    ok: false,
    failure: {
      reason: 'builder-unreachable',
      endpoint: `unix://${path}`,
      cause: `connect ENOENT ${path}`,
      hint: 'DOCKER_HOST asks for this Docker Engine. Start it, or unset that.',
    },
  });
});

test("our own engine's socket may be asked for before that engine runs", async () => {
  await using data = await tempFolder('data');
  const path = join(data.path, 'engine', 'run', 'docker.sock');
  expect(await findEngine({ dataDir: data.path, env: { DOCKER_HOST: `unix://${path}` }, signal })).toEqual({
    ok: false,
    failure: {
      reason: 'engine-failed',
      step: 'find an engine',
      cause: `no BuildKit daemon and no Docker Engine is at hand (unix://${path}: connect ENOENT ${path})`,
      hint: 'Run `depot engine up`, start Docker Engine 23 or newer, or set BUILDKIT_HOST.',
    },
  });
});

function hostOf({ endpoint }: PlayedDocker): string {
  if (endpoint.kind !== 'docker-unix') throw new Error('it is played over TCP');
  return `unix://${endpoint.path}`;
}
