import { goJson } from '../go-json.ts';
import { compareText } from '../hcl/value.ts';
import type { AttestEntry, Group, Plan, SecretEntry, SshEntry, Target, TypedEntry } from '../target.ts';

/** An object of the printed JSON, its keys in the order in which they are written. */
type Printed = Map<string, unknown>;

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

function printedPlan(plan: Plan, each: (target: Target) => Printed): Printed {
  const printed: Printed = new Map();
  if (plan.groups.length > 0) printed.set('group', byName(plan.groups, printedGroup));
  return printed.set('target', byName(plan.targets, each));
}

function byName<T extends { readonly name: string }>(items: readonly T[], each: (item: T) => Printed): Printed {
  const inOrder = [...items].sort((a, b) => compareText(a.name, b.name));
  return new Map(inOrder.map((item) => [item.name, each(item)]));
}

function printedGroup({ description, targets }: Group): Printed {
  const printed: Printed = new Map();
  putText(printed, 'description', description);
  return printed.set('targets', targets ?? null);
}

function printedTarget(target: Target): Printed {
  const printed: Printed = new Map();
  putText(printed, 'description', target.description);
  putList(printed, 'annotations', target.annotations, escapeTemplate);
  putList(printed, 'attest', target.attest, printedAttest);
  putText(printed, 'context', target.context);
  putMap(printed, 'contexts', target.contexts);
  putText(printed, 'dockerfile', target.dockerfile);
  if (target.dockerfileInline !== undefined) printed.set('dockerfile-inline', escapeTemplate(target.dockerfileInline));
  putMap(printed, 'args', target.args, escapeTemplate);
  putMap(printed, 'labels', target.labels, escapeTemplate);
  putList(printed, 'tags', target.tags);
  putList(printed, 'cache-from', target.cacheFrom, entry);
  putList(printed, 'cache-to', target.cacheTo, entry);
  putText(printed, 'target', target.target);
  putList(printed, 'secret', target.secrets, printedSecret);
  putList(printed, 'ssh', target.ssh, printedSsh);
  putList(printed, 'platforms', target.platforms);
  putList(printed, 'output', target.outputs, entry);
  if (target.pull !== undefined) printed.set('pull', target.pull);
  if (target.noCache !== undefined) printed.set('no-cache', target.noCache);
  putText(printed, 'network', target.network);
  putList(printed, 'no-cache-filter', target.noCacheFilter);
  putText(printed, 'shm-size', target.shmSize);
  putList(printed, 'ulimits', target.ulimits);
  putText(printed, 'call', target.call);
  putList(printed, 'entitlements', target.entitlements);
  putMap(printed, 'extra-hosts', target.extraHosts, escapeTemplate);
  return printed;
}

function printedAttest({ type, attrs, disabled }: AttestEntry): Printed {
  return sorted([...Object.entries(attrs), ['type', type], ...(disabled ? [['disabled', true] as const] : [])]);
}

function printedSecret({ id, src, env }: SecretEntry): object {
  return { id: id === '' ? undefined : id, src, env };
}

function printedSsh({ id, paths }: SshEntry): object {
  return { id, paths: paths.length === 0 ? undefined : paths };
}

function entry({ type, attrs }: TypedEntry): Printed {
  return sorted([...Object.entries(attrs), ['type', type] as const]);
}

function putText(into: Printed, key: string, text: string | undefined): void {
  if (text !== undefined) into.set(key, text);
}

function putList<T>(into: Printed, key: string, items: readonly T[], each?: (item: T) => unknown): void {
  if (items.length > 0) into.set(key, each === undefined ? items : items.map(each));
}

function putMap(
  into: Printed,
  key: string,
  values: Readonly<Record<string, string>>,
  each: (value: string) => string = (value) => value,
): void {
  const keys = Object.keys(values).sort(compareText);
  if (keys.length > 0) into.set(key, new Map(keys.map((name) => [name, each(values[name] ?? '')])));
}

/** So that the printed text can be read as a definition again. */
function escapeTemplate(value: string): string {
  return value.includes('{') ? value.replace(/[$%](?=\{)/g, (sign) => sign + sign) : value;
}

/** An object with its keys in byte order. */
function sorted(entries: readonly (readonly [string, unknown])[]): Printed {
  return new Map(entries.length < 2 ? entries : [...entries].sort(([a], [b]) => compareText(a, b)));
}
