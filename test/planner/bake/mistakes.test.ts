import { expect, test } from 'vitest';
import { diagnosticText } from '../../../cli/print/diagnostic.ts';
import { goodPlanOf, mistakesOf } from '../../rig/definition.ts';

async function words(...input: Parameters<typeof mistakesOf>): Promise<string> {
  return (await mistakesOf(...input)).map(diagnosticText).join('\n');
}

test('several mistakes are told at once, each with its line, its range and what would be right', async () => {
  const text = 'variable "TAG" {}\ntarget "default" {\n  tags = [TAGG, uper("x")]\n  pull = "maybe"\n}\n';
  expect(await words(text)).toBe(
    [
      'docker-bake.hcl:3:11: There is no variable named "TAGG"',
      '  3 |   tags = [TAGG, uper("x")]',
      '    |           ^^^^ did you mean "TAG"?',
      'docker-bake.hcl:3:17: There is no function named "uper"',
      '  3 |   tags = [TAGG, uper("x")]',
      '    |                 ^^^^ did you mean "upper"?',
      'docker-bake.hcl:4:10: pull: a bool is required',
      '  4 |   pull = "maybe"',
      '    |          ^^^^^^^ write pull = true or false',
    ].join('\n'),
  );
});

test('several syntax errors of a file are told at once', async () => {
  const found = await mistakesOf('target "a" {\n  tags = [\n}\ntarget "b" {\n  context "x"\n}\nvariable {}\n');
  expect(found.length).toBeGreaterThan(1);
  expect(found[0]?.message).toBe('An expression is expected here');
});

test('a circle of variables is shown whole', async () => {
  const found = await mistakesOf('a = b\nb = c\nc = a\n');
  expect(found.map(({ message }) => message)).toContain('The variable "a" needs itself: a -> b -> c -> a');
});

test('a circle of references is told once', async () => {
  const found = await mistakesOf('target "a" {\n  tags = target.b.tags\n}\ntarget "b" {\n  tags = target.a.tags\n}\n');
  expect(found.map(({ message }) => message)).toEqual([
    'target.b.tags needs itself: target.b.tags -> target.a.tags -> target.b.tags',
  ]);
});

test('a function that calls itself is told once', async () => {
  const found = await mistakesOf(
    'function "f" {\n  params = [x]\n  result = f(x)\n}\ntarget "default" {\n  tags = [f("a")]\n}\n',
  );
  expect(found.map(({ message }) => message)).toEqual(['The function "f" calls itself: f -> f']);
});

test('a circle of links is told with each of its links', async () => {
  const text = ['a:b', 'b:c', 'c:a']
    .map((pair) => pair.split(':'))
    .map(([name, to]) => `target "${name}" {\n  contexts = { x = "target:${to}" }\n}\n`)
    .join('');
  expect(await words(text, { targets: ['a'] })).toBe(
    [
      'docker-bake.hcl:8:14: infinite loop from c to a: a -> b -> c -> a',
      '  8 |   contexts = { x = "target:a" }',
      '    |              ^^^^^^^^^^^^^^^^^^ break the circle of contexts',
      'docker-bake.hcl:2:14: a links to b here',
      '  2 |   contexts = { x = "target:b" }',
      '    |              ^^^^^^^^^^^^^^^^^^',
      'docker-bake.hcl:5:14: b links to c here',
      '  5 |   contexts = { x = "target:c" }',
      '    |              ^^^^^^^^^^^^^^^^^^',
    ].join('\n'),
  );
});

test('a wrong value that is inherited is shown where it is written, with the way it came', async () => {
  const text =
    'target "base" {\n  platforms = ["a/b/c/d"]\n}\ntarget "mid" {\n  inherits = ["base"]\n}\ntarget "default" {\n  inherits = ["mid"]\n}\n';
  const [found] = await mistakesOf(text);
  expect(found?.span && text.slice(found.span.start, found.span.end)).toBe('["a/b/c/d"]');
  expect(found?.related?.map(({ span }) => text.slice(span.start, span.end))).toEqual(['["mid"]', '["base"]']);
});

test.each([
  ['target "a" {\n  tag = ["x"]\n}', 'A target has no attribute "tag"; it is passed over', 'did you mean "tags"?'],
  [
    'target "a" {\n  args {\n    A = 1\n  }\n}',
    'A target holds no block "args"; it is passed over',
    'write args = { ... }',
  ],
  ['target "a" {}\ntargt "b" {}', 'The block targt means nothing to bake', 'did you mean target?'],
  [
    'target "a" {}\nvariable "V" {\n  defalt = 1\n}',
    'A variable has no attribute "defalt"; it is passed over',
    '"default"',
  ],
])('what has no effect is told: %s', async (text, message, hint) => {
  const { warnings } = await goodPlanOf(text, { targets: ['a'] });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]?.message).toBe(message);
  expect(warnings[0]?.hint).toContain(hint);
});

test('a block for another tool is nobody else’s business', async () => {
  const { warnings } = await goodPlanOf('target "a" {}\nterraform "x" {\n  y = nope\n}\n', { targets: ['a'] });
  expect(warnings).toEqual([]);
});

test.each([
  ['strings that double', '"${v}${v}"', '"0123456789abcdef"', 'This text is too long'],
  ['values that double', '[v, v]', '["a"]', 'This definition takes too many steps to compute'],
])('%s end in a clear mistake', async (_name, step, first, message) => {
  const lines = Array.from({ length: 60 }, (_, at) => `v${at + 1} = ${step.replaceAll('v', `v${at}`)}`);
  const found = await mistakesOf(
    `v0 = ${first}\n${lines.join('\n')}\ntarget "default" {\n  tags = [jsonencode(v60)]\n}\n`,
  );
  expect(found.map((one) => one.message)).toContain(message);
});

test('loops inside one another end in a clear mistake', async () => {
  const loop = Array.from({ length: 6 }).reduce<string>(
    (inner, _, at) => `[for x${at} in range(1000) : ${inner}]`,
    '0',
  );
  const found = await mistakesOf(`target "default" {\n  tags = [jsonencode(${loop})]\n}\n`);
  expect(found.map(({ reason }) => reason)).toEqual(['too-much']);
});

test.each([
  ['inherits', 'inherits = ["tNEXT"]'],
  ['contexts', 'contexts = { x = "target:tNEXT" }'],
])('a chain of 20,000 %s is planned, or refused in words', async (_name, line) => {
  const blocks = Array.from(
    { length: 20_000 },
    (_, at) => `target "t${at}" {\n  ${line.replace('NEXT', `${at + 1}`)}\n}\n`,
  );
  const text = `${blocks.join('')}target "t20000" {}\n`;
  const outcome = await goodPlanOf(text, { targets: ['t0'] }).then(
    () => 'planned',
    (error: unknown) => (error instanceof Error ? error.message : ''),
  );
  expect(outcome).toMatch(/^planned$|This definition goes too deep to follow/);
});

test.each([
  ['--set of a key that is misspelt', { overrides: ['a.tag=x'] }, 'unknown key: tag; did you mean "tags"?'],
  ['--set of a target that is misspelt', { overrides: ['appp.tags=x'] }, "could not find any target matching 'appp'"],
  ['a target that is misspelt', { targets: ['aa'] }, 'failed to find target aa'],
])('%s is told', async (_name, input, message) => {
  const [found] = await mistakesOf('target "a" {}\ntarget "app" {}\n', { targets: ['a'], ...input });
  expect(`${found?.message}; ${found?.hint}`).toContain(message);
});

test('a group cannot be inherited, and is told so', async () => {
  const [found] = await mistakesOf('group "g" {\n  targets = ["a"]\n}\ntarget "a" {\n  inherits = ["g"]\n}\n', {
    targets: ['a'],
  });
  expect(found?.hint).toContain('it is a group');
});

test('a tag that no registry takes is told before anything is built, and printed as it is', async () => {
  const text = 'target "default" {\n  tags = ["ok", "Not:A:Tag"]\n}\n';
  const [found] = await mistakesOf(text);
  expect(found?.message).toContain('invalid tag "Not:A:Tag"');
  const printed = await goodPlanOf(text, { isPrinted: true });
  expect(printed.plan.targets[0]?.tags).toEqual(['ok', 'Not:A:Tag']);
});

test('a misspelt architecture is told', async () => {
  const { warnings } = await goodPlanOf('target "default" {\n  platforms = ["linux/amd6", "linux/arm64"]\n}\n');
  expect(warnings.map(({ message, hint }) => `${message}; ${hint}`)).toEqual([
    'target "default": the platform "linux/amd6" has an unknown architecture; did you mean "amd64"?',
  ]);
});

test.each([
  ['slow functions', '[for i in range(1000) : bcrypt("x", 14)]'],
  ['slow patterns', `[for i in range(1000) : can(regex("(a+)+$", "${'a'.repeat(4_000)}!"))]`],
  ['long texts', `[for i in range(1000) : base64encode("${'a'.repeat(200_000)}\${i}")]`],
])('%s in a loop end in a clear mistake', async (_name, expression) => {
  const found = await mistakesOf(`target "default" {\n  args = { A = length(${expression}) }\n}\n`);
  expect(found.map(({ reason }) => reason)).toEqual(['too-much']);
});

test('many elements of one group, and many fractions, are no more than many', async () => {
  const { plan } = await goodPlanOf(
    'target "default" {\n  args = {\n' +
      '    A = length({ for i in flatten([for j in range(200) : range(200)]) : "k" => i... }["k"])\n' +
      '    B = length(distinct([for i in range(900) : 1 / (i + 1)]))\n  }\n}\n',
  );
  expect(plan.targets[0]?.args).toEqual({ A: '40000', B: '900' });
});

/** Every target inherits the two of the next level. */
function diamonds(levels: number, last: string): string {
  const blocks = Array.from({ length: levels }, (_, at) =>
    ['a', 'b'].map((side) => `target "${side}${at}" {\n  inherits = ["a${at + 1}", "b${at + 1}"]\n}\n`).join(''),
  );
  return `${blocks.join('')}${last}`;
}

test('diamonds of inheritance cost what they have targets, with a circle in them and with a mistake', async () => {
  const plain = diamonds(40, 'target "a40" {\n  tags = ["x"]\n}\ntarget "b40" {}\n');
  const circle = diamonds(
    40,
    'target "a40" {\n  inherits = ["b40"]\n  tags = ["x"]\n}\ntarget "b40" {\n  inherits = ["a40"]\n}\n',
  );
  for (const text of [plain, circle]) {
    const { plan } = await goodPlanOf(text, { targets: ['a0'] });
    expect(plan.targets[0]?.tags).toEqual(['x']);
  }
  const found = await mistakesOf(plain, { targets: ['a0'], overrides: ['*.platform=a/b/c/d'] });
  expect(found).toHaveLength(1);
});

test('a line that is nested too deeply does not make the next one so', async () => {
  const found = await mistakesOf(`a = ${'-'.repeat(500)}1\nb = ((((1))))\n`);
  expect(found.map(({ message }) => message)).toEqual(['This is nested too deeply']);
});

test('JSON in the environment is told what is wrong with it', async () => {
  const text = 'variable "V" {\n  type = list(any)\n}\ntarget "default" {}\n';
  const [found] = await mistakesOf(text, { variables: new Map([['V_JSON', '['.repeat(1000)]]) });
  expect(found?.message).toContain('it is not JSON: This is nested too deeply');
});

test('a secret file that is not there is told with what would help', async () => {
  const missing = 'failed to stat z: stat z: no such file or directory';
  expect(await words('target "default" {\n  secret = ["id=z"]\n}\n')).toBe(
    [
      `docker-bake.hcl:2:12: target "default": ${missing}`,
      '  2 |   secret = ["id=z"]',
      '    |            ^^^^^^^^ create the file, or set the environment variable z',
    ].join('\n'),
  );
  expect(await words('target "default" {\n  secret = ["id=y,src=z"]\n}\n')).toContain(
    'create the file, or name another with src=',
  );
});

test('what a flag sets wrongly is shown in the flag', async () => {
  const text = 'target "default" {\n  secret = ["id=a,env=A"]\n  shm-size = "5m"\n}\n';
  const overrides = ['*.secrets=id=z', '*.shm-size=5x'];
  expect(await words(text, { overrides })).toBe(
    [
      `--set:1:1: target "default": invalid size: '5x'`,
      '  1 | default.shm-size=5x',
      '    | ^^^^^^^^^^^^^^^^^^^ write a number with b, k, m or g',
      '--set:1:1: target "default": failed to stat z: stat z: no such file or directory',
      '  1 | default.secrets=id=z',
      '    | ^^^^^^^^^^^^^^^^^^^^ create the file, or set the environment variable z',
    ].join('\n'),
  );
});
