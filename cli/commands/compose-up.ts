import { spawn } from 'node:child_process';
import { goBool } from '../../planner/options/entries.ts';
import type { CommandContext } from '../command.ts';

/** Flags of `docker compose up` that take a value of their own. */
const WITH_VALUE = new Set([
  ...['--attach', '--exit-code-from', '--no-attach', '--pull', '--scale', '--timeout', '-t', '--wait-timeout'],
]);

/** What `docker compose up` is asked to build. */
export interface UpRequest {
  readonly builds: boolean;
  readonly isQuiet: boolean;
  /** What the services depend on is built and started as well. */
  readonly withDependencies: boolean;
  readonly services: readonly string[];
  /** Its arguments, but for the asking. */
  readonly withoutBuild: readonly string[];
}

/** Reads the arguments behind `up` as far as building goes. */
export function servicesOfUp(args: readonly string[]): UpRequest {
  const services: string[] = [];
  const withoutBuild: string[] = [];
  let builds = false;
  let isQuiet = false;
  let withDependencies = true;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--build' || arg === '--build=true') {
      builds = true;
      continue;
    }
    withoutBuild.push(arg);
    if (arg === '--quiet-build') isQuiet = true;
    const noDependencies = /^--no-deps(?:=(.*))?$/.exec(arg);
    if (noDependencies !== null) withDependencies = goBool(noDependencies[1] ?? 'true') === false;
    if (WITH_VALUE.has(arg)) withoutBuild.push(args[++at] ?? '');
    else if (!arg.startsWith('-')) services.push(arg);
  }
  return { builds, isQuiet, withDependencies, services, withoutBuild };
}

/** What `up` builds, in the words of `compose build`. */
export function buildArguments({ isQuiet, withDependencies, services }: UpRequest): readonly string[] {
  return [...(isQuiet ? ['--quiet'] : []), ...(withDependencies ? ['--with-dependencies'] : []), ...services];
}

/** Runs Docker's own compose in our place, and gives its exit code. */
export async function dockerCompose(context: CommandContext, args: readonly string[]): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  // The terminal gives Ctrl-C to docker compose as well, which then stops what it started; we wait for it.
  process.on('SIGINT', () => undefined);
  const child = spawn('docker', ['compose', ...args], { cwd: context.cwd, env: { ...context.env }, stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void child.kill(signal));
  child.once('error', (error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'there is no docker on PATH' : error.message;
    context.stderr.write(`ERROR: depot compose builds; everything else is docker compose, and ${why}\n`);
    resolve(1);
  });
  child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 130)));
  return promise;
}
