import { CallError } from '../../planner/hcl/scope.ts';
import { parseDuration } from '../../planner/hcl/functions/timestamp.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';

/** What `--filter` of `du` and `prune` comes to. */
export interface CacheFilters {
  /** At most one, whose comma-separated terms all have to fit. */
  readonly filters: readonly string[];
  /** Nanoseconds for which a record must not have been used. */
  readonly keepDuration: bigint;
}

/**
 * Reads filters such as `type=regular`, `id=abc`, `until=24h`, `type!=regular`; fails in words
 * (docker/buildx `commands/prune.go`, `toBuildkitPruneInfo`).
 */
export function cacheFilters(given: readonly string[]): Result<CacheFilters, string> {
  const values = new Map<string, Set<string>>();
  for (const text of given) {
    if (text === '') continue;
    const equals = text.indexOf('=');
    if (equals === -1)
      return fail(`invalid argument ${JSON.stringify(text)} for "--filter" flag: NAME=VALUE is expected`);
    const name = text.slice(0, equals).trim().toLowerCase();
    values.set(name, (values.get(name) ?? new Set<string>()).add(text.slice(equals + 1).trim()));
  }
  if (values.has('until') && values.has('unused-for')) return fail('conflicting filters "until" and "unused-for"');
  let keepDuration = 0n;
  const terms: string[] = [];
  for (const [name, [value = '', ...more]] of values) {
    if (more.length > 0) return fail(`${JSON.stringify(name)} filter expects only one value`);
    if (name === 'until' || name === 'unused-for') {
      const duration = nanoseconds(value);
      if (!duration.ok)
        return fail(`${JSON.stringify(name)} filter expects a duration (e.g., '24h'): ${duration.failure}`);
      keepDuration = duration.value;
    } else if (name === 'id') terms.push(`id~=${value}`);
    else terms.push(/[!~]$/.test(name) ? `${name}=${value}` : `${name}==${value}`);
  }
  return ok({ filters: terms.length === 0 ? [] : [terms.join(',')], keepDuration });
}

function nanoseconds(text: string): Result<bigint, string> {
  try {
    return ok(parseDuration(text, 0));
  } catch (error) {
    if (error instanceof CallError) return fail(error.message);
    throw error;
  }
}
