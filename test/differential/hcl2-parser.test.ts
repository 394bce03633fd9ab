import hcl from 'hcl2-parser';
import { expect, test } from 'vitest';
import { parseHcl } from '../../planner/hcl/parser.ts';
import { corpus } from '../fuzz/corpus.ts';
import { mutated } from '../fuzz/mutate.ts';

/** HCL's own reader (2.10, through GopherJS); undefined where it crashes, as it does on null inside a string. */
function accepts(text: string): boolean | undefined {
  try {
    const [value, error] = hcl.parseToString(text) as readonly [string | null, unknown];
    return error === null && value !== null;
  } catch {
    return undefined;
  }
}

/** Which of the mutated definitions are compared. */
const FIRST = 1_000;
const MUTATED = 3_000;

/** Namespaced functions are newer than HCL 2.10. */
const isNewer = (text: string): boolean => text.includes('::');

test('what HCL itself can read, we can read, and what it cannot, we cannot', { timeout: 120_000 }, () => {
  const differing: string[] = [];
  let compared = 0;
  const seeds = corpus().filter(({ name }) => name.endsWith('.hcl'));
  const inputs = [...seeds, ...Array.from({ length: MUTATED }, (_, number) => mutated(FIRST + number, seeds))];
  for (const { name, text } of inputs) {
    const theirs = isNewer(text) ? undefined : accepts(text);
    if (theirs === undefined) continue;
    const ours = parseHcl({ name, text }).diagnostics.length === 0;
    if (theirs !== ours) differing.push(`theirs ${theirs}, ours ${ours}:\n${text}`);
    compared++;
  }
  expect(differing).toEqual([]);
  expect(compared).toBeGreaterThan(MUTATED);
});
