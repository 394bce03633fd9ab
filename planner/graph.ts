import type { Diagnostic } from './diagnostic.ts';
import { didYouMean } from './hcl/suggest.ts';
import type { Result } from './result.ts';
import { fail, ok } from './result.ts';
import type { Target } from './target.ts';

const PREFIX = 'target:';

/** The names of the targets that a target uses as named contexts, each once, in order. */
export function linkedTargets(target: Pick<Target, 'contexts'>): readonly string[] {
  const links = Object.values(target.contexts).filter((value) => value.startsWith(PREFIX));
  return [...new Set(links.map((value) => value.slice(PREFIX.length)))];
}

/** Targets and what each of them needs, in an order in which every target comes after those it needs. */
export interface BuildGraph {
  readonly order: readonly string[];
  readonly needs: ReadonlyMap<string, readonly string[]>;
}

/**
 * Follows links from the requested targets (buildx `bake/bake.go`, `loadLinks`). `resolve` gives a target by name, or
 * undefined. Fails with the chain for a circle, and for a link that leads nowhere.
 */
export function buildGraph(
  requested: readonly string[],
  resolve: (name: string, user: Target | undefined) => Target | undefined,
  names: Iterable<string>,
): Result<{ readonly graph: BuildGraph; readonly targets: ReadonlyMap<string, Target> }, readonly Diagnostic[]> {
  const targets = new Map<string, Target>();
  const needs = new Map<string, readonly string[]>();
  const order: string[] = [];
  const diagnostics: Diagnostic[] = [];
  const known = [...names];

  const visit = (start: string): void => {
    const stack: { readonly name: string; readonly links: readonly string[]; at: number }[] = [];
    const open = new Set<string>();
    const enter = (name: string, user: Target | undefined): void => {
      const target = resolve(name, user);
      if (target === undefined) {
        diagnostics.push({
          reason: 'unknown-target',
          message: `failed to find target ${name}`,
          hint: didYouMean(
            name,
            known,
            user === undefined ? 'nothing of that name is defined' : `target "${user.name}" links to it`,
          ),
        });
        return;
      }
      targets.set(name, target);
      const links = linkedTargets(target);
      needs.set(name, links);
      open.add(name);
      stack.push({ name, links, at: 0 });
    };
    enter(start, undefined);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const link = top.links[top.at++];
      if (link === undefined) {
        stack.pop();
        open.delete(top.name);
        order.push(top.name);
      } else if (open.has(link)) {
        const chain = [...stack.slice(stack.findIndex(({ name }) => name === link)).map(({ name }) => name), link];
        diagnostics.push({
          reason: 'target-cycle',
          message:
            link === top.name
              ? `target ${link} cannot link to itself`
              : `infinite loop from ${top.name} to ${link}: ${chain.join(' -> ')}`,
          hint: 'break the circle of contexts',
        });
      } else if (!targets.has(link)) {
        enter(link, targets.get(top.name));
      }
    }
  };

  for (const name of requested) if (!targets.has(name)) visit(name);
  for (const target of targets.values()) {
    for (const link of linkedTargets(target)) {
      const provider = targets.get(link);
      const problem = provider === undefined ? undefined : platformProblem(target, provider);
      if (problem !== undefined) diagnostics.push(problem);
    }
  }
  return diagnostics.length > 0 ? fail(diagnostics) : ok({ graph: { order, needs }, targets });
}

function platformProblem(user: Target, provider: Target): Diagnostic | undefined {
  if (user.platforms.length < 2 || provider.platforms.length < 2) return undefined;
  if (user.platforms.every((platform) => provider.platforms.includes(platform))) return undefined;
  return {
    reason: 'platform-mismatch',
    message: `target ${provider.name} can't be used by ${user.name} because its platforms [${provider.platforms.join(' ')}] are not a superset of [${user.platforms.join(' ')}]`,
    hint: `build ${provider.name} for the platforms of ${user.name} as well`,
  };
}
