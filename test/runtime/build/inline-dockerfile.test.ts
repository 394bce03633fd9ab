import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { runBuild } from '../../../runtime/build/build.ts';
import { EMPTY_DOCKER_CONFIG } from '../../../runtime/docker/config.ts';
import { CredentialStore } from '../../../runtime/docker/credentials.ts';
import { TokenSeeds } from '../../../runtime/session/token-seeds.ts';
import { tempFolder } from '../../rig/folder.ts';
import { target } from '../../rig/target.ts';

afterEach(() => void vi.unstubAllEnvs());

/** No text, so that the file system refuses to write it, as it does when a disk is full. */
const UNWRITABLE = {} as unknown as string;

test('no inline Dockerfile stays behind when one of them cannot be written', async () => {
  await using folder = await tempFolder('inline');
  vi.stubEnv('TMPDIR', folder.path);
  const env = new Map<string, string>();
  const targets = ['FROM a', UNWRITABLE, 'FROM b'].map((dockerfileInline, at) =>
    target(`t${at}`, { dockerfileInline }),
  );
  const build = runBuild({
    plan: { groups: [], targets, requested: targets.map(({ name }) => name) },
    builder: { endpoint: { kind: 'unix', path: '/nowhere' }, name: 'none', driver: 'remote' },
    cwd: folder.path,
    services: {
      credentials: new CredentialStore(EMPTY_DOCKER_CONFIG, env),
      tokenSeeds: new TokenSeeds(path.join(folder.path, 'seeds')),
      env,
      nodeId: '',
      defaultProvenance: false,
      stdout: process.stdout,
    },
    emit: () => undefined,
    signal: new AbortController().signal,
  });
  await expect(build).rejects.toThrow(TypeError);
  expect(await readdir(folder.path)).toEqual([]);
});
