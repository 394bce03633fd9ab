import { goJson } from '../go-json.ts';
import { compareText } from '../hcl/value.ts';
import type { Group, Plan, Target, TypedEntry } from '../target.ts';

/** A plan as `bake --print` writes it: JSON of two-space indentation that bake reads again (buildx `commands/bake.go`). */
export function printPlan(plan: Plan): string {
  return goJson(printedPlan(plan, printedTarget));
}

/** The same with what was learnt of each target beside it, as `bake --call` writes it in JSON. */
export function printAnswers(
  plan: Plan,
  answers: ReadonlyMap<string, readonly [name: string, answer: unknown]>,
): string {
  return goJson(
    printedPlan(plan, (target) => {
      const answer = answers.get(target.name);
      return sorted([['build', printedTarget(target)], ...(answer === undefined ? [] : [answer])]);
    }),
  );
}

function printedPlan(plan: Plan, each: (target: Target) => object): object {
  const groups = sorted(plan.groups.map((group) => [group.name, printedGroup(group)] as const));
  const targets = sorted(plan.targets.map((target) => [target.name, each(target)] as const));
  return { ...(plan.groups.length === 0 ? {} : { group: groups }), target: targets };
}

function printedGroup({ description, targets }: Group): object {
  return { ...(description === undefined ? {} : { description }), targets: targets ?? null };
}

function printedTarget(target: Target): object {
  return {
    ...(target.description === undefined ? {} : { description: target.description }),
    ...list('annotations', target.annotations.map(escapeTemplate)),
    ...list(
      'attest',
      target.attest.map(({ type, attrs, disabled }) =>
        sorted([...Object.entries(attrs), ['type', type], ...(disabled ? [['disabled', true] as const] : [])]),
      ),
    ),
    context: target.context,
    ...map('contexts', target.contexts, (value) => value),
    dockerfile: target.dockerfile,
    ...(target.dockerfileInline === undefined ? {} : { 'dockerfile-inline': escapeTemplate(target.dockerfileInline) }),
    ...map('args', target.args, escapeTemplate),
    ...map('labels', target.labels, escapeTemplate),
    ...list('tags', target.tags),
    ...list('cache-from', target.cacheFrom.map(entry)),
    ...list('cache-to', target.cacheTo.map(entry)),
    ...(target.target === undefined ? {} : { target: target.target }),
    ...list(
      'secret',
      target.secrets.map(({ id, src, env }) => ({
        ...(id === '' ? {} : { id }),
        ...(src === undefined ? {} : { src }),
        ...(env === undefined ? {} : { env }),
      })),
    ),
    ...list(
      'ssh',
      target.ssh.map(({ id, paths }) => ({ id, ...(paths.length === 0 ? {} : { paths }) })),
    ),
    ...list('platforms', target.platforms),
    ...list('output', target.outputs.map(entry)),
    ...(target.pull === undefined ? {} : { pull: target.pull }),
    ...(target.noCache === undefined ? {} : { 'no-cache': target.noCache }),
    ...(target.network === undefined ? {} : { network: target.network }),
    ...list('no-cache-filter', target.noCacheFilter),
    ...(target.shmSize === undefined ? {} : { 'shm-size': target.shmSize }),
    ...list('ulimits', target.ulimits),
    ...(target.call === undefined ? {} : { call: target.call }),
    ...list('entitlements', target.entitlements),
    ...map('extra-hosts', target.extraHosts, escapeTemplate),
  };
}

function entry({ type, attrs }: TypedEntry): object {
  return sorted([...Object.entries(attrs), ['type', type] as const]);
}

function list(key: string, items: readonly unknown[]): object {
  return items.length === 0 ? {} : { [key]: items };
}

function map(key: string, values: Readonly<Record<string, string>>, each: (value: string) => string): object {
  const entries = Object.entries(values).map(([name, value]) => [name, each(value)] as const);
  return entries.length === 0 ? {} : { [key]: sorted(entries) };
}

/** So that the printed text can be read as a definition again. */
function escapeTemplate(value: string): string {
  return value.replace(/[$%](?=\{)/g, (sign) => sign + sign);
}

/** An object with its keys in byte order. */
function sorted(entries: readonly (readonly [string, unknown])[]): object {
  if (entries.length < 2) return Object.fromEntries(entries);
  return Object.fromEntries([...entries].sort(([a], [b]) => compareText(a, b)));
}
