import { sameEntry } from '../options/entries.ts';
import type { Span } from '../source.ts';
import type { AttestEntry, SecretEntry, SshEntry, TypedEntry } from '../target.ts';

/**
 * A target as one or more blocks say it, before inheritance and defaults. Absent means "said nothing"; an empty list
 * means "said: none".
 */
export interface RawTarget {
  readonly name: string;
  /** Where each attribute was set last, for messages. */
  readonly places: ReadonlyMap<string, Span>;
  /** What it inherits, in the order of merging, and where it says so; for messages about what comes from there. */
  readonly above?: readonly { readonly at: Span; readonly target: RawTarget }[];
  readonly inherits?: readonly string[];
  readonly description?: string;
  readonly annotations?: readonly string[];
  readonly attest?: readonly AttestEntry[];
  readonly context?: string;
  readonly contexts?: ReadonlyMap<string, string>;
  readonly dockerfile?: string;
  readonly dockerfileInline?: string;
  readonly args?: ReadonlyMap<string, string>;
  readonly labels?: ReadonlyMap<string, string>;
  readonly tags?: readonly string[];
  readonly cacheFrom?: readonly TypedEntry[];
  readonly cacheTo?: readonly TypedEntry[];
  readonly target?: string;
  readonly secret?: readonly SecretEntry[];
  readonly ssh?: readonly SshEntry[];
  readonly platforms?: readonly string[];
  readonly output?: readonly TypedEntry[];
  readonly pull?: boolean;
  readonly noCache?: boolean;
  readonly network?: string;
  readonly noCacheFilter?: readonly string[];
  readonly shmSize?: string;
  readonly cgroupParent?: string;
  readonly ulimits?: readonly string[];
  readonly call?: string;
  readonly entitlements?: readonly string[];
  readonly extraHosts?: ReadonlyMap<string, string>;
  readonly projectId?: string;
}

/** A raw target under construction. */
export type MutableRawTarget = { -readonly [K in keyof RawTarget]: RawTarget[K] };

/**
 * Puts `later` over `earlier` (buildx `bake/bake.go`, `Target.Merge`): scalars and most lists replace, maps merge by key,
 * a few lists append, attestations, secrets and ssh entries replace by their key in place.
 */
export function mergeTargets(earlier: RawTarget, later: RawTarget, above = later.above ?? earlier.above): RawTarget {
  const merged: MutableRawTarget = { ...earlier, ...later, places: overlaid(earlier.places, later.places) };
  if (above !== undefined) merged.above = above;
  if (later.description === '') keep(merged, 'description', earlier.description);
  keep(merged, 'inherits', appended(earlier.inherits, later.inherits));
  keep(merged, 'annotations', appended(earlier.annotations, later.annotations));
  keep(merged, 'ulimits', appended(earlier.ulimits, later.ulimits));
  keep(merged, 'noCacheFilter', appended(earlier.noCacheFilter, later.noCacheFilter));
  keep(merged, 'entitlements', appended(earlier.entitlements, later.entitlements));
  keep(merged, 'cacheFrom', mergedCaches(earlier.cacheFrom, later.cacheFrom));
  keep(merged, 'args', byKey(earlier.args, later.args));
  keep(merged, 'labels', byKey(earlier.labels, later.labels));
  keep(merged, 'extraHosts', byKey(earlier.extraHosts, later.extraHosts));
  keep(merged, 'contexts', byKey(earlier.contexts, later.contexts));
  keep(
    merged,
    'attest',
    replacedBy(earlier.attest, later.attest, (entry) => entry.type),
  );
  keep(
    merged,
    'secret',
    replacedBy(earlier.secret, later.secret, (entry) => entry.id),
  );
  keep(
    merged,
    'ssh',
    replacedBy(earlier.ssh, later.ssh, (entry) => entry.id),
  );
  return merged;
}

/** Where an attribute is written, and through which `inherits` it came, nearest first. */
export function placeOf(
  target: RawTarget,
  attribute: string,
  seen: Set<RawTarget> = new Set(),
): { readonly span: Span; readonly through: readonly Span[] } | undefined {
  const own = target.places.get(attribute);
  if (own !== undefined) return { span: own, through: [] };
  if (seen.has(target)) return undefined;
  seen.add(target);
  for (const { at, target: parent } of (target.above ?? []).toReversed()) {
    const found = placeOf(parent, attribute, seen);
    if (found !== undefined) return { span: found.span, through: [at, ...found.through] };
  }
  return undefined;
}

/** Each text once, the first place kept, empty ones dropped. */
export function unique(list: readonly string[]): readonly string[] {
  if (list.length < 2) return list[0] === '' ? [] : list;
  return [...new Set(list)].filter((text) => text !== '');
}

/** One entry of each key: the last, in the place of the first. */
export function lastOfEach<T>(entries: readonly T[], keyOf: (entry: T) => string): readonly T[] {
  if (entries.length < 2) return entries;
  return [...new Map(entries.map((entry) => [keyOf(entry), entry])).values()];
}

/**
 * Without duplicates, in the order the reference gives them (buildx `util/buildflags/utils.go`): from the end to the
 * beginning, the last element takes the place of each entry's next duplicate.
 */
export function uniqueEntries(list: readonly TypedEntry[]): readonly TypedEntry[] {
  if (list.length < 2) return list;
  const kept = [...list];
  for (let at = kept.length - 2; at >= 0; at--) {
    const entry = kept[at];
    const duplicate = kept.findIndex((other, place) => place > at && entry !== undefined && sameEntry(other, entry));
    const last = duplicate === -1 ? undefined : kept.pop();
    if (last !== undefined && duplicate < kept.length) kept[duplicate] = last;
  }
  return kept;
}

/** A map with the entries of another put over it; the first itself where there is nothing to put. */
function overlaid<V>(under: ReadonlyMap<string, V>, over: ReadonlyMap<string, V>): ReadonlyMap<string, V> {
  if (under.size === 0) return over;
  return over.size === 0 ? under : new Map([...under, ...over]);
}

function keep<K extends keyof RawTarget>(into: MutableRawTarget, key: K, value: RawTarget[K] | undefined): void {
  if (value !== undefined) into[key] = value;
  else if (key in into) delete into[key];
}

function appended(
  earlier: readonly string[] | undefined,
  later: readonly string[] | undefined,
): readonly string[] | undefined {
  if (earlier === undefined || later === undefined) return later ?? earlier;
  return unique([...earlier, ...later]);
}

function mergedCaches(
  earlier: readonly TypedEntry[] | undefined,
  later: readonly TypedEntry[] | undefined,
): readonly TypedEntry[] | undefined {
  if (earlier === undefined || later === undefined) return later ?? earlier;
  return uniqueEntries([...earlier, ...later]);
}

function byKey(
  earlier: ReadonlyMap<string, string> | undefined,
  later: ReadonlyMap<string, string> | undefined,
): ReadonlyMap<string, string> | undefined {
  if (earlier === undefined || later === undefined) return later ?? earlier;
  const merged = new Map(earlier);
  for (const [key, value] of later) merged.set(key, value);
  return merged;
}

function replacedBy<T>(
  earlier: readonly T[] | undefined,
  later: readonly T[] | undefined,
  keyOf: (entry: T) => string,
): readonly T[] | undefined {
  if (earlier === undefined || later === undefined) return later ?? earlier;
  return lastOfEach([...earlier, ...later], keyOf);
}
