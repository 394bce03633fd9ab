import { randomBytes } from 'node:crypto';
import type { StatusUpdate, UnixNanos, Vertex } from '../event.ts';

/** Says how far a step of ours is: bytes so far, and all of them where that is known. */
export type StepProgress = (id: string, currentBytes: number, totalBytes?: number) => void;

/**
 * Runs something of ours as a step of the build, so that it is seen like the daemon's own (`importing to docker`). Throws
 * what `work` throws, after the step is shown as failed.
 */
export async function ownStep<T>(
  name: string,
  onStatus: (update: StatusUpdate) => void,
  work: (progress: StepProgress) => Promise<T>,
): Promise<T> {
  const step = { digest: `own:${randomBytes(16).toString('hex')}`, inputs: [], name, cached: false };
  const started = now();
  const tell = (vertex: Partial<Vertex>): void =>
    onStatus({ vertexes: [{ ...step, error: '', started, ...vertex }], statuses: [], logs: [], warnings: [] });
  const progress: StepProgress = (id, current, total = 0) =>
    onStatus({
      vertexes: [],
      statuses: [{ id, vertex: step.digest, name: id, current, total, timestamp: now(), started }],
      logs: [],
      warnings: [],
    });
  tell({});
  try {
    const value = await work(progress);
    tell({ completed: now() });
    return value;
  } catch (error) {
    tell({ completed: now(), error: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

/** Shows what it is told as a step by itself, each text once. */
export function noticeOnce(onStatus: (update: StatusUpdate) => void): (words: string) => void {
  const told = new Set<string>();
  return (words) => {
    if (told.has(words)) return;
    told.add(words);
    void ownStep(words, onStatus, async () => undefined);
  };
}

/** Shows a step that could not be done, and that the build does without. */
export async function skippedStep(name: string, why: string, onStatus: (update: StatusUpdate) => void): Promise<void> {
  await ownStep(name, onStatus, () => Promise.reject(new Error(why))).catch(isShown);
}

/** The step has said it. */
function isShown(): void {}

function now(): UnixNanos {
  return BigInt(Date.now()) * 1_000_000n;
}
