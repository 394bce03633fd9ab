import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { BytePipe } from '../rig/byte-pipe.ts';
import { remoteBuildkit, remoteDocker } from '../rig/byte-pipe.ts';
import type { TestCertificates } from '../rig/certificates.ts';
import { testCertificates } from '../rig/certificates.ts';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import { busybox, shellContext } from '../rig/image.ts';
import { processesWith, untilItRuns } from '../rig/processes.ts';

const TEST_MS = 150_000;

/** What the issue asks: a dead builder is noticed within 30 s. */
const NOTICED_MS = 30_000;

/** Longer than anybody who only listened would wait. */
const STOPPED_MS = 40_000;

let engine: TestEngine;
let certificates: TestCertificates;
let nextSleep = 8_000_000 + (process.pid % 100_000) * 10;

beforeAll(async () => {
  engine = await sharedEngine();
  certificates = await testCertificates();
});

/** A project whose target sleeps without a word. */
async function sleeper(command: string): Promise<TempFolder> {
  const folder = await shellContext(`ARG RANDOM`, `RUN ${command} # $RANDOM`);
  const target = `target "web" {\n  contexts = { busybox = "${await busybox()}" }\n  args = { RANDOM = "${Math.random()}" }\n  output = ["type=cacheonly"]\n}\n`;
  await writeFile(join(folder.path, 'docker-bake.hcl'), target);
  return folder;
}

async function bake(project: TempFolder, env: Readonly<Record<string, string>>): Promise<DepotRun> {
  const args = ['bake', '-f', join(project.path, 'docker-bake.hcl'), `--allow=fs.read=${await busybox()}`, 'web'];
  return depot(args, { cwd: project.path, env });
}

async function expectToBeNoticed(pipe: BytePipe, env: Readonly<Record<string, string>>): Promise<void> {
  const command = `sleep ${nextSleep++}`;
  await using project = await sleeper(command);
  const running = bake(project, env);
  await untilItRuns(command);
  const atMs = performance.now();
  pipe.stall();
  const run = await running;
  expect(performance.now() - atMs).toBeLessThan(NOTICED_MS);
  expect(run.stderr.trimEnd().split('\n').at(-1)).toMatch(
    /^ERROR: target web: the builder at \S+ went away during the build: it has not answered for \d\d seconds$/,
  );
  expect(run.exitCode).toBe(1);
}

describe.concurrent('a builder', () => {
  test('that falls silent without hanging up is noticed within 30 s, behind tcp', { timeout: TEST_MS }, async () => {
    await using pipe = await remoteBuildkit(engine.docker);
    await expectToBeNoticed(pipe, { BUILDKIT_HOST: pipe.address, DOCKER_HOST: engine.dockerHost });
  });

  test(
    'that falls silent without hanging up is noticed within 30 s, behind a unix socket',
    { timeout: TEST_MS },
    async () => {
      await using pipe = await remoteBuildkit(engine.docker, { unix: true });
      await expectToBeNoticed(pipe, { BUILDKIT_HOST: pipe.address, DOCKER_HOST: engine.dockerHost });
    },
  );

  test(
    'that falls silent without hanging up is noticed within 30 s, behind mutual TLS',
    { timeout: TEST_MS },
    async () => {
      await using pipe = await remoteBuildkit(engine.docker, { mutualTls: certificates });
      const { ca, client } = certificates;
      await using folder = await tempFolder('tls');
      const files = { 'ca.pem': ca, 'cert.pem': client.cert, 'key.pem': client.key };
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text);
      const env = { BUILDKIT_HOST: pipe.address, BUILDKIT_TLS_DIR: folder.path, DOCKER_HOST: engine.dockerHost };
      await expectToBeNoticed(pipe, env);
    },
  );

  test('that falls silent is noticed within 30 s, inside a Docker Engine', { timeout: TEST_MS }, async () => {
    await using pipe = await remoteDocker(engine.docker);
    await expectToBeNoticed(pipe, { DOCKER_HOST: pipe.address });
  });
  test('that lives is not given up while a step says nothing for a minute', { timeout: TEST_MS }, async () => {
    await using project = await sleeper('sleep 60.25');
    const run = await bake(project, { DOCKER_HOST: engine.dockerHost });
    expect(run.exitCode, run.stderr).toBe(0);
  });

  test('that lives is not given up when this process was stopped for 40 s', { timeout: TEST_MS }, async () => {
    const command = `sleep 70.${nextSleep++}`;
    await using project = await sleeper(command);
    const running = bake(project, { DOCKER_HOST: engine.dockerHost });
    await untilItRuns(command);
    const ours = [...(await processesWith(project.path))].filter(([, line]) => line.includes('depot'));
    expect(ours).not.toEqual([]);
    for (const [pid] of ours) process.kill(pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, STOPPED_MS));
    for (const [pid] of ours) process.kill(pid, 'SIGCONT');
    const run = await running;
    expect(run.stderr).not.toContain('has not answered');
    expect(run.exitCode, run.stderr).toBe(0);
  });
});
