import { finishTarget } from './bake/finish.ts';
import type { BakeFlags } from './bake/flag-overrides.ts';
import { flagOverrides } from './bake/flag-overrides.ts';
import { readOverrides } from './bake/override.ts';
import type { DefinitionInput, ReadDefinition } from './bake/read.ts';
import { readDefinition } from './bake/read.ts';
import type { Names } from './bake/requested.ts';
import { printedGroups, requestedTargets } from './bake/requested.ts';
import { Resolver } from './bake/resolve.ts';
import type { Diagnostic } from './diagnostic.ts';
import { buildGraph, withLinkedEntitlements } from './graph.ts';
import { bounded } from './hcl/budget.ts';
import { HclError } from './hcl/error.ts';
import type { Result } from './result.ts';
import { fail, ok } from './result.ts';
import type { Span } from './source.ts';
import type { Plan, Target } from './target.ts';

/** Everything a bake depends on, so that the same input always gives the same plan. */
export interface BakeInput extends DefinitionInput {
  /** Targets, groups and patterns asked for; empty: `default`. */
  readonly targets: readonly string[];
  /** `--set` flags. */
  readonly overrides: readonly string[];
  readonly flags: BakeFlags;
  /** Whether somebody can be asked for the passphrase of an ssh key; by default nobody can. */
  readonly mayAsk?: (() => boolean) | undefined;
}

/** A plan, where each of its targets is written, and what in the definition has no effect. */
export interface Planned {
  readonly plan: Plan;
  readonly origins: ReadonlyMap<string, Span>;
  readonly warnings: readonly Diagnostic[];
  /** Variables for secrets, beyond those of the process. */
  readonly variables: ReadonlyMap<string, string>;
}

/**
 * Reads a bake definition and works out what is asked of it: the one door of the planner for bake (buildx `bake/bake.go`,
 * `ReadTargets`). Fails with everything a person can mend at once.
 */
export async function planBake(input: BakeInput): Promise<Result<Planned, readonly Diagnostic[]>> {
  return bounded(async () => {
    const definition = await readDefinition(input);
    return definition.ok ? planDefinition(definition.value, input) : definition;
  });
}

function planDefinition(
  { evaluated, warnings, variables }: ReadDefinition,
  input: BakeInput,
): Result<Planned, readonly Diagnostic[]> {
  const { targets: defined, groups } = evaluated;
  const names: Names = { targets: new Set(defined.keys()), groups };
  const flags = [...input.overrides, ...flagOverrides(input.flags)];
  const overrides = readOverrides(flags, [...defined.keys()], {
    environment: input.variables,
    isPrinted: input.isPrinted === true,
  });
  if (!overrides.ok) return overrides;
  const requested = requestedTargets(input.targets, names);
  if (!requested.ok) return requested;
  const resolver = new Resolver(defined, names, overrides.value.byTarget);
  const diagnostics: Diagnostic[] = [];
  const doubts: Diagnostic[] = [];
  const isPrinted = input.isPrinted === true;
  const { fs, remote, mayAsk } = input;
  const finish = { environment: input.variables, fs, remote, isPrinted, mayAsk };
  const finished = new Map<string, Target>();
  const origins = new Map<string, Span>();

  const resolve = (name: string, user: Target | undefined): Target | undefined => {
    const known = finished.get(name);
    if (known !== undefined) return known;
    if (!defined.has(name)) return undefined;
    const raw = attempt(
      () => resolver.target(name, user === undefined ? undefined : origins.get(user.name)),
      diagnostics,
    );
    if (raw === undefined) return undefined;
    const origin = defined.get(name)?.places.get('');
    if (origin !== undefined) origins.set(name, origin);
    const done = finishTarget(raw, finish);
    diagnostics.push(...done.checks.mistakes);
    doubts.push(...done.checks.warnings);
    finished.set(name, done.target);
    return done.target;
  };
  const graph = buildGraph(requested.value.targets, resolve, {
    names: () => defined.keys(),
    linkedAt: (name) => defined.get(name)?.places.get('contexts'),
  });
  if (diagnostics.length > 0) return fail(diagnostics);
  if (!graph.ok) return graph;
  const isRequested = new Set(requested.value.targets);
  const targets = withLinkedEntitlements(graph.value).map((target) =>
    isRequested.has(target.name) ? target : { ...target, outputs: [{ type: 'cacheonly', attrs: {} }] },
  );
  return ok({
    plan: {
      groups: printedGroups(requested.value.asked, groups),
      targets,
      requested: requested.value.targets,
      ...(input.remote?.kind === 'tree' ? { remote: input.remote.url } : {}),
    },
    origins,
    warnings: [...warnings, ...overrides.value.warnings, ...doubts],
    variables,
  });
}

function attempt<T>(work: () => T, diagnostics: Diagnostic[]): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    diagnostics.push(...error.diagnostics);
    return undefined;
  }
}
