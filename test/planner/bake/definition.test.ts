import { expect, test } from 'vitest';
import { listDefinition } from '../../../planner/bake/list.ts';
import { goodPlanOf } from '../../rig/definition.ts';

const IN_MEMORY = {
  files: [],
  now: new Date(0),
  homeDir: '/',
  localPlatform: 'linux/amd64',
  fs: {
    readText: (path: string) =>
      path === 'docker-bake.hcl' ? 'variable "V" {\n  default = [1]\n}\ntarget "_x" {}\ntarget "y" {}\n' : undefined,
    kind: (path: string) => (path === 'docker-bake.hcl' ? ('file' as const) : undefined),
  },
};

test('a --var goes before the environment, and is nothing to others', async () => {
  const input = {
    variables: new Map([['V', 'environment']]),
    vars: new Map([
      ['V', 'flag'],
      ['SOURCE_DATE_EPOCH', '1'],
    ]),
  };
  const { plan } = await goodPlanOf('variable "V" {}\ntarget "default" {\n  args = { V = V }\n}\n', input);
  expect(plan.targets[0]?.args).toEqual({ V: 'flag' });
});

test('several values of --set for one key stand beside each other', async () => {
  const { plan } = await goodPlanOf('target "default" {\n  tags = ["x"]\n}\n', {
    overrides: ['default.tags=a', 'default.tags+=b', '*.platform=linux/arm64', 'default.secret.s=env=S'],
  });
  expect(plan.targets[0]).toMatchObject({
    tags: ['x', 'a', 'b'],
    platforms: ['linux/arm64'],
    secrets: [{ id: 's', env: 'S' }],
  });
});

test('what the peer prints by a defect is printed, and what is meant is built', async () => {
  const input = { overrides: ['default.network=host', 'default.ulimits=nofile=1'] };
  const built = await goodPlanOf('target "default" {}\n', input);
  expect(built.plan.targets[0]).toMatchObject({ network: 'host', ulimits: ['nofile=1'] });
  expect(built.warnings).toEqual([]);
  const printed = await goodPlanOf('target "default" {}\n', { ...input, isPrinted: true });
  expect(printed.plan.targets[0]).toMatchObject({ network: '', ulimits: [] });
  expect(printed.warnings).toHaveLength(2);
});

test('a definition is listed without what is only for itself', async () => {
  const listed = await listDefinition({ ...IN_MEMORY, variables: new Map() });
  expect(listed).toEqual({ ok: true, value: { targets: [{ name: 'y' }], variables: [{ name: 'V', value: '[1]' }] } });
});

test('the same definition gives the same plan', async () => {
  const text = 'target "default" {\n  name = "a-${x}-${y}"\n  matrix = { y = ["1", "2"], x = ["3", "4"] }\n}\n';
  const [one, other] = [await goodPlanOf(text), await goodPlanOf(text)];
  expect(one.plan).toEqual(other.plan);
  expect(one.plan.requested).toEqual(['a-3-1', 'a-4-1', 'a-3-2', 'a-4-2']);
});

test.each([
  [['default'], ['default']],
  [
    ['default', 'all'],
    ['all', 'default'],
  ],
  [['all', 'default'], ['all']],
])('a target named default is listed as the peer does: %s', async (targets, listed) => {
  const { plan } = await goodPlanOf('target "default" {}\ntarget "all" {}\n', { targets });
  expect(plan.groups).toEqual([{ name: 'default', targets: listed }]);
});

test('a --var that nobody declares is told', async () => {
  const { warnings } = await goodPlanOf('variable "TAG" {}\ntarget "default" {}\n', { vars: new Map([['TAGG', '1']]) });
  expect(warnings.map(({ hint }) => hint)).toEqual(['did you mean "TAG"?']);
});
