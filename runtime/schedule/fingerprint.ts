import { createHash } from 'node:crypto';
import type { Target } from '../../planner/target.ts';

/**
 * A short text that is equal for targets that lead to the same steps: what is copied, run and linked counts; where the
 * result goes, what it is called and what is written on it does not. `links` are the fingerprints of the linked targets.
 */
export function targetFingerprint(
  target: Target,
  platforms: readonly string[],
  links: ReadonlyMap<string, string>,
): string {
  const contexts = Object.entries(target.contexts).map(([name, value]) => [name, links.get(value) ?? value]);
  const steps = [
    platforms,
    target.context,
    target.contextIsRemote === true,
    contexts.sort(byText),
    target.dockerfile,
    target.dockerfileInline ?? '',
    Object.entries(target.args).sort(byText),
    target.target ?? '',
    target.network ?? '',
    target.noCache === true,
    target.noCacheFilter,
    Object.entries(target.extraHosts).sort(byText),
  ];
  return createHash('sha256').update(JSON.stringify(steps)).digest('hex').slice(0, 32);
}

function byText([one = '']: readonly (string | undefined)[], [other = '']: readonly (string | undefined)[]): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
