import type { Diagnostic } from '../diagnostic.ts';
import { didYouMean } from '../hcl/suggest.ts';
import { compareText } from '../hcl/value.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { Group } from '../target.ts';
import type { RawGroup } from './evaluated.ts';
import { globMatcher, isGlob } from './glob.ts';

/** The names of a definition, and what its groups hold. */
export interface Names {
  readonly targets: ReadonlySet<string>;
  readonly groups: ReadonlyMap<string, RawGroup>;
}

/** What was asked for, groups and patterns taken apart. */
export interface Requested {
  /** Groups and targets, as they were asked for. */
  readonly asked: readonly string[];
  /** The targets that this comes to. */
  readonly targets: readonly string[];
  /** Where a target is named by a group; absent for those named on the command line. */
  readonly namedBy: ReadonlyMap<string, RawGroup>;
}

/** Takes apart what was asked for; nothing means `default` (buildx `bake/bake.go`, `ReadTargets`). */
export function requestedTargets(given: readonly string[], names: Names): Result<Requested, readonly Diagnostic[]> {
  const diagnostics: Diagnostic[] = [];
  const words = given.length === 0 ? ['default'] : given.map((name) => name.replaceAll('.', '_'));
  const asked = words.flatMap((word) => (isGlob(word) ? matching(word, names, diagnostics) : [word]));
  const namedBy = new Map<string, RawGroup>();
  const known = new Map<string, readonly string[]>();
  const targets = [...new Set(asked.flatMap((name) => members(name, { names, known, namedBy })))];
  for (const name of targets) {
    if (!names.targets.has(name)) diagnostics.push(unknownTarget(name, names, namedBy.get(name)?.span));
  }
  return diagnostics.length > 0 ? fail(diagnostics) : ok({ asked, targets, namedBy });
}

/** A name that no target has. */
export function unknownTarget(name: string, names: Names, span?: Diagnostic['span']): Diagnostic {
  const all = [...new Set([...names.targets, ...names.groups.keys()])];
  const list = `${all.slice(0, 10).join(', ')}${all.length > 10 ? ', ...' : ''}`;
  const otherwise = all.length === 0 ? 'nothing is defined' : `defined are ${list}`;
  const isGroup = 'it is a group; only targets can stand here, and a group that leads to some';
  return {
    reason: 'unknown-target',
    message: `failed to find target ${name}`,
    hint: names.groups.has(name) ? isGroup : didYouMean(name, all, otherwise),
    ...(span === undefined ? {} : { span }),
  };
}

function matching(pattern: string, { targets, groups }: Names, diagnostics: Diagnostic[]): readonly string[] {
  const matches = globMatcher(pattern);
  const found = matches === undefined ? [] : [...groups.keys(), ...targets].filter(matches);
  if (found.length === 0) {
    diagnostics.push({
      reason: 'unknown-target',
      message: `could not find any target matching "${pattern}"`,
      hint: matches === undefined ? 'the pattern has a mistake in it' : 'see the names with --list=targets',
    });
  }
  return found;
}

/** A group's targets; a member that gives none stands for itself, and then is no target (buildx, `Config.group`). */
function members(
  name: string,
  state: {
    readonly names: Names;
    readonly known: Map<string, readonly string[]>;
    readonly namedBy: Map<string, RawGroup>;
  },
): readonly string[] {
  const group = state.names.groups.get(name);
  if (group === undefined) return [name];
  const known = state.known.get(name);
  if (known !== undefined) return known;
  state.known.set(name, []);
  const found = (group.targets ?? []).flatMap((member) => {
    const inner = members(member, state);
    const own = inner.length > 0 ? inner : [member];
    for (const one of own) if (!state.namedBy.has(one)) state.namedBy.set(one, group);
    return own;
  });
  state.known.set(name, found);
  return found;
}

/** The groups that took part, and `default` for what was asked, sorted (buildx `bake/bake.go`, `ReadTargets`). */
export function printedGroups(asked: readonly string[], groups: ReadonlyMap<string, RawGroup>): readonly Group[] {
  const printed = new Map<string, Group>();
  const visit = (name: string): void => {
    const group = groups.get(name);
    if (group === undefined || printed.has(name)) return;
    printed.set(name, shown(group));
    for (const member of group.targets ?? []) visit(member);
  };
  for (const name of asked) visit(name);
  const own = asked.includes('default') ? groups.get('default') : undefined;
  // The reference lists a target of the name only where nothing is listed before it.
  const others = asked.filter((name, at) => name !== 'default' || (own === undefined && at === 0));
  if (own === undefined || own.targets !== undefined || others.length > 0) {
    const all = [...new Set([...(own?.targets ?? []), ...others])].sort(compareText);
    printed.set('default', { ...(own === undefined ? { name: 'default' } : shown(own)), targets: all });
  }
  return [...printed.values()];
}

function shown({ name, description, targets }: RawGroup): Group {
  return {
    name,
    ...(description === undefined || description === '' ? {} : { description }),
    ...(targets === undefined ? {} : { targets }),
  };
}
