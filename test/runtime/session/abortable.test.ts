import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { abortable, orAborted } from '../../../runtime/session/abortable.ts';

test('what nobody gives is waited for until the signal ends, and no longer', async () => {
  const ends = new AbortController();
  const waited = orAborted(new Promise(() => undefined), ends.signal);
  ends.abort(new Error('enough'));
  await expect(waited).rejects.toThrow('enough');
  await expect(orAborted(new Promise(() => undefined), ends.signal)).rejects.toThrow('enough');
});

test('a stream is read to its end, and its listeners go', async () => {
  const ends = new AbortController();
  const source = new PassThrough();
  source.end('abc');
  const read: string[] = [];
  for await (const chunk of abortable<Buffer>(source, ends.signal)) read.push(chunk.toString());
  expect(read).toEqual(['abc']);
  expect(source.destroyed).toBe(true);
});

test('a stream that gives nothing more is given up when the signal ends, and let go of', async () => {
  const ends = new AbortController();
  let isLetGo = false;
  const next = Promise.withResolvers<string>();
  async function* source(): AsyncGenerator<string, void, undefined> {
    try {
      yield 'first';
      yield await next.promise;
    } finally {
      isLetGo = true;
    }
  }
  const read: string[] = [];
  const reading = (async () => {
    for await (const item of abortable(source(), ends.signal)) read.push(item);
  })();
  await expect.poll(() => read).toEqual(['first']);
  ends.abort(new Error('enough'));
  await expect(reading).rejects.toThrow('enough');
  next.resolve('late');
  await expect.poll(() => isLetGo).toBe(true);
  expect(read).toEqual(['first']);
});

test('a reader who stops early waits until the source has put away what it had', async () => {
  const put: string[] = [];
  async function* source(): AsyncGenerator<number, void, undefined> {
    try {
      for (let n = 0; ; n++) yield n;
    } finally {
      await new Promise((resolve) => setTimeout(resolve, 10));
      put.push('away');
    }
  }
  for await (const n of abortable(source(), new AbortController().signal)) if (n === 2) break;
  expect(put).toEqual(['away']);
});
