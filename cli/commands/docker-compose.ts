import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import { findEngine } from '../../runtime/hosts/engine/discover.ts';
import { findProgram, machineFacts } from '../../runtime/hosts/engine/facts.ts';
import { enginePaths } from '../../runtime/hosts/engine/paths.ts';
import { programOfRoot } from '../../runtime/hosts/engine/program.ts';
import type { CommandContext } from '../command.ts';
import { dataDir, dockerConfigFile } from '../config.ts';

/** A program that takes docker compose's words, and what it must know of the engine. */
export interface ComposeProgram {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

const PLUGIN = 'usr/libexec/docker/cli-plugins/docker-compose';

/** Where the docker command looks for plugins (docker/cli `cli-plugins/manager`), but for the user's own folder. */
const PLUGIN_FOLDERS = ['local/lib', 'local/libexec', 'lib', 'libexec'].map(
  (name) => `/usr/${name}/docker/cli-plugins`,
);

/**
 * Docker's own compose: that of the sandboxed engine where this is the one in use, else that of the docker command, else
 * that of a sandbox that has been set up. Fails with what is missing.
 */
export async function findCompose(context: CommandContext): Promise<Result<ComposeProgram, string>> {
  const { env, signal } = context;
  const paths = enginePaths({ dataDir: dataDir(env) });
  const own = await sandboxCompose(paths.root);
  if (own !== undefined) {
    const engine = await findEngine({ dataDir: dataDir(env), env, signal });
    const docker = engine.ok ? engine.value.docker : undefined;
    if (docker?.kind === 'docker-unix' && docker.path === paths.socket)
      return ok({ argv: own, env: { DOCKER_HOST: `unix://${paths.socket}` } });
  }
  const docker = await findProgram('docker', env);
  if (docker !== undefined && (await hasPlugin(docker, context))) return ok({ argv: [docker, 'compose'], env: {} });
  if (own !== undefined) return ok({ argv: own, env: {} });
  return fail(
    docker === undefined ? 'there is no docker on PATH' : 'docker has no compose plugin; install docker-compose-plugin',
  );
}

async function sandboxCompose(root: string): Promise<ComposeProgram['argv'] | undefined> {
  if (!(await isProgram(path.join(root, PLUGIN)))) return undefined;
  return programOfRoot(root, { path: PLUGIN, facts: await machineFacts() });
}

/** Looks in the usual folders first: the docker command takes 50 ms and more to tell. */
async function hasPlugin(docker: string, { env, cwd }: CommandContext): Promise<boolean> {
  const own = path.join(path.dirname(dockerConfigFile(env)), 'cli-plugins');
  for (const folder of [own, ...PLUGIN_FOLDERS]) {
    if (await isProgram(path.join(folder, 'docker-compose'))) return true;
  }
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const child = spawn(docker, ['compose', 'version'], { cwd, env: { ...env }, stdio: 'ignore' });
  child.once('error', () => resolve(false));
  child.once('close', (code) => resolve(code === 0));
  return promise;
}

function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Runs docker compose in our place, and gives its exit code. `stdin`: what has been read of ours already. */
export async function runCompose(
  program: ComposeProgram,
  args: readonly string[],
  { context, stdin }: { readonly context: CommandContext; readonly stdin?: Uint8Array | undefined },
): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  // The terminal gives Ctrl-C to docker compose as well, which then stops what it started; we wait for it, and say nothing.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal);
  process.on('SIGINT', () => undefined);
  const [name, ...first] = program.argv;
  const child = spawn(name, [...first, ...args], {
    cwd: context.cwd,
    env: { ...context.env, ...program.env },
    stdio: [stdin === undefined ? 'inherit' : 'pipe', 'inherit', 'inherit'],
  });
  // One that ends without reading is no failure of ours.
  child.stdin?.on('error', () => undefined).end(stdin);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void child.kill(signal));
  child.once('error', (error) => {
    context.stderr.write(`ERROR: ${name} does not start: ${error.message}\n`);
    resolve(1);
  });
  child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 128 + os.constants.signals[signal])));
  return promise;
}
