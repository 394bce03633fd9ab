import { expect, test } from 'vitest';
import { score } from './score.ts';

/** The hundreds of the case numbers. */
const CHAPTERS = [
  'files',
  'HCL',
  'JSON',
  'variables, functions, references',
  'target attributes',
  'merging, inherits, matrix, groups',
  'command line',
  'standard library',
  'linked targets',
  'Compose, the look of errors',
];

test('every stored answer of buildx bake is ours', { timeout: 600_000 }, async () => {
  const verdicts = await score('bake');
  for (const [chapter, title] of CHAPTERS.entries()) {
    const own = verdicts.filter(({ name }) => name.startsWith(String(chapter)));
    const held = own.filter(({ wrong }) => wrong === undefined).length;
    console.log(`${chapter}xx ${title.padEnd(36)} ${String(held).padStart(3)} of ${own.length}`);
  }
  expect(verdicts.flatMap(({ name, wrong }) => (wrong === undefined ? [] : [`${name}: ${wrong}`]))).toEqual([]);
  expect(verdicts).toHaveLength(621);
});
