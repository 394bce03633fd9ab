import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DockerEngine } from '../../../../runtime/docker/engine.ts';
import type { EngineDownOptions, EngineUpOptions } from '../../../../runtime/hosts/engine/engine.ts';
import { engineDown, engineStatus, engineUp } from '../../../../runtime/hosts/engine/engine.ts';
import { identify } from '../../../../runtime/hosts/engine/process.ts';
import type { StepEvent } from '../../../../runtime/hosts/engine/step.ts';
import { must, sharedRoot, takeDown } from '../../../rig/engine.ts';
import type { TempFolder } from '../../../rig/folder.ts';
import { tempFolder } from '../../../rig/folder.ts';
import { busybox, shellContext } from '../../../rig/image.ts';
import { leftovers, NOTHING } from '../../../rig/leftovers.ts';
import { peers } from '../../../rig/peers.ts';

const ENGINE = new URL('../../../../runtime/hosts/engine/engine.ts', import.meta.url).href;

let root: string;
let data: TempFolder;

beforeAll(async () => {
  root = await sharedRoot();
  data = await tempFolder('own');
});

afterAll(async () => {
  await takeDown(data.path);
  await data[Symbol.asyncDispose]();
});

describe('a sandboxed engine', () => {
  test('is set up step by step, and found by the next who asks', async () => {
    const events: StepEvent[] = [];
    const handle = must(await engineUp(options({ report: (event) => events.push(event) })));
    expect(handle).toMatchObject({
      kind: 'sandbox',
      endpoint: { kind: 'docker-unix', path: join(data.path, 'engine/run/docker.sock') },
      docker: { kind: 'docker-unix', path: join(data.path, 'engine/run/docker.sock') },
      driver: 'docker',
      root,
    });
    expect(events.filter(({ state }) => state === 'done').map(({ id }) => id)).toEqual([
      'find-engine',
      'make-bridge',
      'start-dockerd',
      'register-emulation',
    ]);

    const again: StepEvent[] = [];
    expect(must(await engineUp(options({ report: (event) => again.push(event) })))).toEqual(handle);
    expect(again.map(({ id, state }) => `${id} ${state}`)).toEqual(['find-engine started', 'find-engine done']);
    expect(must(await engineStatus(options())).sandbox).toMatchObject({ state: 'running', version: handle.version });
  });

  test('builds for both architectures and reaches the network from its steps', async () => {
    await using buildx = await peers({ dockerHost: `unix://${join(data.path, 'engine/run/docker.sock')}` });
    await using context = await shellContext(
      'RUN uname -m > /machine && ip route > /route',
      'CMD ["cat", "/machine", "/route"]',
    );
    const platforms = ['--platform', 'linux/amd64,linux/arm64'];
    const built = await buildx.run('buildx', [
      ...['build', ...platforms, '--build-context', `busybox=${await busybox()}`, '--tag', 'both:1', context.path],
    ]);
    expect(built.exitCode, built.stderr).toBe(0);
    for (const [platform, machine] of [
      ['linux/amd64', 'x86_64'],
      ['linux/arm64', 'aarch64'],
    ] as const) {
      const ran = await buildx.run('docker', ['run', '--rm', '--platform', platform, 'both:1']);
      expect(ran.stdout).toMatch(new RegExp(`^${machine}\ndefault via 10\\.213\\.\\d+\\.1 `));
    }
  });

  test('that is stopped leaves nothing on the machine, but its images', async () => {
    const running = await runSleeper();
    expect(must(await engineDown(options())).stopped).toEqual(['sandbox']);
    expect(await leftovers(data.path)).toEqual(NOTHING);
    expect(await identify(running)).toBeUndefined();
    expect(must(await engineStatus(options())).sandbox.state).toBe('stopped');
    expect(must(await engineDown(options())).stopped).toEqual([]);

    must(await engineUp(options()));
    expect(await imageTags()).toContain('both:1');
  });

  test('whose dockerd is killed takes everything with it, is known as dead, and comes back', async () => {
    const running = await runSleeper();
    process.kill(await dockerdPid(), 'SIGKILL');
    await expect.poll(() => identify(running)).toBeUndefined();
    await expect.poll(async () => (await leftovers(data.path)).processes).toEqual([]);
    expect(must(await engineStatus(options())).sandbox.state).toBe('dead');

    // Who has set DOCKER_HOST to its socket asks for this engine, and for no other.
    const env = { ...process.env, DOCKER_HOST: `unix://${join(data.path, 'engine/run/docker.sock')}` };
    expect(must(await engineUp({ ...options(), env, sandboxOnly: false })).kind).toBe('sandbox');
    expect(await imageTags()).toContain('both:1');
  });

  test('whose dockerd was killed is also cleared away by a mere stop', async () => {
    process.kill(await dockerdPid(), 'SIGKILL');
    await expect.poll(async () => (await leftovers(data.path)).processes).toEqual([]);
    expect((await leftovers(data.path)).interfaces).toHaveLength(1);
    expect(must(await engineDown(options())).stopped).toEqual(['sandbox']);
    expect(await leftovers(data.path)).toEqual(NOTHING);
  });

  test('that two start at once is one engine', async () => {
    const [one, other] = await Promise.all([startElsewhere(), engineUp(options()), sleep(0)]);
    expect(must(other).kind).toBe('sandbox');
    expect(await one.exitCode).toBe(0);
    const daemons = (await leftovers(data.path)).processes.filter((command) => command.startsWith('dockerd '));
    expect(daemons).toHaveLength(1);
  });

  test('survives a start that is killed at any moment: the next one mends it', async () => {
    for (const afterMs of [0, 20, 40, 60, 80, 110, 140, 180]) {
      must(await engineDown(options()));
      const start = await startElsewhere();
      await sleep(afterMs);
      start.child.kill('SIGKILL');
      await start.exitCode;
      must(await engineUp(options()));
      const daemons = (await leftovers(data.path)).processes.filter((command) => command.startsWith('dockerd '));
      expect(daemons, `killed after ${afterMs} ms`).toHaveLength(1);
    }
    must(await engineDown(options()));
    expect(await leftovers(data.path)).toEqual(NOTHING);
  }, 120_000);

  test('whose start is cancelled leaves nothing behind, and starts the next time', async () => {
    const canceling = new AbortController();
    const report = (event: StepEvent): void => {
      if (event.id === 'start-dockerd') canceling.abort();
    };
    expect(await engineUp(options({ report, signal: canceling.signal }))).toEqual({
      ok: false,
      failure: { reason: 'canceled' },
    });
    expect(await leftovers(data.path)).toEqual(NOTHING);
    must(await engineUp(options()));
  });

  test('that cannot start says why, with the end of the log', async () => {
    must(await engineDown(options()));
    const config = join(data.path, 'engine/etc/daemon.json');
    await writeFile(config, '{"no-such-option": true}');
    const failed = await engineUp(options());
    await rm(config);
    expect(failed).toMatchObject({
      failure: {
        reason: 'engine-failed',
        step: 'Start dockerd',
        cause: 'dockerd did not come up: it ended (exit code 1)',
      },
    });
    expect(JSON.stringify(failed)).toContain('no-such-option');
    expect(await leftovers(data.path)).toEqual(NOTHING);
  });

  test('that is purged leaves no file either', async () => {
    must(await engineUp(options()));
    must(await engineDown(options({ purge: true })));
    await expect(access(join(data.path, 'engine'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await leftovers(data.path)).toEqual(NOTHING);
  });
});

test('the making of a Debian root that is killed in its midst leaves no process and no mount', async () => {
  await using fresh = await tempFolder('own');
  const start = await startElsewhere({ dataDir: fresh.path, root: undefined });
  await start.line('make-root running');
  await sleep(500);
  expect((await leftovers(fresh.path)).processes.length).toBeGreaterThan(1);
  start.child.kill('SIGKILL');
  await start.exitCode;
  await expect.poll(() => leftovers(fresh.path)).toEqual(NOTHING);
});

function options(more: Partial<EngineDownOptions> = {}): EngineUpOptions & EngineDownOptions {
  const signal = AbortSignal.timeout(120_000);
  return { dataDir: data.path, root, env: process.env, report: () => undefined, sandboxOnly: true, signal, ...more };
}

async function dockerdPid(): Promise<number> {
  const init = Number((await readFile(join(data.path, 'engine/run/init'), 'utf8')).split('\n')[1]?.split(' ')[0]);
  const children = await readFile(`/proc/${init}/task/${init}/children`, 'utf8');
  return Number(children.trim().split(' ')[0]);
}

/** Leaves a container running and gives its process, as the machine numbers it. */
async function runSleeper(): Promise<number> {
  await using docker = await peers({ dockerHost: `unix://${join(data.path, 'engine/run/docker.sock')}` });
  const ran = await docker.run('docker', ['run', '--detach', '--init', 'both:1', 'sleep', '7654321']);
  expect(ran.exitCode, ran.stderr).toBe(0);
  let sleeper: number | undefined;
  await expect.poll(async () => (sleeper = await sleeperOf(ran.stdout.trim()))).toBeDefined();
  return sleeper ?? 0;
}

async function sleeperOf(container: string): Promise<number | undefined> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
    if (command.startsWith('sleep\0') && groups.includes(container)) return Number(pid);
  }
  return undefined;
}

async function imageTags(): Promise<readonly string[]> {
  using docker = new DockerEngine({ kind: 'docker-unix', path: join(data.path, 'engine/run/docker.sock') });
  return (await docker.inspectImage('both:1', { signal: AbortSignal.timeout(10_000) }))?.tags ?? [];
}

interface Elsewhere {
  readonly child: ChildProcess;
  readonly exitCode: Promise<number | null>;
  /** Resolves when it reports that step in that state (`make-root running`). */
  line(wanted: string): Promise<void>;
}

/** Runs engineUp in a process of its own, so that it can be killed. */
async function startElsewhere(
  where: { readonly dataDir: string; readonly root: string | undefined } = { dataDir: data.path, root },
): Promise<Elsewhere> {
  const program = `
    import { engineUp } from ${JSON.stringify(ENGINE)};
    const report = (event) => console.log(event.id + ' ' + event.state);
    const signal = AbortSignal.timeout(120000);
    const result = await engineUp({ ...${JSON.stringify(where)}, env: process.env, report, sandboxOnly: true, signal });
    process.exitCode = result.ok ? 0 : 1;
  `;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const exitCode = once(child, 'close').then(([code]) => code as number | null);
  await once(child.stdout, 'data');
  return { child, exitCode, line: (wanted) => expect.poll(() => said, { timeout: 60_000 }).toContain(wanted) };
}
