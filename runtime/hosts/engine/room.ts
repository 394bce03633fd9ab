import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';

/** How many of its last lines a command is remembered by. */
const TAIL_LINES = 20;

/**
 * Puts a command into namespaces of its own for processes and mounts. When it ends, or when we do (however: the parent's
 * death signal of prctl(2)), the kernel ends every process it started and undoes every mount it made.
 */
const ROOM = [
  'setpriv',
  '--pdeathsig',
  'KILL',
  'unshare',
  '--mount',
  '--propagation',
  'private',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  // The room ends with its first process. That must not be the command itself: the kernel forgets a death signal when a
  // process changes its credentials (prctl(2)), as apt-get does.
  'sh',
  '-c',
  '"$@"; exit $?',
  'sh',
] as const;

/** Enters a Debian root as if it were a system: `sh -c ENTER_ROOT sh ROOT COMMAND…`. Only inside a room. */
const ENTER_ROOT = `
set -e
root=$1
shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
exec chroot "$root" "$@"
`;

/** A command with what it may know and where its output goes. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Text for its standard input; none means end of file at once. */
  readonly input?: string;
  /** A file that gets everything it writes, appended. */
  readonly log?: string;
  /** Told each line it writes, as it comes. */
  readonly onLine?: (line: string) => void;
}

/** How a command ended. */
export interface CommandOutcome {
  /** 0 is success; 127 also when the program is not there; absent when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  /** The last lines of both its outputs, as they came. */
  readonly tail: readonly string[];
}

/** Runs a command in a room: what it mounts and starts is gone with it. Cancelling kills all of it. Needs root. */
export function runInRoom(command: Command, { signal }: { readonly signal: AbortSignal }): Promise<CommandOutcome> {
  return run({ ...command, argv: [...ROOM, ...command.argv] }, { signal, killSignal: 'SIGKILL' });
}

/** Runs a command inside a Debian root, in a room. */
export function runInRoot(
  root: string,
  command: Command,
  { signal }: { readonly signal: AbortSignal },
): Promise<CommandOutcome> {
  return runInRoom({ ...command, argv: ['sh', '-c', ENTER_ROOT, 'sh', root, ...command.argv] }, { signal });
}

/**
 * Runs a command to its end. Cancelling sends `killSignal` (SIGINT unless told otherwise) and still waits for the end.
 * @throws the signal's reason when it was aborted
 */
export async function run(
  command: Command,
  { signal, killSignal = 'SIGINT' }: { readonly signal: AbortSignal; readonly killSignal?: NodeJS.Signals },
): Promise<CommandOutcome> {
  signal.throwIfAborted();
  const [program, ...args] = command.argv;
  const child = spawn(program, args, { env: command.env, stdio: ['pipe', 'pipe', 'pipe'] });
  const log =
    command.log === undefined
      ? new PassThrough().resume()
      : createWriteStream(command.log, { flags: 'a', mode: 0o600 });
  const stdout: string[] = [];
  const tail: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (stream === child.stdout) stdout.push(line);
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      log.write(`${line}\n`);
      command.onLine?.(line);
    });
  }
  child.stdin.on('error', () => undefined);
  child.stdin.end(command.input ?? '');

  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  child.once('error', (error: NodeJS.ErrnoException) => {
    tail.push(error.message);
    resolve(error.code === 'ENOENT' ? 127 : 126);
  });
  child.once('close', (code) => resolve(code ?? undefined));
  const stop = () => child.kill(killSignal);
  signal.addEventListener('abort', stop, { once: true });
  const exitCode = await promise;
  signal.removeEventListener('abort', stop);
  log.end();
  await finished(log).catch(() => undefined);
  signal.throwIfAborted();
  return { exitCode, stdout: stdout.join('\n'), tail };
}
