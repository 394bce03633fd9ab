import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { engineDown, engineUp } from '../../../../runtime/hosts/engine/engine.ts';
import { findProgram } from '../../../../runtime/hosts/engine/facts.ts';
import type { StepEvent } from '../../../../runtime/hosts/engine/step.ts';
import { must, sharedRoot } from '../../../rig/engine.ts';
import type { TempFolder } from '../../../rig/folder.ts';
import { tempFolder } from '../../../rig/folder.ts';
import { busybox, shellContext } from '../../../rig/image.ts';
import { leftovers, NOTHING } from '../../../rig/leftovers.ts';
import { peers } from '../../../rig/peers.ts';

// Setting it up on a new machine takes a minute, which no test's own time allows for.
beforeAll(async () => void (await sharedRoot()));

// No Debian suite has buildkitd, so most machines do not either.
const program = await findProgram('buildkitd', process.env);

describe.skipIf(program === undefined)('a buildkitd on PATH', () => {
  test('is started with a state of its own, builds, is found again, and leaves nothing when it is stopped', async () => {
    await using data = await tempFolder('own');
    const events: StepEvent[] = [];
    const options = {
      dataDir: data.path,
      env: { PATH: process.env['PATH'] },
      report: (event: StepEvent) => events.push(event),
      signal: AbortSignal.timeout(120_000),
    };
    const handle = must(await engineUp(options));
    const socket = join(data.path, 'buildkitd', 'buildkitd.sock');
    expect(handle).toMatchObject({ kind: 'buildkitd', endpoint: { kind: 'unix', path: socket }, driver: 'remote' });
    expect(must(await engineUp(options))).toEqual(handle);
    expect(events.filter(({ id, state }) => id === 'start-buildkitd' && state === 'done')).toHaveLength(1);

    await using buildx = await peers();
    await using context = await shellContext('RUN echo built > /result');
    await buildx.run('buildx', ['create', '--name', 'own', '--driver', 'remote', `unix://${socket}`]);
    const out = join(context.path, 'out');
    const built = await buildx.run('buildx', [
      ...['build', '--builder', 'own', '--build-context', `busybox=${await busybox()}`],
      ...['--output', `type=local,dest=${out}`, context.path],
    ]);
    expect(built.exitCode, built.stderr).toBe(0);
    expect(await readFile(join(out, 'result'), 'utf8')).toBe('built\n');

    expect(must(await engineDown(options)).stopped).toEqual(['buildkitd']);
    expect(await leftovers(data.path)).toEqual(NOTHING);
  });
});

test('a buildkitd that does not come up is told with its reason, and the next engine is taken', async () => {
  await using data = await tempFolder('own');
  await using bin = await brokenBuildkitd();
  const events: StepEvent[] = [];
  const facts = { platform: 'linux', architecture: 'amd64', userId: 0, distributions: ['fedora'] };
  const env = { PATH: `${bin.path}:${process.env['PATH']}`, DOCKER_HOST: `unix://${join(data.path, 'none.sock')}` };
  const report = (event: StepEvent): void => void events.push(event);
  const ended = await engineUp({ dataDir: data.path, env, facts, report, signal: AbortSignal.timeout(60_000) });
  expect(events.find(({ id, state }) => id === 'start-buildkitd' && state === 'failed')?.detail).toBe(
    'it ended (exit code 4)',
  );
  expect(ended).toMatchObject({ failure: { reason: 'builder-unreachable' } });
  expect(await leftovers(data.path)).toEqual(NOTHING);
});

/** Stands for a buildkitd that cannot run on its machine. */
async function brokenBuildkitd(): Promise<TempFolder> {
  const folder = await tempFolder('bin');
  await writeFile(join(folder.path, 'buildkitd'), '#!/bin/sh\necho no runc >&2\nexit 4\n', { mode: 0o755 });
  return folder;
}
