import { expect, test } from 'vitest';
import { score } from './score.ts';

test('every stored answer of buildx bake and docker compose build is ours', { timeout: 600_000 }, async () => {
  const verdicts = await score('compose');
  for (const what of ['bake', 'build']) {
    const own = verdicts.filter(({ name }) => name.endsWith(`(${what})`));
    const held = own.filter(({ wrong }) => wrong === undefined).length;
    console.log(`${what.padEnd(6)} ${String(held).padStart(3)} of ${own.length}`);
  }
  expect(verdicts.flatMap(({ name, wrong }) => (wrong === undefined ? [] : [`${name}: ${wrong}`]))).toEqual([]);
  expect(verdicts).toHaveLength(605);
});
