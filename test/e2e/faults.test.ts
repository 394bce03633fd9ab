import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { runningDaemon } from '../../runtime/hosts/engine/daemon.ts';
import { enginePaths } from '../../runtime/hosts/engine/paths.ts';
import { bundledDepot } from '../rig/bundle.ts';
import { remoteBuildkit } from '../rig/byte-pipe.ts';
import type { DepotOptions, DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { dockerOf, ownEngine, sharedEngine } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import { busybox, shellContext } from '../rig/image.ts';
import { processesWith } from '../rig/processes.ts';
import type { TestRegistry } from '../rig/registry.ts';
import { testRegistry } from '../rig/registry.ts';
import { tokenRegistry } from '../rig/token-registry.ts';

/** A fault must be noticed within this; a step that is let run takes many times as long. */
const NOTICED_MS = 10_000;

let engine: TestEngine;
let nextSleep = 7_000_000 + (process.pid % 100_000) * 10;

beforeAll(async () => {
  engine = await sharedEngine();
});

/** A project whose target `web` sleeps, for a number of seconds that no other process names. */
async function sleeper(): Promise<TempFolder & { readonly command: string }> {
  const command = `sleep ${nextSleep++}`;
  const folder = await shellContext('ARG ALONE=0', `RUN ${command}`);
  const targets = [
    `target "web" {\n  contexts = { busybox = "${await busybox()}" }\n}`,
    `target "alone" {\n  contexts = { busybox = "${await busybox()}" }\n  args = { ALONE = 1 }\n}`,
    'target "child" {\n  contexts = { busybox = "target:web" }\n}',
  ];
  await writeFile(join(folder.path, 'docker-bake.hcl'), targets.join('\n'));
  return { ...folder, command };
}

/** Bakes the sleeping project; once it sleeps, does something to it, and tells how long the end took after that. */
async function bakeAsleep(
  project: Awaited<ReturnType<typeof sleeper>>,
  env: Readonly<Record<string, string>>,
  {
    targets,
    interrupt = new AbortController(),
    interruptBy = 'SIGINT',
    whenAsleep,
  }: {
    readonly targets: readonly string[];
    readonly interrupt?: AbortController;
    readonly interruptBy?: NodeJS.Signals;
    readonly whenAsleep: () => void;
  },
): Promise<DepotRun & { readonly noticedMs: number }> {
  const args = ['bake', `--allow=fs.read=${await busybox()}`, ...targets];
  const run = depot(args, { cwd: project.path, env, interrupt: interrupt.signal, interruptBy });
  let ended = false;
  void run.then(() => (ended = true));
  await expect
    .poll(async () => ended || (await processesWith(project.command)).size > 0, { timeout: 20_000 })
    .toBe(true);
  if (ended) throw new Error(`it ended before it slept:\n${(await run).stderr}`);
  const atMs = performance.now();
  whenAsleep();
  return { ...(await run), noticedMs: performance.now() - atMs };
}

async function expectNothingAsleep({ command }: { readonly command: string }): Promise<void> {
  await expect.poll(async () => [...(await processesWith(command)).values()], { timeout: NOTICED_MS }).toEqual([]);
}

/** The lines that are no progress: what the user is told at the end. */
function told({ stderr }: DepotRun): readonly string[] {
  return stderr.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('a builder that is lost in mid-build', () => {
  test('by the death of its engine is told once, and at once', async () => {
    await using own = await ownEngine();
    await using project = await sleeper();
    const daemon = await runningDaemon(enginePaths({ dataDir: own.dataDir }).run);
    if (daemon === undefined) throw new Error('the engine has no process');
    const run = await bakeAsleep(
      project,
      { DOCKER_HOST: own.dockerHost },
      { targets: ['web', 'child', 'alone'], whenAsleep: () => void process.kill(daemon.pid, 'SIGKILL') },
    );
    expect(told(run)).toEqual([
      '[child] SKIPPED: target web was not built',
      expect.stringMatching(
        /^ERROR: targets web, alone: the builder at unix:\/\/.*docker\.sock went away during the build: connection dropped$/,
      ),
    ]);
    expect(run.exitCode).toBe(1);
    expect(run.noticedMs).toBeLessThan(NOTICED_MS);
  });

  test('by a broken connection is told, and the step is stopped on the other side', async () => {
    await using pipe = await remoteBuildkit(engine.docker);
    await using project = await sleeper();
    const env = { BUILDKIT_HOST: pipe.address, DOCKER_HOST: engine.dockerHost };
    const run = await bakeAsleep(project, env, { targets: ['web'], whenAsleep: () => pipe.cut() });
    expect(told(run)).toEqual([
      expect.stringMatching(/^ERROR: target web: the builder at tcp:\/\/127\.0\.0\.1:\d+ went away during the build: /),
    ]);
    expect(run.exitCode).toBe(1);
    expect(run.noticedMs).toBeLessThan(NOTICED_MS);
    await expectNothingAsleep(project);
  });
});

describe('Ctrl-C in mid-build', () => {
  test('ends the build here and on the engine, and leaves the engine running', async () => {
    await using project = await sleeper();
    const interrupt = new AbortController();
    const run = await bakeAsleep(
      project,
      { DOCKER_HOST: engine.dockerHost },
      { targets: ['web', 'child'], interrupt, whenAsleep: () => interrupt.abort() },
    );
    expect(told(run)).toEqual(['Canceling... (press Ctrl-C again to leave at once)', 'ERROR: canceled']);
    expect(run.exitCode).toBe(130);
    expect(run.noticedMs).toBeLessThan(NOTICED_MS);
    await expectNothingAsleep(project);
    using docker = dockerOf(engine);
    await docker.ping({ signal: AbortSignal.timeout(5_000) });
  });
});

test('the death of the process that was started ends the build, here and on the engine', async () => {
  await using project = await sleeper();
  const interrupt = new AbortController();
  const env = { DOCKER_HOST: engine.dockerHost };
  const whenAsleep = (): void => interrupt.abort();
  const run = await bakeAsleep(project, env, { targets: ['web'], interrupt, interruptBy: 'SIGKILL', whenAsleep });
  expect(run.noticedMs).toBeLessThan(NOTICED_MS);
  await expectNothingAsleep(project);
});

test('SIGTERM is obeyed soon, also when the builder does not answer any more', async () => {
  await using own = await ownEngine();
  await using project = await sleeper();
  const daemon = await runningDaemon(enginePaths({ dataDir: own.dataDir }).run);
  if (daemon === undefined) throw new Error('the engine has no process');
  const interrupt = new AbortController();
  const env = { DOCKER_HOST: own.dockerHost };
  const whenAsleep = (): void => {
    process.kill(daemon.pid, 'SIGSTOP');
    interrupt.abort();
  };
  try {
    const run = await bakeAsleep(project, env, { targets: ['web'], interrupt, interruptBy: 'SIGTERM', whenAsleep });
    expect(run.exitCode).toBe(143);
    expect(run.noticedMs).toBeLessThan(4_500);
  } finally {
    process.kill(daemon.pid, 'SIGCONT');
  }
});

describe('a registry', () => {
  const ACCOUNT = { username: 'ada', password: 'right-horse-battery' };
  const WRONG = 'wrong-staple-5f3a';

  /** A Docker configuration with an account for a registry. */
  async function config(host: string, password: string): Promise<TempFolder> {
    const folder = await tempFolder('config');
    const auth = Buffer.from(`${ACCOUNT.username}:${password}`).toString('base64');
    await writeFile(join(folder.path, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
    return folder;
  }

  /** Pushes an image that says who it is from; `from` is its base, else busybox. */
  async function push(
    { host }: Pick<TestRegistry, 'host'>,
    {
      dockerConfig,
      from,
      ...how
    }: { readonly dockerConfig: string; readonly from?: string } & Pick<DepotOptions, 'program'>,
  ): Promise<DepotRun> {
    await using folder = await shellContext(`RUN echo ${Math.random()} > /who`);
    if (from !== undefined) await writeFile(join(folder.path, 'Dockerfile'), `FROM ${from}\nLABEL a=b\n`);
    const contexts = `contexts = { busybox = "${await busybox()}" }`;
    const bake = `target "web" {\n  ${contexts}\n  tags = ["${host}/web:1"]\n}\n`;
    await writeFile(join(folder.path, 'docker-bake.hcl'), bake);
    const args = ['bake', `--allow=fs.read=${await busybox()}`, '--push', '--pull', 'web'];
    return await depot(args, {
      cwd: folder.path,
      env: { DOCKER_HOST: engine.dockerHost, DOCKER_CONFIG: dockerConfig },
      ...how,
    });
  }

  test('takes the right account; a wrong one, or none, is refused with what to do, and no password is shown', async () => {
    await using registry = await testRegistry({ account: ACCOUNT });
    await using right = await config(registry.host, ACCOUNT.password);
    await using wrong = await config(registry.host, WRONG);
    await using none = await tempFolder('config');
    const pushed = await push(registry, { dockerConfig: right.path });
    expect(pushed.exitCode, pushed.stderr).toBe(0);
    for (const { path } of [wrong, none]) {
      const refused = await push(registry, { dockerConfig: path });
      expect(told(refused).slice(-2)).toEqual([
        expect.stringMatching(/^ERROR: target web: failed to solve: failed to push .*401 Unauthorized$/),
        `  log in with \`docker login ${registry.host}\`, or check the credentials in Docker's config.json`,
      ]);
      expect(refused.exitCode).toBe(1);
      const pulled = await push(registry, { dockerConfig: path, from: `${registry.host}/web:1` });
      expect(pulled.stderr).toContain('Dockerfile:1\n');
      expect(told(pulled).at(-2)).toMatch(/^ERROR: target web: failed to solve: .*401 Unauthorized$/);
      expect(pulled.exitCode).toBe(1);
      for (const { stderr, stdout } of [pushed, refused, pulled]) {
        for (const secret of [
          WRONG,
          ACCOUNT.password,
          Buffer.from(`${ACCOUNT.username}:${WRONG}`).toString('base64'),
        ]) {
          expect(stderr + stdout).not.toContain(secret);
        }
      }
    }
  });

  test('that wants tokens is pushed to and pulled from by the bundled program', { timeout: 90_000 }, async () => {
    await using bundled = await bundledDepot();
    const { program } = bundled;
    await using registry = await tokenRegistry(ACCOUNT);
    await using right = await config(registry.host, ACCOUNT.password);
    await using wrong = await config(registry.host, WRONG);
    await using none = await tempFolder('config');
    const pushed = await push(registry, { dockerConfig: right.path, program });
    expect(pushed.exitCode, pushed.stderr).toBe(0);
    expect(pushed.stderr).toContain('[auth] web:pull,push token for');
    expect(pushed.stderr).not.toContain('sharing credentials');
    expect(registry.asked()).toMatchObject({ refused: 0 });
    const pulled = await push(registry, { dockerConfig: right.path, program, from: `${registry.host}/web:1` });
    expect(pulled.exitCode, pulled.stderr).toBe(0);
    for (const { path } of [wrong, none]) {
      const before = registry.asked().refused;
      const refused = await push(registry, { dockerConfig: path, program });
      expect(told(refused).slice(-2)).toEqual([
        expect.stringMatching(/^ERROR: target web: failed to solve: .*\/token refused a token with status 401$/),
        `  log in with \`docker login ${registry.host}\`, or check the credentials in Docker's config.json`,
      ]);
      expect(refused.exitCode).toBe(1);
      expect(registry.asked().refused).toBeGreaterThan(before);
      expect(refused.stderr).not.toContain(WRONG);
    }
  });

  test('that has gone down is named, whether it is pushed to or pulled from', async () => {
    await using registry = await testRegistry();
    await using none = await tempFolder('config');
    expect((await push(registry, { dockerConfig: none.path })).exitCode).toBe(0);
    await registry.stop();
    for (const from of [undefined, `${registry.host}/web:1`]) {
      const run = await push(registry, { dockerConfig: none.path, ...(from === undefined ? {} : { from }) });
      expect(told(run).slice(-2)).toEqual([
        expect.stringMatching(/^ERROR: target web: failed to solve: .*connection refused$/),
        `  is the registry ${registry.host} running, and can the builder reach it?`,
      ]);
      expect(run.exitCode).toBe(1);
    }
    await registry.start();
    expect((await push(registry, { dockerConfig: none.path, from: `${registry.host}/web:1` })).exitCode).toBe(0);
  });
});
