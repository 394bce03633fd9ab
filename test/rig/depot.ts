import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { tempFolder } from './folder.ts';

const LAUNCHER = resolve(import.meta.dirname, '../../cli/depot.mjs');

/** How a run of depot ended, with all it wrote. */
export interface DepotRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Something on standard input, which stays open behind it. */
export interface UnfinishedInput {
  readonly bytes: Uint8Array;
  /** Called when all of it has been taken from us: with more than a pipe holds, when it is being read. */
  readonly whenTaken: () => void;
}

/** How depot is run. */
export interface DepotOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array | UnfinishedInput;
  /** The program and its first arguments, in place of the launcher. */
  readonly program?: readonly [string, ...string[]];
  /** Called with the number of the process when it has been started. */
  readonly onStart?: (pid: number) => void;
  /** When it aborts, the process is sent `interruptBy`, or else SIGINT, as by Ctrl-C. */
  readonly interrupt?: AbortSignal;
  readonly interruptBy?: NodeJS.Signals;
}

/** The real program, started as a user would, with a home and a Docker configuration of its own. */
export async function depot(args: readonly string[], options: DepotOptions): Promise<DepotRun> {
  await using home = await tempFolder('home');
  const [program, ...first] = options.program ?? [process.execPath, LAUNCHER];
  const child = spawn(program, [...first, ...args], {
    cwd: options.cwd,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home.path,
      DOCKER_CONFIG: join(home.path, '.docker'),
      XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? join(process.env['HOME'] ?? home.path, '.cache'),
      ...options.env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) options.onStart?.(child.pid);
  child.stdin.on('error', () => undefined);
  const { input = '' } = options;
  if (typeof input === 'object' && 'whenTaken' in input) child.stdin.write(input.bytes, input.whenTaken);
  else child.stdin.end(input);
  options.interrupt?.addEventListener('abort', () => child.kill(options.interruptBy ?? 'SIGINT'), { once: true });
  const ended = Promise.withResolvers<number>();
  child.once('error', ended.reject);
  child.once('close', (code, signal) => ended.resolve(code ?? (signal === null ? 1 : 128)));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended.promise]);
  return { exitCode, stdout, stderr };
}
