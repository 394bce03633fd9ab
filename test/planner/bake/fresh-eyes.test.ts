import { expect, test } from 'vitest';
import { goodPlanOf, mistakesOf } from '../../rig/definition.ts';

const target = (body: string): string => `target "default" {\n  ${body}\n}\n`;

test.each([
  ['output = ["type=docker", { type = "docker" }]', {}, [{ type: 'docker', attrs: {} }]],
  ['output = ["type=docker"]', { overrides: ['*.output+=type=docker'] }, [{ type: 'docker', attrs: {} }]],
  ['output = ["type=docker", "type=docker"]', { flags: { load: true } }, [{ type: 'docker', attrs: {} }]],
  ['output = ["-", "type=tar,dest=-"]', {}, [{ type: 'tar', attrs: { dest: '-' } }]],
])('outputs are there once: %s', async (body, input, outputs) => {
  const { plan } = await goodPlanOf(target(body), input);
  expect(plan.targets[0]?.outputs).toEqual(outputs);
});

test.each([
  ['an empty name', { targets: [''] }, '', 'failed to find target '],
  ['paths that are no list', {}, 'ssh = [{ id = "k", paths = "x" }]', 'a list of strings is expected'],
  ['half of a character', {}, 'args = { A = "\\ud83d\\ude00" }', '\\ud83d is half of a character'],
  ['a limit beyond all numbers', {}, 'ulimits = ["nofile=99999999999999999999"]', 'is too large'],
  ['a secret without an id', {}, 'secret = [{ src = "x" }]', 'a secret needs an id'],
])('%s is refused', async (_name, input, body, message) => {
  const found = await mistakesOf(target(body), input);
  expect(found[0]?.message).toContain(message);
});

test('infinity prints as Go prints it', async () => {
  const { plan } = await goodPlanOf(target('args = { A = 1 / 0, B = -1 / 0 }'));
  expect(plan.targets[0]?.args).toEqual({ A: '+Inf', B: '-Inf' });
});

test('an expression with thousands of mistakes tells some of them', async () => {
  const args = Array.from({ length: 5_000 }, (_, at) => `x${at} = nope${at}`).join('\n');
  const found = await mistakesOf(target(`args = {\n${args}\n}`));
  expect(found).toHaveLength(20);
});

test('functions that call functions are checked once each', async () => {
  const chain = Array.from(
    { length: 60 },
    (_, at) => `function "f${at}" {\n  params = [x]\n  result = "\${f${at + 1}(x)}\${f${at + 1}(x)}"\n}\n`,
  ).join('');
  const last = 'function "f60" {\n  params = [x]\n  result = x\n}\n';
  const { plan } = await goodPlanOf(`${chain}${last}${target('tags = ["a"]')}`);
  expect(plan.targets[0]?.tags).toEqual(['a']);
});
