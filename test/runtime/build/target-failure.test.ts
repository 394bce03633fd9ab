import { expect, test } from 'vitest';
import { runBuild } from '../../../runtime/build/build.ts';
import { EMPTY_DOCKER_CONFIG } from '../../../runtime/docker/config.ts';
import { CredentialStore } from '../../../runtime/docker/credentials.ts';
import { TokenSeeds } from '../../../runtime/session/token-seeds.ts';
import { fakeDaemon } from '../../rig/fake-daemon.ts';
import { target } from '../../rig/target.ts';
import { tree } from '../../rig/tree.ts';

test('a target that cannot be asked for fails alone; those that link to it are skipped, the others are built', async () => {
  await using folder = await tree({ Dockerfile: 'FROM scratch\n' });
  await using daemon = await fakeDaemon({ version: 'v0.25.0', capabilities: [] });
  const env = new Map([['BUILDX_GIT_INFO', '0']]);
  const targets = [
    target('elsewhere', { contextIsRemote: true }),
    target('behind', { contexts: { base: 'target:elsewhere' }, dockerfileInline: 'FROM base' }),
    target('alone', { dockerfileInline: 'FROM scratch' }),
  ].map((one) => ({ ...one, context: one.name === 'elsewhere' ? 'folder' : folder.path }));
  const ended = await runBuild({
    plan: {
      groups: [],
      targets,
      requested: targets.map(({ name }) => name),
      remote: 'https://ada:secret@host/app.git?nonsense=1',
    },
    builder: { endpoint: { kind: 'unix', path: daemon.path }, name: 'fake', driver: 'remote' },
    cwd: folder.path,
    services: {
      credentials: new CredentialStore(EMPTY_DOCKER_CONFIG, env),
      tokenSeeds: new TokenSeeds(),
      env,
      nodeId: '',
      defaultProvenance: false,
      stdout: process.stdout,
    },
    emit: () => undefined,
    signal: AbortSignal.timeout(20_000),
  });
  expect(ended).toMatchObject({
    ok: true,
    value: {
      built: [{ name: 'alone' }],
      failures: [
        {
          reason: 'definition-unreadable',
          url: 'https://xxxxx:xxxxx@host/app.git?nonsense=xxxxx',
          cause: 'unexpected query "nonsense" (context)',
        },
      ],
    },
  });
});
