import { expect, test } from 'vitest';
import { showAnswers } from '../../../cli/print/answers.ts';
import { targetList, variableList } from '../../../cli/print/list.ts';
import { target } from '../../rig/target.ts';

const HOSTILE = 'a\u001b[2K\u009b2K\u202eb';
const CONTROL = /[\u001b\u009b\u202e]/;

function answer(method: string, result: Readonly<Record<string, string>>): string {
  const app = target('app', { call: method, description: HOSTILE });
  const plan = { groups: [], targets: [app], requested: ['app'] };
  const shown = showAnswers(plan, [{ name: 'app', ref: '', response: {}, pushes: [], failures: [], answer: result }], {
    call: undefined,
  });
  return shown.ok ? (shown.value?.text ?? '') : '';
}

const json = (value: unknown): Readonly<Record<string, string>> => ({ 'result.json': JSON.stringify(value) });

test.each([
  ['a list of targets', targetList([{ name: 'x', description: HOSTILE }], 'table')],
  ['a list of variables', variableList([{ name: 'x', value: HOSTILE }], 'table')],
  ['an outline', answer('outline', json({ name: HOSTILE, args: [{ name: HOSTILE }] }))],
  ['a list of stages', answer('targets', json({ targets: [{ name: HOSTILE }] }))],
  ['findings', answer('lint', json({ warnings: [{ ruleName: HOSTILE, url: HOSTILE, detail: HOSTILE }] }))],
  ['why a Dockerfile cannot be built', answer('lint', json({ buildError: { message: HOSTILE } }))],
  ['the own words of a frontend', answer('unknown', { 'result.txt': HOSTILE })],
])('%s cannot move the cursor', (_name, text) => {
  expect(text).toContain(String.raw`a\x1b[2K\x9b2K\u202eb`);
  expect(text).not.toMatch(CONTROL);
});
