import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Result } from '../../planner/result.ts';
import { DockerEngine } from '../../runtime/docker/engine.ts';
import type { DockerEndpoint } from '../../runtime/docker/http.ts';
import type { RuntimeFailure } from '../../runtime/failure.ts';
import type { EngineHandle } from '../../runtime/hosts/engine/discover.ts';
import { findEngine } from '../../runtime/hosts/engine/discover.ts';
import type { EngineUpOptions } from '../../runtime/hosts/engine/engine.ts';
import { engineDown, engineRoot, engineUp } from '../../runtime/hosts/engine/engine.ts';
import { runFolder, tempFolder, userDataDir } from './folder.ts';

const UP_MS = 600_000;
const DOWN_MS = 60_000;

/** The Docker API of an engine on this machine. */
export type ReachedDocker = Extract<DockerEndpoint, { readonly kind: 'docker-unix' | 'docker-tcp' }>;

/** An engine to build on, with the Docker that belongs to it. */
export interface TestEngine {
  readonly handle: EngineHandle;
  readonly docker: ReachedDocker;
  /** `unix:///…` or `tcp://…`, for `DOCKER_HOST`. */
  readonly dockerHost: string;
}

let shared: Promise<TestEngine> | undefined;

/**
 * The engine all test files of this run share. One that runs on the machine (BUILDKIT_HOST, Docker 23 or newer) and has a
 * Docker to load into is used and left alone; else a sandboxed one is started for the run and taken down at its end
 * by engine-setup.ts. Ask for it in `beforeAll`: on a new machine it takes longer than a test may.
 */
export function sharedEngine(): Promise<TestEngine> {
  shared ??= findOrStart();
  return shared;
}

/** A sandboxed engine for one test alone, which may do anything to it. */
export async function ownEngine(
  options: Pick<EngineUpOptions, 'imageStore'> = {},
): Promise<TestEngine & AsyncDisposable & { readonly dataDir: string }> {
  const folder = await tempFolder('own');
  const engine = await start(folder.path, options);
  return {
    ...engine,
    dataDir: folder.path,
    [Symbol.asyncDispose]: async () => {
      await takeDown(folder.path);
      await folder[Symbol.asyncDispose]();
    },
  };
}

/**
 * The Debian root with the real peers in it: made once on a machine, in the user's data folder, and shared. Ask for it in
 * `beforeAll`: the making takes about a minute.
 */
export async function sharedRoot(): Promise<string> {
  const options = { dataDir: userDataDir(), env: process.env, report: () => undefined };
  return must(await engineRoot({ ...options, signal: AbortSignal.timeout(UP_MS) }));
}

/** The Docker API of an engine; closed with its scope. */
export function dockerOf(engine: TestEngine): DockerEngine {
  return new DockerEngine(engine.docker);
}

/** Stops the engine of a test data folder, if one runs there, and removes what it kept. */
export async function takeDown(dataDir: string): Promise<void> {
  const signal = AbortSignal.timeout(DOWN_MS);
  must(
    await engineDown({
      dataDir,
      root: join(userDataDir(), 'engine', 'root'),
      purge: true,
      report: () => undefined,
      signal,
    }),
  );
}

/** Takes down everything that a run started, also what it was killed over. */
export async function takeRunDown(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (name === 'shared' || name.startsWith('own-')) await takeDown(join(folder, name));
  }
  await rm(folder, { recursive: true, force: true });
}

/** The value, or an error that shows the whole failure. */
export function must<T>(result: Result<T, RuntimeFailure>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.reason}: ${JSON.stringify(result.failure, undefined, 2)}`);
}

async function findOrStart(): Promise<TestEngine> {
  const dataDir = join(await runFolder(), 'shared');
  const found = await findEngine({ dataDir, env: process.env, signal: AbortSignal.timeout(DOWN_MS) });
  return found.ok && found.value.docker !== undefined ? testEngine(found.value) : await start(dataDir);
}

async function start(dataDir: string, store: Pick<EngineUpOptions, 'imageStore'> = {}): Promise<TestEngine> {
  const options = { dataDir, root: await sharedRoot(), env: process.env, report: () => undefined, sandboxOnly: true };
  return testEngine(must(await engineUp({ ...options, ...store, signal: AbortSignal.timeout(UP_MS) })));
}

function testEngine(handle: EngineHandle): TestEngine {
  const { docker } = handle;
  if (docker === undefined || docker.kind === 'docker-ssh') {
    throw new Error(`${handle.name} has no Docker beside it that tests can use`);
  }
  const dockerHost = docker.kind === 'docker-unix' ? `unix://${docker.path}` : `tcp://${docker.host}:${docker.port}`;
  return { handle, docker, dockerHost };
}
