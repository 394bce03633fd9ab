import { describe, expect, test } from 'vitest';
import { diagnosticText } from '../../../cli/print/diagnostic.ts';
import { goodPlanOf, mistakesOf } from '../../rig/definition.ts';

const json = (text: string): Readonly<Record<string, string>> => ({ 'docker-bake.json': text });

describe('a definition in JSON', () => {
  test('is that of the same words in HCL', async () => {
    const { plan } = await goodPlanOf(
      json(
        '{"variable": {"N": {"type": "list(string)", "default": ["a"]}},' +
          '"function": {"f": {"params": ["x"], "variadic_params": "rest", "result": "${x}${length(rest)}"}},' +
          '"target": {"default": {"tags": "${N}", "args": {"${f(\\"k\\", 1)}": 1.50, "//": "kept"}, "//": "dropped"}}}',
      ),
    );
    expect(plan.targets[0]).toMatchObject({ tags: ['a'], args: { k1: '1.5', '//': 'kept' } });
  });

  test('shows mistakes inside strings with escapes at their place in the file', async () => {
    const text = '{"target": {"default": {"tags": ["\\"\\u00e9\\n${nope}"]}}}';
    const [found] = await mistakesOf(json(text));
    expect(found && diagnosticText(found)).toBe(
      [
        `docker-bake.json:1:${text.indexOf('nope') + 1}: There is no variable named "nope"`,
        `  1 | ${text}`,
        `    | ${' '.repeat(text.indexOf('nope'))}^^^^ declare it: variable "nope" { default = "..." }`,
      ].join('\n'),
    );
  });

  test.each([
    ["{'target': {}}", 'Single quotes are not valid'],
    ['{"target": {"a": {}},}', 'JSON allows no comma after the last property'],
    ['{"target": {"a": {}} // c\n}', 'A comma or } is expected here'],
    ['// c\n{}', 'JSON has no comments'],
    ['\uFEFF{}', 'JSON must not begin with a byte order mark'],
    ['{"a": tru}', '"tru" is no JSON'],
    ['{"a": "\\x"}', 'There is no escape \\x'],
    ['{"a": 01}', 'A comma or } is expected here'],
    ['{"a": 1e99999999}', 'This number is too large or too small'],
    ['{"a": {"x": 1, "x": 2}}', '"x" is set twice in one object'],
    ['{"a": 1', 'This { is never closed'],
    ['{} {}', 'Nothing may follow the JSON value'],
    ['[1, 2]', 'A JSON object is expected here'],
    [`{"a": ${'['.repeat(500)}`, 'This is nested too deeply'],
  ])('%s: %s', async (text, message) => {
    const found = await mistakesOf(json(text));
    expect(found.map((one) => one.message)).toContain(message);
    for (const one of found) expect(one.span).toBeDefined();
  });
});
