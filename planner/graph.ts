import type { Diagnostic } from './diagnostic.ts';
import { didYouMean } from './hcl/suggest.ts';
import type { Result } from './result.ts';
import { fail, ok } from './result.ts';
import type { Span } from './source.ts';
import type { Target } from './target.ts';

const PREFIX = 'target:';

/** The names of the targets that a target uses as named contexts, each once, in order. */
export function linkedTargets(target: Pick<Target, 'contexts'>): readonly string[] {
  const links = Object.values(target.contexts).filter((value) => value.startsWith(PREFIX));
  return links.length === 0 ? [] : [...new Set(links.map((value) => value.slice(PREFIX.length)))];
}

/** Targets and what each of them needs, in an order in which every target comes after those it needs. */
export interface BuildGraph {
  readonly order: readonly string[];
  readonly needs: ReadonlyMap<string, readonly string[]>;
}

/** What diagnostics about links need to know. */
export interface LinkPlaces {
  /** All names that a link could mean. */
  readonly names: () => Iterable<string>;
  /** Where a target says what it links to. */
  readonly linkedAt: (name: string) => Span | undefined;
}

/** Targets that were asked for, with all they link to, in the order in which they were met. */
export interface LinkedTargets {
  readonly graph: BuildGraph;
  readonly targets: ReadonlyMap<string, Target>;
}

/**
 * Follows links from the requested targets (buildx `bake/bake.go`, `loadLinks`). `resolve` gives a target by name, or
 * undefined. Fails with the chain for a circle, and for a link that leads nowhere.
 */
export function buildGraph(
  requested: readonly string[],
  resolve: (name: string, user: Target | undefined) => Target | undefined,
  { names, linkedAt }: LinkPlaces,
): Result<LinkedTargets, readonly Diagnostic[]> {
  const targets = new Map<string, Target>();
  const needs = new Map<string, readonly string[]>();
  const order: string[] = [];
  const diagnostics: Diagnostic[] = [];
  const at = (name: string | undefined): Pick<Diagnostic, 'span'> => {
    const span = name === undefined ? undefined : linkedAt(name);
    return span === undefined ? {} : { span };
  };
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
            names(),
            user === undefined ? 'nothing of that name is defined' : `target "${user.name}" links to it`,
          ),
          ...at(user?.name),
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
          ...at(top.name),
          related: chain.slice(0, -2).flatMap((name, index) => {
            const span = linkedAt(name);
            return span === undefined ? [] : [{ message: `${name} links to ${chain[index + 1]} here`, span }];
          }),
        });
      } else if (!targets.has(link)) {
        enter(link, targets.get(top.name));
      }
    }
  };

  for (const name of requested) if (!targets.has(name)) visit(name);
  for (const target of targets.values()) {
    for (const link of needs.get(target.name) ?? []) {
      const provider = targets.get(link);
      const problem = provider === undefined ? undefined : platformProblem(target, provider);
      if (problem !== undefined) diagnostics.push({ ...problem, ...at(target.name) });
    }
  }
  return diagnostics.length > 0 ? fail(diagnostics) : ok({ graph: { order, needs }, targets });
}

/**
 * The targets in the order in which they were met; what a target links to passes its entitlements on (buildx
 * `bake/bake.go`, `loadLinks`).
 */
export function withLinkedEntitlements({ graph, targets }: LinkedTargets): readonly Target[] {
  const entitled = new Map<string, Target>();
  for (const name of graph.order) {
    const target = targets.get(name);
    if (target === undefined) continue;
    const passed = (graph.needs.get(name) ?? []).flatMap((link) => entitled.get(link)?.entitlements ?? []);
    const all = passed.length === 0 ? target.entitlements : [...new Set([...target.entitlements, ...passed])];
    entitled.set(name, all === target.entitlements ? target : { ...target, entitlements: all });
  }
  return [...targets.values()].map((target) => entitled.get(target.name) ?? target);
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
