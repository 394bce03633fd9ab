import { didYouMean } from '../hcl/suggest.ts';
import { ComposeError } from './error.ts';
import type { ComposeProject } from './project.ts';
import type { ComposeService } from './service.ts';

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
 * are built as well; what they depend on only with `withDependencies`. Throws {@link ComposeError} for unknown names.
 */
export function selectServices(
  project: ComposeProject,
  names: readonly string[],
  withDependencies: boolean,
): Selection {
  const { services } = project.model;
  const named = names.length === 0 ? project.enabled : names.map((name) => find(project, name));
  const chosen = closure(named, ({ build }) =>
    [...(build?.contexts.values() ?? [])]
      .filter((context) => context.startsWith(SERVICE))
      .flatMap((context) => services.get(context.slice(SERVICE.length)) ?? []),
  );
  const available = new Set([...project.enabled, ...chosen].map(({ name }) => name));
  const defined = closure(chosen, ({ dependsOn }) =>
    dependsOn.flatMap(({ name }) => (available.has(name) ? (services.get(name) ?? []) : [])),
  );
  const isBuilt = ({ build }: ComposeService): boolean => build !== undefined;
  return { requested: (withDependencies ? defined : chosen).filter(isBuilt), defined: defined.filter(isBuilt) };
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
