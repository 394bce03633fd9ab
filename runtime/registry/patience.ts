import { setTimeout as delay } from 'node:timers/promises';
import { RegistryError } from './registry-error.ts';

/** How often something is tried, and how long is waited between. */
export interface Patience {
  readonly attempts: number;
  /** Before the second attempt, in milliseconds; doubled each time. */
  readonly firstPauseMs: number;
}

export const PATIENCE: Patience = { attempts: 5, firstPauseMs: 500 };

/** A port that nobody listens on is not worth as long a wait as a server that is overwhelmed. */
const REFUSED_ATTEMPTS = 3;

/**
 * Does something again that failed for a while only ({@link RegistryError.isTemporary}), after pauses that grow, differ by chance, and
 * are as long as the registry asks. Throws the last error, or the signal's reason.
 */
export async function patiently<T>(
  work: () => Promise<T>,
  { signal, patience = PATIENCE }: { readonly signal: AbortSignal; readonly patience?: Patience },
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      const limit = isRefusedConnection(error) ? Math.min(patience.attempts, REFUSED_ATTEMPTS) : patience.attempts;
      if (!(error instanceof RegistryError) || !error.isTemporary || attempt >= limit) throw error;
      const pause = patience.firstPauseMs * 2 ** (attempt - 1);
      await delay(error.retryAfterMs ?? pause * (0.75 + Math.random() / 2), undefined, { signal });
    }
  }
}

function isRefusedConnection(error: unknown): boolean {
  const cause = error instanceof RegistryError ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
