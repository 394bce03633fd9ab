import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** How long another may hold the lock. */
const WAIT_S = 5;

/** And how much longer the program that waits for it may take. */
const GRACE_MS = 1_000;

/**
 * Works while no other program that asks for it holds flock(2)'s exclusive lock of a file, which is made where it is missing:
 * the lock of Go's programs (gofrs/flock), which the kernel takes back from whoever ends. Node has no call for it, so the
 * `flock` of util-linux holds it for us. Where there is no such program, the file cannot be made, or another holds the lock
 * for five seconds, the work is done without: what it writes must be whole in any case.
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', ['-w', String(WAIT_S), file, 'sh', '-c', 'echo; read _'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  holder.stdin.on('error', unheard);
  holder.stdout.on('error', unheard);
  const ended = Promise.withResolvers<void>();
  holder.once('error', () => ended.resolve());
  holder.once('close', () => ended.resolve());
  const late = setTimeout(() => holder.kill('SIGKILL'), WAIT_S * 1_000 + GRACE_MS);
  try {
    await Promise.race([once(holder.stdout, 'data').catch(unheard), ended.promise]);
    return await work();
  } finally {
    clearTimeout(late);
    holder.stdin.end();
    await ended.promise;
  }
}

/** Who holds no lock for us ends, and that is heard. */
function unheard(): void {}
