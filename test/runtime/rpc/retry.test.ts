import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { retried } from '../../../runtime/rpc/retry.ts';
import { GrpcError, status } from '../../../runtime/rpc/status.ts';

const unreachable = new GrpcError(status.UNAVAILABLE, 'nobody listens');

test('a call whose signal ends between two attempts is rejected with what the last attempt said', async () => {
  const abort = new AbortController();
  let attempts = 0;
  const call = retried(
    () => {
      attempts++;
      setTimeout(() => abort.abort(), 5);
      return Promise.reject(unreachable);
    },
    { signal: abort.signal },
  );
  await expect(call).rejects.toBe(unreachable);
  await delay(100);
  expect(attempts).toBe(1);
});

test('a call that cannot reach its peer is made four times, and one that is refused once', async () => {
  const { signal } = new AbortController();
  let attempts = 0;
  const failing = (error: Error) => (): Promise<never> => {
    attempts++;
    return Promise.reject(error);
  };
  await expect(retried(failing(unreachable), { signal })).rejects.toBe(unreachable);
  expect(attempts).toBe(4);
  const refusal = new GrpcError(status.PERMISSION_DENIED, 'no');
  await expect(retried(failing(refusal), { signal })).rejects.toBe(refusal);
  expect(attempts).toBe(5);
});
