import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StepSink } from './step.ts';
import { Step } from './step.ts';

const RETRY_MS = 50;

/**
 * Takes the machine-wide lock of a name and waits while another process has it.
 *
 * The lock is a listening socket in Linux's abstract namespace (unix(7)): the kernel lets one process have a name and
 * takes it back when that process ends, however it ends. So there is nothing stale to judge.
 * Rejects when the signal is aborted.
 */
export async function lock(
  name: string,
  { signal, onWait }: { readonly signal: AbortSignal; readonly onWait?: () => unknown },
): Promise<AsyncDisposable> {
  const address = `\0depot-lock-${createHash('sha256').update(name).digest('hex')}`;
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted();
    const held = await listen(address);
    if (held !== undefined) return held;
    if (tries === 0) onWait?.();
    await sleep(RETRY_MS, undefined, { signal });
  }
}

/** {@link lock}, with a step that is told when another process has it. */
export async function lockAsStep(
  name: string,
  { title, report, signal }: { readonly title: string; readonly report: StepSink; readonly signal: AbortSignal },
): Promise<AsyncDisposable> {
  let step: Step | undefined;
  const held = await lock(name, { signal, onWait: () => (step = new Step(report, { id: 'wait', title })) });
  step?.done();
  return held;
}

function listen(address: string): Promise<AsyncDisposable | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<AsyncDisposable | undefined>();
  const server = createServer((socket) => socket.destroy());
  server.once('error', (error: NodeJS.ErrnoException) =>
    error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
  );
  server.listen(address, () => {
    server.unref();
    resolve({
      [Symbol.asyncDispose]: () =>
        new Promise<void>((done) => {
          server.close(() => done());
        }),
    });
  });
  return promise;
}
