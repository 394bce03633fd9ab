import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { lock } from '../../../../runtime/hosts/engine/lock.ts';

const signal = AbortSignal.timeout(600_000);
const MODULE = new URL('../../../../runtime/hosts/engine/lock.ts', import.meta.url).href;

test('one at a time has a lock, and the next is told that it waits', async () => {
  const name = `lock-test-${process.pid}-turns`;
  const order: string[] = [];
  const first = await lock(name, { signal });
  const second = lock(name, { signal, onWait: () => order.push('second waits') }).then((held) => {
    order.push('second has it');
    return held;
  });
  await expect.poll(() => order).toEqual(['second waits']);
  order.push('first lets go');
  await first[Symbol.asyncDispose]();
  await (await second)[Symbol.asyncDispose]();
  expect(order).toEqual(['second waits', 'first lets go', 'second has it']);
});

test('locks of different names do not touch each other', async () => {
  await using one = await lock(`lock-test-${process.pid}-a`, { signal });
  await using other = await lock(`lock-test-${process.pid}-b`, { signal, onWait: () => expect.unreachable() });
  expect([one, other]).toHaveLength(2);
});

test('the lock of a process that is killed is free at once', async () => {
  const name = `lock-test-${process.pid}-killed`;
  const program = `
    import { lock } from ${JSON.stringify(MODULE)};
    await lock(${JSON.stringify(name)}, { signal: new AbortController().signal });
    console.log('held');
    setInterval(() => undefined, 1000);
  `;
  const holder = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  let waited = false;
  const next = lock(name, { signal, onWait: () => (waited = true) });
  await expect.poll(() => waited).toBe(true);
  holder.kill('SIGKILL');
  await using held = await next;
  expect(held).toBeDefined();
});

test('waiting for a lock can be cancelled', async () => {
  const name = `lock-test-${process.pid}-cancel`;
  await using held = await lock(name, { signal });
  const canceling = new AbortController();
  const waiting = lock(name, { signal: canceling.signal });
  canceling.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow();
  expect(held).toBeDefined();
});
