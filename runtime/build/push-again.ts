import { wireError } from '../buildkit/error.ts';
import type { StatusUpdate } from '../event.ts';
import { patiently } from '../registry/patience.ts';
import { RegistryError } from '../registry/registry-error.ts';
import { skippedStep } from './own-step.ts';
import { isPassing } from './passing.ts';

/** Each attempt holds seconds of the builder's own. */
const PATIENCE = { attempts: 4, firstPauseMs: 1_000 };

/** What builders say first when a push fails (moby/buildkit `exporter/containerimage`). */
const PUSH_FAILED = /^failed to push /;

/**
 * Runs a build that pushes, and runs it again where the push failed for what may pass; everything is in the builder's cache then.
 * Each further attempt is shown as a step that says why. Throws what the last attempt threw.
 */
export async function withPushAgain<T>(
  build: () => Promise<T>,
  { onStatus, signal }: { readonly onStatus: (update: StatusUpdate) => void; readonly signal: AbortSignal },
): Promise<T> {
  let failed: { readonly error: unknown; readonly why: string } | undefined;
  const attempt = async (): Promise<T> => {
    if (failed !== undefined) await skippedStep('pushing again', failed.why, onStatus);
    try {
      return await build();
    } catch (error) {
      const why = wireError(error)?.message ?? '';
      if (signal.aborted || !PUSH_FAILED.test(why) || !isPassing(why)) throw error;
      failed = { error, why };
      throw new RegistryError(why, { registry: '', isTemporary: true, cause: error });
    }
  };
  try {
    return await patiently(attempt, { signal, patience: PATIENCE });
  } catch (error) {
    throw error instanceof RegistryError ? error.cause : error;
  }
}
