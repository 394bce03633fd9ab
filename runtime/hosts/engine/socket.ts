import { connect } from 'node:net';
import { FailureError } from '../../failure.ts';

/** Linux keeps 108 bytes for a socket's path, the last of them a NUL (unix(7)). */
const MAX_PATH_BYTES = 107;

/** Whether something accepts connections on a unix socket. */
export function listens(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ path });
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

/** @throws FailureError for a path that no socket can have */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_PATH_BYTES) return;
  throw new FailureError({
    reason: 'engine-failed',
    step: 'choose a socket',
    cause: `${path} has ${bytes} bytes and a socket's path at most ${MAX_PATH_BYTES}`,
    hint: 'Name a shorter data folder with DEPOT_DATA_DIR.',
  });
}
