import { expect, test } from 'vitest';
import { referenceProblem } from '../../../planner/options/reference.ts';

test.each([
  'app',
  'app:1.0_x-y',
  'registry.example/team/app:latest',
  'localhost:5000/a/b',
  '[::1]:5000/a',
  'a.b__c-d---e/f',
  `app@sha256:${'a'.repeat(64)}`,
  'UPPER.example/app',
])('%s names an image', (text) => {
  expect(referenceProblem(text)).toBeUndefined();
});

test.each([
  ['App', 'lowercase'],
  ['registry.example/Team/app:x', 'lowercase'],
  ['Not A Tag:::', 'lowercase'],
  ['app:', 'no name'],
  ['app:a b', 'no name'],
  ['', 'no name'],
  [`app:${'x'.repeat(129)}`, 'no name'],
  ['-app', 'no name'],
  ['a'.repeat(256), '255'],
])('%s does not: %s', (text, words) => {
  expect(referenceProblem(text)).toContain(words);
});
