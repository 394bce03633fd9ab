import type { FinishContext } from '../bake/finish.ts';
import { finishTarget } from '../bake/finish.ts';
import type { RawTarget } from '../bake/raw-target.ts';
import { lastOfEach, unique } from '../bake/raw-target.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { buildGraph, withLinkedEntitlements } from '../graph.ts';
import type { Planned } from '../plan.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { Span } from '../source.ts';
import type { SshEntry, Target, TypedEntry } from '../target.ts';
import type { ComposeDefinition, ComposeTarget } from './build-definition.ts';
import { ulimitText } from './build-definition.ts';
import { BuildEntries, buildPlaces, joinedHosts } from './build-entries.ts';
import { child } from './node.ts';
import { isRemoteContext } from './resolve-paths.ts';
import type { BuildSection } from './service.ts';

/** What a plan depends on beyond its definition. */
export interface ComposePlanInput {
  /** `--provenance` and `--sbom`, which go over what the files say. Undefined: not given. */
  readonly provenance: string | undefined;
  readonly sbom: string | undefined;
  /** Of the process: agents and `SOURCE_DATE_EPOCH` are looked for in it. */
  readonly environment: FinishContext['environment'];
  readonly fs: FinishContext['fs'];
  readonly mayAsk?: FinishContext['mayAsk'];
}

/**
 * A definition as a plan: the requested targets and those that they link to, checked as bake checks its own. Fails for
 * values that no builder could take, links in a circle, and links to nothing.
 */
export function composePlan(
  { targets, requested, variables }: ComposeDefinition,
  input: ComposePlanInput,
): Result<Planned, readonly Diagnostic[]> {
  const diagnostics: Diagnostic[] = [];
  const warnings: Diagnostic[] = [];
  const byName = new Map(targets.map((target) => [target.name, target] as const));
  const resolve = (name: string): Target | undefined => {
    const target = byName.get(name);
    if (target === undefined) return undefined;
    const { environment, fs, mayAsk } = input;
    const finished = finishTarget(rawTarget(target, input, diagnostics), {
      environment,
      fs,
      isPrinted: false,
      mayAsk,
    });
    diagnostics.push(...finished.checks.mistakes);
    warnings.push(...finished.checks.warnings);
    return finished.target;
  };
  const graph = buildGraph(requested, resolve, {
    names: () => byName.keys(),
    linkedAt: (name) => byName.get(name)?.build.places.get('additional_contexts'),
  });
  if (diagnostics.length > 0) return fail(diagnostics);
  if (!graph.ok) return graph;
  const isRequested = new Set(requested);
  const planned = withLinkedEntitlements(graph.value).map((target) =>
    isRequested.has(target.name) ? target : { ...target, outputs: [{ type: 'cacheonly', attrs: {} }] },
  );
  const origins = new Map(targets.map(({ name, service }) => [name, service.span] as const));
  const plan = { groups: [{ name: 'default', targets: requested }], targets: planned, requested };
  return ok({ plan, origins, warnings, variables });
}

function rawTarget(target: ComposeTarget, flags: ComposePlanInput, diagnostics: Diagnostic[]): RawTarget {
  const { build, service, name } = target;
  const entries = new BuildEntries(service, build, diagnostics);
  return {
    name,
    places: placesOf(target),
    attest: (['provenance', 'sbom'] as const).flatMap((type) => entries.attest(type, flags[type] ?? build[type])),
    context: build.context,
    contexts: target.contexts,
    dockerfile: dockerfileInContext(build, target.dockerfile),
    ...(build.dockerfileInline === '' ? {} : { dockerfileInline: build.dockerfileInline }),
    args: target.args,
    labels: target.labels,
    tags: unique(target.tags),
    cacheFrom: entries.caches(build.cacheFrom, 'cache_from'),
    cacheTo: entries.caches(build.cacheTo, 'cache_to'),
    ...(build.target === '' ? {} : { target: build.target }),
    secret: target.secrets,
    ssh: lastOfEach(target.ssh.map(sshEntryOf), ({ id }) => id),
    platforms: unique(target.platforms),
    output: target.output === undefined ? [] : [OUTPUTS[target.output]],
    ...(target.pull ? { pull: true } : {}),
    ...(target.noCache ? { noCache: true } : {}),
    ...(build.network === '' ? {} : { network: build.network }),
    ...(build.shmBytes > 0 ? { shmSize: String(build.shmBytes) } : {}),
    ulimits: build.ulimits.map(ulimitText),
    ...(target.output === undefined ? { call: 'lint' } : {}),
    entitlements: unique(target.entitlements),
    extraHosts: joinedHosts(build),
  };
}

/** docker compose hands `ID=PATH` on to `buildx bake` as text, where commas stand between paths. */
function sshEntryOf({ id, path }: ComposeTarget['ssh'][number]): SshEntry {
  return { id, paths: path === '' ? [] : path.split(',') };
}

/** What the build section does not say, the service may. */
function placesOf({ build, service }: ComposeTarget): ReadonlyMap<string, Span> {
  const said = [
    ['tags', child(service.node, 'image')],
    ['platforms', child(service.node, 'platform')],
  ] as const;
  const own = said.flatMap(([key, node]) => (node === undefined ? [] : [[key, node.span] as const]));
  return new Map([...own, ...buildPlaces(service, build)]);
}

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
