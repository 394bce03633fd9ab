import { expect, test } from 'vitest';
import { showAnswers } from '../../../cli/print/answers.ts';
import type { ShownAnswers } from '../../../cli/print/answers.ts';
import { reachesLevel } from '../../../cli/print/lint.ts';
import type { Result } from '../../../planner/result.ts';
import { target } from '../../rig/target.ts';

type Answer = Readonly<Record<string, string>>;

function shown(method: string, answer: Answer, format?: string): Result<ShownAnswers | undefined, string> {
  const plan = { groups: [], targets: [target('app', { call: method })], requested: ['app'] };
  const call = { method, ignoreStatus: false, ...(format === undefined ? {} : { format }) };
  return showAnswers(plan, [{ name: 'app', ref: 'r', response: {}, pushes: [], failures: [], answer }], {
    call,
  });
}

const json = (value: unknown): Answer => ({ 'result.json': JSON.stringify(value) });

const UNREADABLE: readonly (readonly [method: string, answer: Answer, format?: string])[] = [
  ['outline', {}],
  ['outline', { 'result.json': '' }],
  ['outline', { 'result.json': '{"name":' }],
  ['outline', json(null)],
  ['outline', json({ args: ['text'] })],
  ['outline', json({ args: [null] })],
  ['outline', json({ args: [{ name: 5 }] })],
  ['targets', json({ targets: {} })],
  ['subrequests.describe', json({})],
  ['subrequests.describe', json([{ name: {} }])],
  ['lint', { 'result.txt': 'fine', version: '9.0.0' }],
  ['lint', json({ warnings: [{ location: { ranges: 5 } }] })],
  ['lint', json({ buildError: 'text' })],
  ['lint', { 'result.json': 'no' }, 'json'],
  ['unknown', { 'result.txt': 'text' }, 'json'],
];

test.each(UNREADABLE.map(([method, answer, format]) => ({ method, answer, format })))(
  'an answer that cannot be read is told with its target: %j',
  ({ method, answer, format }) => {
    expect(shown(method, answer, format)).toMatchObject({
      ok: false,
      failure: expect.stringMatching(/^target app: the answer of its frontend cannot be read: /),
    });
  },
);

test('what is of no interest in an answer may be anything', () => {
  const outline = json({
    args: [{ name: 'A', location: { ranges: [{ start: { line: 2 } }] } }],
    sources: ['RlJPTQ=='],
  });
  expect(shown('outline', outline)).toMatchObject({ ok: true });
  expect(shown('constructor', json(5), 'json')).toMatchObject({ ok: true });
});

test('what is null in an answer counts as absent', () => {
  expect(shown('outline', json({ name: 'x', description: null, args: null }))).toMatchObject({ ok: true });
  expect(shown('lint', json({ warnings: null, sources: null }))).toMatchObject({
    value: { text: 'app\n\nCheck complete, no warnings found.\n', exitCode: 0 },
  });
});

test('an answer that cannot be read holds no finding', () => {
  expect(
    reachesLevel(
      [{ name: 'app', ref: '', response: {}, pushes: [], failures: [], answer: { 'result.json': '{' } }],
      'info',
    ),
  ).toBe(false);
});
