import type { Diagnostic } from '../diagnostic.ts';
import { didYouMean } from '../hcl/suggest.ts';
import { attestEntry, cacheEntries, goBool, outputEntry, secretEntry, sshEntry } from '../options/entries.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { Override } from './override.ts';
import { loaded, pushed } from './push-load.ts';
import type { MutableRawTarget, RawTarget } from './raw-target.ts';
import { mergeTargets, unique, uniqueEntries } from './raw-target.ts';

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
    result = placed(applied.value, one);
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

/** What an override replaces altogether, by the name of the attribute. */
const REPLACED: ReadonlyMap<string, string> = new Map([
  ...[
    'context',
    'dockerfile',
    'target',
    'network',
    'shm-size',
    'tags',
    'ulimits',
    'cache-from',
    'cache-to',
    'output',
    'ssh',
  ].map((key) => [key, key] as const),
  ['platform', 'platforms'],
  ['secrets', 'secret'],
]);

/** What is wrong with a value that a flag gave is the flag's fault, not that of the file. */
function placed(target: RawTarget, { key, values, append }: Override): RawTarget {
  const attribute = append ? undefined : REPLACED.get(key);
  if (attribute === undefined) return target;
  const [first = '', ...more] = values.map((value) => `${target.name}.${key}=${value}`);
  const file = { name: '--set', text: [first, ...more].join('\n') };
  return { ...target, places: new Map([...target.places, [attribute, { file, start: 0, end: first.length }]]) };
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
        [key]: uniqueEntries([...(one.append ? (target[key] ?? []) : []), ...parsed.flat()]),
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

function problem(message: string, hint: string): Diagnostic {
  return { reason: 'invalid-override', message, hint };
}
