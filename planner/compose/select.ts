import { didYouMean } from '../hcl/suggest.ts';
import { ComposeError } from './error.ts';
import type { ComposeProject } from './project.ts';
import { enabledServices } from './profiles.ts';
import type { ComposeService, Dependency } from './service.ts';

/** The services of one `docker compose build`. */
export interface Selection {
  /** What is built, by name. */
  readonly requested: readonly ComposeService[];
  /** What has a place in the definition: those, and everything they depend on. */
  readonly defined: readonly ComposeService[];
}

const SERVICE = 'service:';

/**
 * What a build of some services takes in (docker/compose v2.40 `pkg/compose/build.go`): services that their contexts name
 * are built as well; what they depend on only with `withDependencies`. The profiles of all these are active then, and
 * everything they depend on must be. Throws {@link ComposeError} for names that are not to be had.
 */
export function selectServices(
  project: ComposeProject,
  names: readonly string[],
  withDependencies: boolean,
): Selection {
  const { services } = project.model;
  const named = names.length === 0 ? project.enabled : names.map((name) => find(project, name));
  const chosen = closure(named, ({ build, span }) =>
    [...(build?.contexts.values() ?? [])]
      .filter((context) => context.startsWith(SERVICE))
      .map((context) => {
        const name = context.slice(SERVICE.length);
        const provider = services.get(name);
        if (provider !== undefined) return provider;
        throw unavailable({ name, span: build?.places.get('additional_contexts') ?? span }, undefined, project);
      }),
  );
  const available = new Set(withProfilesOf(chosen, project).map(({ name }) => name));
  const defined = closure(chosen, ({ dependsOn }) =>
    dependsOn.flatMap((dependency) => {
      const needed = services.get(dependency.name);
      if (needed !== undefined && available.has(dependency.name)) return [needed];
      if (dependency.required) throw unavailable(dependency, needed, project);
      return [];
    }),
  );
  const isBuilt = ({ build }: ComposeService): boolean => build !== undefined;
  return { requested: (withDependencies ? defined : chosen).filter(isBuilt), defined: defined.filter(isBuilt) };
}

/** The services of the active profiles and of those of services that were named in spite of theirs. */
function withProfilesOf(chosen: readonly ComposeService[], project: ComposeProject): readonly ComposeService[] {
  const enabled = new Set(project.enabled);
  const theirs = chosen.filter((service) => !enabled.has(service)).flatMap(({ profiles }) => profiles);
  return enabledServices(project.model, new Set([...project.profiles, ...theirs]));
}

function unavailable(
  { name, span }: Pick<Dependency, 'name' | 'span'>,
  needed: ComposeService | undefined,
  { model }: ComposeProject,
): ComposeError {
  const hint =
    needed === undefined
      ? didYouMean(name, model.services.keys(), 'there is none')
      : `its profile is not active; add --profile ${needed.profiles[0] ?? ''}`;
  return new ComposeError({ reason: 'unknown-service', message: `no such service: ${name}`, hint, span });
}

function find({ model }: ComposeProject, name: string): ComposeService {
  const service = model.services.get(name);
  if (service !== undefined) return service;
  const known = [...model.services.keys()];
  throw new ComposeError({
    reason: 'unknown-service',
    message: `no such service: ${name}`,
    hint: didYouMean(name, known, known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`),
  });
}

/** Services and everything that can be reached from them, each once. */
function closure(
  start: readonly ComposeService[],
  next: (service: ComposeService) => readonly ComposeService[],
): readonly ComposeService[] {
  const reached = new Map<string, ComposeService>();
  const queue = [...start];
  for (let service = queue.shift(); service !== undefined; service = queue.shift()) {
    if (reached.has(service.name)) continue;
    reached.set(service.name, service);
    queue.push(...next(service));
  }
  return [...reached.values()];
}
