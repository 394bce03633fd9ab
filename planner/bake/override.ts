import type { Diagnostic } from '../diagnostic.ts';
import { didYouMean } from '../hcl/suggest.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import { globMatcher } from './glob.ts';

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
