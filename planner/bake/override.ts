import type { Diagnostic } from '../diagnostic.ts';
import { didYouMean } from '../hcl/suggest.ts';
import { attestEntry, cacheEntries, goBool, outputEntry, secretEntry, sshEntry } from '../options/entries.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { TypedEntry } from '../target.ts';
import { globMatcher } from './glob.ts';
import type { MutableRawTarget, RawTarget } from './raw-target.ts';
import { mergeTargets, unique, uniqueCaches } from './raw-target.ts';

/** One `--set PATTERN.KEY[.SUB][+]=VALUE`, read. Values of one key gather over several flags. */
export interface Override {
  readonly key: string;
  readonly sub: string | undefined;
  readonly values: readonly string[];
  readonly append: boolean;
}

/** Overrides by target name. */
export type Overrides = ReadonlyMap<string, readonly Override[]>;

/** What the flags come to, and what of them has another effect than its words say. */
export interface ReadOverrides {
  readonly byTarget: Overrides;
  readonly warnings: readonly Diagnostic[];
}

/** What the reference, by a defect, sets to nothing (buildx `bake/bake.go`, `AddOverrides`). */
const CLEARED = new Set(['ulimits', 'no-cache-filter', 'network']);
const KEYS: readonly string[] = [
  'annotations',
  'args',
  'attest',
  'cache-from',
  'cache-to',
  'call',
  'context',
  'contexts',
  'dockerfile',
  'entitlements',
  'extra-hosts',
  'labels',
  'load',
  'network',
  'no-cache',
  'no-cache-filter',
  'output',
  'platform',
  'pull',
  'push',
  'secrets',
  'shm-size',
  'ssh',
  'tags',
  'target',
  'ulimits',
];
const NEEDS_SUB = new Set(['args', 'contexts', 'labels', 'extra-hosts']);

/**
 * Reads the `--set` flags against the names of all targets (buildx `bake/bake.go`, `newOverrides`). `environment` gives
 * the value of `x.args.NAME` without one. What is only printed is printed as the reference does, defects included.
 */
export function readOverrides(
  flags: readonly string[],
  names: readonly string[],
  { environment, isPrinted }: { readonly environment: ReadonlyMap<string, string>; readonly isPrinted: boolean },
): Result<ReadOverrides, readonly Diagnostic[]> {
  const overrides = new Map<
    string,
    Map<string, { key: string; sub: string | undefined; values: string[]; append: boolean }>
  >();
  const diagnostics: Diagnostic[] = [];
  const warnings: Diagnostic[] = [];
  for (const flag of flags) {
    const read = readFlag(flag, environment);
    if (!read.ok) {
      diagnostics.push(read.failure);
      continue;
    }
    if (read.value === undefined) continue;
    const { pattern, key, sub, value, append } = read.value;
    const matches = globMatcher(pattern);
    if (matches === undefined) {
      diagnostics.push(
        problem(
          `could not match targets with '${pattern}': syntax error in pattern`,
          'check the brackets of the pattern',
        ),
      );
      continue;
    }
    const clears = isPrinted && CLEARED.has(key);
    if (clears) {
      const message = `docker buildx bake prints ${key} as cleared by --set ${flag}, and so does this; a build sets it`;
      warnings.push({ reason: 'ineffective', message, hint: `set ${key} in an override file to see it printed` });
    }
    const matched = names.filter(matches);
    if (matched.length === 0) {
      diagnostics.push(
        problem(
          `could not find any target matching '${pattern}'`,
          didYouMean(pattern, names, `--set ${flag}: there is no such target`),
        ),
      );
    }
    for (const name of matched) {
      const own = overrides.get(name) ?? new Map();
      overrides.set(name, own);
      const known = own.get(`${key}.${sub ?? ''}`) ?? { key, sub, values: [], append: false };
      if (!clears) known.values.push(value);
      known.append ||= append;
      own.set(`${key}.${sub ?? ''}`, known);
    }
  }
  if (diagnostics.length > 0) return fail(diagnostics);
  return ok({ byTarget: new Map([...overrides].map(([name, own]) => [name, [...own.values()]])), warnings });
}

interface Flag {
  readonly pattern: string;
  readonly key: string;
  readonly sub: string | undefined;
  readonly value: string;
  readonly append: boolean;
}

function problem(message: string, hint: string): Diagnostic {
  return { reason: 'invalid-override', message, hint };
}

function readFlag(flag: string, environment: ReadonlyMap<string, string>): Result<Flag | undefined, Diagnostic> {
  const equals = flag.indexOf('=');
  const left = equals === -1 ? flag : flag.slice(0, equals);
  const append = left.endsWith('+');
  const [pattern = '', key, ...rest] = (append ? left.slice(0, -1) : left).split('.');
  const sub = rest.length === 0 ? undefined : rest.join('.');
  if (key === undefined)
    return fail(problem(`invalid override key ${left}, expected target.name`, 'write --set TARGET.KEY=VALUE'));
  if (NEEDS_SUB.has(key) && sub === undefined) {
    return fail(problem(`invalid key ${left}, ${key} requires name`, `write --set ${pattern}.${key}.NAME=VALUE`));
  }
  if (equals !== -1) return ok({ pattern, key, sub, value: flag.slice(equals + 1), append });
  if (key !== 'args')
    return fail(problem(`invalid override ${flag}, expected target.name=value`, 'write --set TARGET.KEY=VALUE'));
  const value = environment.get(sub ?? '');
  return ok(value === undefined ? undefined : { pattern, key, sub, value, append });
}

/** Puts the overrides of a target over it. Fails with what is wrong with the first that cannot be. */
export function applyOverrides(target: RawTarget, overrides: readonly Override[]): Result<RawTarget, Diagnostic> {
  let result = target;
  const late = overrides.filter(({ key }) => key === 'push' || key === 'load');
  const order = { push: 0, load: 1 };
  for (const one of overrides) {
    if (late.includes(one)) continue;
    const applied = applyOne(result, one);
    if (!applied.ok)
      return fail(problem(`target "${target.name}": ${applied.failure}`, `given by --set ${target.name}.${one.key}`));
    result = applied.value;
  }
  for (const one of [...late].sort((a, b) => order[a.key as 'push' | 'load'] - order[b.key as 'push' | 'load'])) {
    const wanted = goBool(one.values.at(-1) ?? '');
    if (wanted === undefined) {
      return fail(
        problem(
          `target "${target.name}": invalid value ${one.values.at(-1)} for boolean key ${one.key}`,
          'true or false',
        ),
      );
    }
    const output =
      one.key === 'push'
        ? pushed(result.output ?? [], wanted)
        : wanted
          ? loaded(result.output ?? [])
          : (result.output ?? []);
    if (output.length > 0 || result.output !== undefined) result = { ...result, output };
  }
  return ok(result);
}

function applyOne(target: RawTarget, one: Override): Result<RawTarget, string> {
  const last = one.values.at(-1) ?? '';
  switch (one.key) {
    case 'context':
    case 'dockerfile':
    case 'target':
    case 'call':
      return ok({ ...target, [one.key]: last });
    case 'network':
      return ok({ ...target, network: last });
    case 'shm-size':
      return ok({ ...target, shmSize: last });
    case 'pull':
    case 'no-cache': {
      const flag = goBool(last);
      if (flag === undefined) return fail(`invalid value ${last} for boolean key ${one.key}`);
      return ok({ ...target, [one.key === 'pull' ? 'pull' : 'noCache']: flag });
    }
    case 'args':
      return ok({ ...target, args: withEntry(target.args, one.sub ?? '', last) });
    case 'labels':
      return ok({ ...target, labels: withEntry(target.labels, one.sub ?? '', last) });
    case 'contexts':
      return ok({ ...target, contexts: withEntry(target.contexts, one.sub ?? '', last) });
    case 'extra-hosts':
      return ok({ ...target, extraHosts: withEntry(target.extraHosts, one.sub ?? '', last) });
    case 'tags':
      return ok({ ...target, tags: listed(target.tags, one) });
    case 'platform':
      return ok({ ...target, platforms: listed(target.platforms, one) });
    case 'ulimits':
      return ok({ ...target, ulimits: listed(target.ulimits, one) });
    case 'no-cache-filter':
      return ok({ ...target, noCacheFilter: listed(target.noCacheFilter, one) });
    case 'annotations':
      return ok({ ...target, annotations: unique([...(target.annotations ?? []), ...one.values]) });
    case 'entitlements':
      return ok({ ...target, entitlements: unique([...(target.entitlements ?? []), ...one.values]) });
    case 'cache-from':
    case 'cache-to': {
      const key = one.key === 'cache-from' ? 'cacheFrom' : 'cacheTo';
      return entries(one, cacheEntries, (parsed) => ({
        ...target,
        [key]: uniqueCaches([...(one.append ? (target[key] ?? []) : []), ...parsed.flat()]),
      }));
    }
    case 'output':
      return entries(one, outputEntry, (parsed) => ({
        ...target,
        output: [...(one.append ? (target.output ?? []) : []), ...parsed],
      }));
    case 'secret':
      return one.sub === undefined ? fail(unknownKey(one.key)) : secretOf(target, one.sub, last);
    case 'secrets':
      return entries(one, secretEntry, (parsed) =>
        over(one.append ? target : without(target, 'secret'), { secret: parsed }),
      );
    case 'ssh':
      return entries(one, sshEntry, (parsed) => over(one.append ? target : without(target, 'ssh'), { ssh: parsed }));
    case 'attest':
      return entries(one, attestEntry, (parsed) => over(target, { attest: parsed }));
    default:
      return fail(unknownKey(one.key));
  }
}

function unknownKey(key: string): string {
  return `unknown key: ${key}; ${didYouMean(key, KEYS, `known are ${KEYS.join(', ')}`)}`;
}

/** One secret by its id, given without it: `--set app.secret.token=env=TOKEN`. */
function secretOf(target: RawTarget, id: string, text: string): Result<RawTarget, string> {
  const entry = secretEntry(text);
  return entry.ok ? ok(over(target, { secret: [{ ...entry.value, id }] })) : entry;
}

function withEntry(
  map: ReadonlyMap<string, string> | undefined,
  key: string,
  value: string,
): ReadonlyMap<string, string> {
  return new Map([...(map ?? []), [key, value]]);
}

function listed(known: readonly string[] | undefined, one: Override): readonly string[] {
  return unique([...(one.append ? (known ?? []) : []), ...one.values]);
}

function entries<T>(
  one: Override,
  parse: (text: string) => Result<T, string>,
  use: (parsed: readonly T[]) => RawTarget,
): Result<RawTarget, string> {
  const parsed: T[] = [];
  for (const value of one.values.filter((text) => text !== '')) {
    const entry = parse(value);
    if (!entry.ok) return fail(entry.failure);
    parsed.push(entry.value);
  }
  return ok(use(parsed));
}

function over(target: RawTarget, later: Partial<RawTarget>): RawTarget {
  return mergeTargets(target, { name: target.name, places: new Map(), ...later });
}

function without(target: RawTarget, key: 'secret' | 'ssh'): RawTarget {
  const copy: MutableRawTarget = { ...target };
  delete copy[key];
  return copy;
}

/** What `--push` (or `push=false`) makes of a target's outputs (buildx `bake/bake.go`, `setPushOverride`). */
export function pushed(outputs: readonly TypedEntry[], push: boolean): readonly TypedEntry[] {
  if (!push) {
    return outputs
      .filter(({ type }) => type !== 'registry')
      .map((one) => (one.type === 'image' ? { ...one, attrs: { ...one.attrs, push: 'false' } } : one));
  }
  const all = outputs.map((one) => (one.type === 'image' ? { ...one, attrs: { ...one.attrs, push: 'true' } } : one));
  const adds = outputs.every(({ type }) => type === 'docker');
  return adds ? [...all, { type: 'image', attrs: { push: 'true' } }] : all;
}

/** What `--load` makes of a target's outputs (buildx `bake/bake.go`, `setLoadOverride`). */
export function loaded(outputs: readonly TypedEntry[]): readonly TypedEntry[] {
  const loads = outputs.some(({ type, attrs }) => type === 'docker' && attrs.dest === undefined);
  const others = outputs.some(({ type }) => !['docker', 'image', 'registry', 'oci'].includes(type));
  return loads || others ? outputs : [...outputs, { type: 'docker', attrs: {} }];
}
