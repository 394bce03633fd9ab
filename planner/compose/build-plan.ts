import type { Diagnostic } from '../diagnostic.ts';
import { buildGraph, withLinkedEntitlements } from '../graph.ts';
import { platformProblem, ulimitProblem } from '../options/checks.ts';
import { attestEntry, cacheEntries, goBool } from '../options/entries.ts';
import type { Planned } from '../plan.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { AttestEntry, Target, TypedEntry } from '../target.ts';
import type { ComposeDefinition, ComposeTarget } from './build-definition.ts';
import { ulimitText } from './build-definition.ts';
import { isRemoteContext } from './resolve-paths.ts';
import type { BuildSection } from './service.ts';

/** `--provenance` and `--sbom`, which go over what the files say. Undefined: not given. */
export interface AttestFlags {
  readonly provenance: string | undefined;
  readonly sbom: string | undefined;
}

/**
 * A definition as a plan: the requested targets and those that they link to. Fails for values that no builder could take,
 * links in a circle, and links to nothing.
 */
export function composePlan(
  { targets, requested, variables }: ComposeDefinition,
  flags: AttestFlags,
): Result<Planned, readonly Diagnostic[]> {
  const diagnostics: Diagnostic[] = [];
  const byName = new Map(targets.map((target) => [target.name, target] as const));
  const graph = buildGraph(
    requested,
    (name) => {
      const target = byName.get(name);
      return target === undefined ? undefined : plannedTarget(target, flags, diagnostics);
    },
    {
      names: () => byName.keys(),
      linkedAt: (name) => byName.get(name)?.build.places.get('additional_contexts'),
    },
  );
  if (diagnostics.length > 0) return fail(diagnostics);
  if (!graph.ok) return graph;
  const isRequested = new Set(requested);
  const planned = withLinkedEntitlements(graph.value).map((target) =>
    isRequested.has(target.name) ? target : { ...target, outputs: [{ type: 'cacheonly', attrs: {} }] },
  );
  const origins = new Map(targets.map(({ name, service }) => [name, service.span] as const));
  const plan = { groups: [{ name: 'default', targets: requested }], targets: planned, requested };
  return ok({ plan, origins, warnings: [], variables });
}

function plannedTarget(target: ComposeTarget, flags: AttestFlags, diagnostics: Diagnostic[]): Target {
  const { build, service, name } = target;
  const refuse = (key: string, message: string, hint: string): void =>
    void diagnostics.push({ reason: 'invalid-value', message, hint, span: build.places.get(key) ?? service.span });
  for (const platform of target.platforms) {
    const problem = platformProblem(platform);
    if (problem !== undefined) refuse('platforms', problem, 'write os/arch or os/arch/variant, such as linux/amd64');
  }
  const ulimits = build.ulimits.map(ulimitText);
  for (const limit of ulimits) {
    const problem = ulimitProblem(limit);
    if (problem !== undefined) refuse('ulimits', problem, 'write name: N, or name: {soft: N, hard: N}');
  }
  const caches = (texts: readonly string[], key: string): readonly TypedEntry[] =>
    texts.filter((text) => text !== '').flatMap((text) => unwrapped(cacheEntries(text), key, refuse) ?? []);
  const links = [...target.contexts].filter(([, value]) => value !== '');
  return {
    name,
    annotations: [],
    attest: (['provenance', 'sbom'] as const).flatMap((type) => attestation(type, flags[type] ?? build[type], refuse)),
    context: build.context === '' ? '.' : build.context,
    contexts: Object.fromEntries(links),
    dockerfile: dockerfileInContext(build, target.dockerfile),
    ...(build.dockerfileInline === '' ? {} : { dockerfileInline: build.dockerfileInline }),
    args: Object.fromEntries(target.args),
    labels: Object.fromEntries(target.labels),
    tags: [...new Set(target.tags)],
    cacheFrom: caches(build.cacheFrom, 'cache_from'),
    cacheTo: caches(build.cacheTo, 'cache_to'),
    ...(build.target === '' ? {} : { target: build.target }),
    secrets: target.secrets,
    ssh: target.ssh.map(({ id, path }) => ({ id, paths: path === '' ? [] : [path] })),
    platforms: [...new Set(target.platforms)],
    outputs: target.output === undefined ? [] : [OUTPUTS[target.output]],
    ...(target.pull ? { pull: true } : {}),
    ...(target.noCache ? { noCache: true } : {}),
    ...(build.network === '' ? {} : { network: build.network }),
    noCacheFilter: [],
    ...(build.shmBytes > 0 ? { shmSize: String(build.shmBytes) } : {}),
    ulimits,
    ...(target.output === undefined ? { call: 'lint' } : {}),
    entitlements: [...new Set([...target.entitlements, ...(build.network === 'host' ? ['network.host'] : [])])],
    extraHosts: Object.fromEntries([...build.extraHosts].map(([host, addresses]) => [host, addresses.join(',')])),
  };
}

type Refuse = (key: string, message: string, hint: string) => void;

const OUTPUTS: Readonly<Record<NonNullable<ComposeTarget['output']>, TypedEntry>> = {
  docker: { type: 'docker', attrs: {} },
  registry: { type: 'registry', attrs: {} },
  image: { type: 'image', attrs: { push: 'false' } },
  'image-push': { type: 'image', attrs: { push: 'true' } },
};

/** A remote context has its Dockerfile inside, under the name that was written. */
function dockerfileInContext(build: BuildSection, found: string | undefined): string {
  return isRemoteContext(build.context) ? (build.dockerfile ?? 'Dockerfile') : (found ?? 'Dockerfile');
}

function attestation(type: string, value: string, refuse: Refuse): readonly AttestEntry[] {
  if (value === '') return [];
  const on = goBool(value);
  const text = on === undefined ? `type=${type},${value}` : on ? `type=${type}` : `type=${type},disabled=true`;
  const entry = unwrapped(attestEntry(text), type, refuse);
  return entry === undefined ? [] : [entry];
}

function unwrapped<T>(result: Result<T, string>, key: string, refuse: Refuse): T | undefined {
  if (result.ok) return result.value;
  refuse(key, result.failure, 'write key=value pairs, with commas between them');
  return undefined;
}
