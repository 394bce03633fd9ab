import { setTimeout as delay } from 'node:timers/promises';
import { status } from './status.ts';

/** How long to wait before each further attempt, in milliseconds: a daemon that is not there is told within a second. */
const PAUSES_MS = [50, 200, 500] as const;

type Signal = { readonly signal: AbortSignal };

/**
 * Makes a call again when the peer could not be reached (UNAVAILABLE), at most three times. Only for calls that change
 * nothing: one that was lost on its way back has been obeyed. Rejects with the last attempt's error, also when the signal ends
 * the pause after it.
 */
export async function retried<T>(call: () => Promise<T>, { signal }: Signal): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await call();
    } catch (error) {
      if (!isUnavailable(error) || !(await paused(pauseMs, signal))) throw error;
    }
  }
  return call();
}

/** Waits. Resolves with false, at once, when the signal ends: there is no reason to go on then. */
async function paused(pauseMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(pauseMs, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

/** The same for a stream, up to its first message: what has been read is never read twice. */
export async function* retriedStream<T>(
  open: () => AsyncGenerator<T, void, undefined>,
  options: Signal,
): AsyncGenerator<T, void, undefined> {
  const { stream, first } = await retried(async () => {
    const opened = open();
    return { stream: opened, first: await opened.next() };
  }, options);
  if (first.done === true) return;
  try {
    yield first.value;
    yield* stream;
  } finally {
    await stream.return();
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === status.UNAVAILABLE;
}
