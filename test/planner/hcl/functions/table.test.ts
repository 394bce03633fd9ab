import { expect, test } from 'vitest';
import { RARE_FUNCTIONS, standardLibrary } from '../../../../planner/hcl/functions/table.ts';

test.each(RARE_FUNCTIONS)('the functions that are loaded for one of $names are these', async ({ names, load }) => {
  expect(Object.keys(await load()).sort()).toEqual([...names].sort());
});

test('a rare function is there when the text names it, and is always known by name', async () => {
  const library = await standardLibrary({ now: new Date(), homeDir: '/', sources: ['x = md5("a")'] });
  expect(library.find('md5')).toBeDefined();
  expect(library.find('regex')).toBeUndefined();
  expect([...library.names()]).toContain('regex');
});
