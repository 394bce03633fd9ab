import { expect, test } from 'vitest';
import { diagnosticText } from '../../../cli/print/diagnostic.ts';
import { readSourcePolicy } from '../../../planner/options/source-policy.ts';

const RULE = { selector: { identifier: 'a' } };

test.each<[string, unknown, unknown]>([
  ['nothing', {}, { version: 0, rules: [] }],
  ['null', { version: null, rules: null }, { version: 0, rules: [] }],
  [
    'a rule that says little',
    { version: 1, rules: [RULE] },
    {
      version: 1,
      rules: [{ action: 'ALLOW', selector: { identifier: 'a', matchType: 'WILDCARD', constraints: [] } }],
    },
  ],
  [
    'everything, with names in any case and numbers for words',
    {
      Rules: [
        {
          ACTION: 2,
          Selector: {
            Identifier: 'b',
            MATCH_TYPE: 'REGEX',
            constraints: [{ key: 'k', value: 'v', condition: 'NOTEQUAL' }],
          },
          updates: { identifier: 'c', attrs: { 'http.checksum': 'sha256:1', __proto__x: null } },
        },
      ],
    },
    {
      version: 0,
      rules: [
        {
          action: 'CONVERT',
          selector: {
            identifier: 'b',
            matchType: 'REGEX',
            constraints: [{ key: 'k', value: 'v', condition: 'NOTEQUAL' }],
          },
          updates: { identifier: 'c', attrs: { 'http.checksum': 'sha256:1', __proto__x: '' } },
        },
      ],
    },
  ],
])('a policy with %s is read', (_what, json, policy) => {
  const read = readSourcePolicy({ name: 'policy.json', text: JSON.stringify(json) });
  expect(read).toEqual({ ok: true, value: policy });
});

test.each<[string, readonly string[]]>([
  ['', ['policy.json:1:1: A JSON value is expected here']],
  ['{"rules": [}', ['policy.json:1:12: A JSON value is expected here']],
  ['[]', ['policy.json:1:1: An object is expected for a policy']],
  ['{"rules": {}}', ['policy.json:1:11: A list is expected for the rules']],
  ['{"version": "1"}', ['policy.json:1:13: A whole number is expected for the version of a policy']],
  ['{"rule": []}', ['policy.json:1:2: There is no "rule" in a policy']],
  ['{"rules": [{}]}', ['policy.json:1:12: A rule says which sources it is for']],
  [
    '{"rules": [\n  {"action": "deny", "selector": {"identifier": 1, "matchType": "EXACT"}},\n  3]}',
    [
      'policy.json:2:14: This is not an action',
      'policy.json:2:49: A string is expected for an identifier',
      'policy.json:2:52: There is no "matchType" in a selector',
      'policy.json:3:3: An object is expected for a rule',
    ],
  ],
  [
    '{"rules": [{"action": "CONVERT", "selector": {"identifier": "a"}}]}',
    ['policy.json:1:12: A rule with CONVERT says what the source becomes'],
  ],
  [
    '{"rules": [{"action": 7, "selector": {"match_type": "GLOB", "constraints": [{"condition": true}]}}]}',
    [
      'policy.json:1:23: This is not an action',
      'policy.json:1:53: This is not a match type',
      'policy.json:1:91: This is not a condition',
    ],
  ],
])('%j is told in its place', (text, mistakes) => {
  const read = readSourcePolicy({ name: 'policy.json', text });
  const found = read.ok ? [] : [...read.failure];
  expect(found.map((one) => diagnosticText(one).split('\n')[0]).sort()).toEqual([...mistakes].sort());
});

test('a word in the wrong case is told with the right one', () => {
  const read = readSourcePolicy({ name: 'p.json', text: '{"rules": [{"action": "deny", "selector": {}}]}' });
  expect(read.ok ? [] : read.failure.map(diagnosticText)).toEqual([
    [
      'p.json:1:23: This is not an action',
      '  1 | {"rules": [{"action": "deny", "selector": {}}]}',
      '    |                       ^^^^^^ did you mean "DENY"?',
    ].join('\n'),
  ]);
});
