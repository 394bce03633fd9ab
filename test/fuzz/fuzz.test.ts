import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';

/** `npm run fuzz` tries 200,000. */
const COUNT = 8_000;

test('no mutated definition crashes, hangs or slows the planner', { timeout: 120_000 }, async () => {
  const { tried, found, maxHeapMb } = await fuzz(COUNT);
  expect(found).toEqual([]);
  expect(tried).toBe(COUNT);
  expect(maxHeapMb).toBeLessThan(512);
});
