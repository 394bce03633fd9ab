import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { BuildkitClient } from '../../../runtime/buildkit/client.ts';
import type { Endpoint } from '../../../runtime/buildkit/endpoint.ts';
import type { Build } from '../../../runtime/buildkit/solve.ts';
import { solve } from '../../../runtime/buildkit/solve.ts';
import { status } from '../../../runtime/rpc/status.ts';
import { randomId } from '../../../runtime/session/session.ts';
import { shellBuild } from '../../rig/build.ts';
import { remoteBuildkit } from '../../rig/byte-pipe.ts';
import { depot } from '../../rig/depot.ts';
import type { TestEngine } from '../../rig/engine.ts';
import { sharedEngine } from '../../rig/engine.ts';
import { busybox } from '../../rig/image.ts';
import { processesWith, untilItRuns } from '../../rig/processes.ts';

const TEST_MS = 60_000;

/** Within this a build that is cancelled ends here, and its steps there. */
const ENDED_MS = 5_000;

let engine: TestEngine;
let nextSleep = 6_000_000 + (process.pid % 100_000) * 10;

beforeAll(async () => {
  engine = await sharedEngine();
});

/** A command that no other process has in its line. */
function sleep(): string {
  return `sleep ${nextSleep++}`;
}

async function expectToEnd(command: string): Promise<void> {
  const lines = async (): Promise<readonly string[]> => [...(await processesWith(command)).values()];
  await expect.poll(lines, { timeout: ENDED_MS }).toEqual([]);
}

/** The daemon has it as over, and as cancelled. */
async function expectRecord(ref: string): Promise<void> {
  using client = new BuildkitClient(engine.docker);
  const record = async (): Promise<unknown> => client.history(ref, { signal: AbortSignal.timeout(ENDED_MS) });
  await expect.poll(record, { timeout: ENDED_MS }).toMatchObject({
    Ref: ref,
    CompletedAt: { nanos: expect.any(Number) },
    error: { code: status.CANCELLED, message: expect.stringContaining('context canceled') },
  });
}

/** Cancels a build once its step runs. */
async function expectToCancel(endpoint: Endpoint, more: Build = {}): Promise<void> {
  const command = sleep();
  await using made = await shellBuild([`RUN ${command}`]);
  using client = new BuildkitClient(endpoint);
  const abort = new AbortController();
  const ref = randomId();
  const errors: string[] = [];
  const building = solve(
    client,
    { ...made.build, ...more, ref },
    { onStatus: ({ vertexes }) => errors.push(...vertexes.map(({ error }) => error)), signal: abort.signal },
  );
  const told = building.catch((error: unknown) => error);
  await untilItRuns(command);
  const reason = new Error('enough');
  const atMs = performance.now();
  abort.abort(reason);
  expect(await told).toBe(reason);
  expect(performance.now() - atMs).toBeLessThan(ENDED_MS);
  await expectToEnd(command);
  await expectRecord(ref);
  expect(errors.some((error) => error.endsWith('context canceled'))).toBe(true);
}

describe('a build that its signal ends is cancelled on the daemon, its step killed, its last news still told:', () => {
  test('while its result is exported', () => expectToCancel(engine.docker), TEST_MS);

  test(
    'while its result is evaluated',
    () => expectToCancel(engine.docker, { onResult: (_result, evaluate) => evaluate() }),
    TEST_MS,
  );

  test(
    'behind tcp',
    async () => {
      await using pipe = await remoteBuildkit(engine.docker);
      await expectToCancel({ kind: 'tcp', host: '127.0.0.1', port: Number(new URL(pipe.address).port) });
    },
    TEST_MS,
  );

  test('while its context is sent', async () => {
    await using made = await shellBuild(['COPY huge /']);
    await writeFile(join(made.path, 'huge'), '');
    await truncate(join(made.path, 'huge'), 20_000_000_000);
    using client = new BuildkitClient(engine.docker);
    const abort = new AbortController();
    const ref = randomId();
    const sent = Promise.withResolvers<void>();
    const building = solve(
      client,
      { ...made.build, ref },
      {
        onStatus: ({ statuses }) => {
          if (statuses.some(({ id, current }) => id === 'transferring context:' && current > 10_000_000))
            sent.resolve();
        },
        signal: abort.signal,
      },
    );
    const told = building.catch((error: unknown) => error);
    await sent.promise;
    const atMs = performance.now();
    abort.abort();
    expect(await told).toMatchObject({ name: 'AbortError' });
    expect(performance.now() - atMs).toBeLessThan(ENDED_MS);
    await expectRecord(ref);
  });

  test('by the end of its client', async () => {
    const command = sleep();
    await using made = await shellBuild([`RUN ${command}`]);
    const client = new BuildkitClient(engine.docker);
    const ref = randomId();
    const building = solve(client, { ...made.build, ref }, { signal: AbortSignal.timeout(TEST_MS) });
    const told = building.catch((error: unknown) => error);
    await untilItRuns(command);
    client[Symbol.dispose]();
    expect(await told).toBeInstanceOf(Error);
    await expectToEnd(command);
    await expectRecord(ref);
  });
});

test.each([
  ['build', ['.']],
  ['bake', ['-f', 'docker-bake.hcl', 'it']],
])('Ctrl-C of depot %s cancels the build on the daemon', async (command, args) => {
  const sleeping = sleep();
  await using made = await shellBuild(['ARG MARK', `RUN ${sleeping}`]);
  const mark = randomId();
  await writeFile(
    join(made.path, 'docker-bake.hcl'),
    `target "it" {\n  args = { MARK = "${mark}" }\n  contexts = { busybox = "${await busybox()}" }\n}\n`,
  );
  const how = command === 'bake' ? [`--allow=fs.read=${await busybox()}`] : [];
  const flags = command === 'build' ? [`--build-arg=MARK=${mark}`, `--build-context=busybox=${await busybox()}`] : how;
  const interrupt = new AbortController();
  const env = { DOCKER_HOST: engine.dockerHost };
  const running = depot([command, ...flags, ...args], { cwd: made.path, env, interrupt: interrupt.signal });
  await untilItRuns(sleeping);
  const atMs = performance.now();
  interrupt.abort();
  expect((await running).exitCode).toBe(130);
  expect(performance.now() - atMs).toBeLessThan(ENDED_MS);
  await expectToEnd(sleeping);
  using client = new BuildkitClient(engine.docker);
  const refs: string[] = [];
  for await (const { record } of client.builds({}, { signal: AbortSignal.timeout(ENDED_MS) })) {
    if (record.FrontendAttrs['build-arg:MARK'] === mark) refs.push(record.Ref);
  }
  expect(refs).toHaveLength(1);
  await expectRecord(refs[0] ?? '');
});
