import type { Diagnostic } from '../diagnostic.ts';
import { didYouMean } from '../hcl/suggest.ts';
import type { ComposeModel, ComposeService } from './service.ts';

const SERVICE = 'service:';

/** What does not fit together in what bake and compose both look at (compose-go `loader/validate.go`). */
export function buildProblems(
  { services, secrets }: ComposeModel,
  chosen: readonly ComposeService[] = [...services.values()],
): readonly Diagnostic[] {
  return chosen.flatMap((service) => {
    const found: Diagnostic[] = [];
    const add = (message: string, hint: string, span = service.span): void =>
      void found.push({ reason: 'inconsistent', message, hint, span });
    const name = JSON.stringify(service.name);
    const { build } = service;
    if (build === undefined) return found;
    const { places } = build;
    if (build.dockerfileInline !== '' && (build.dockerfile ?? '') !== '') {
      add(
        `service ${name} declares mutually exclusive dockerfile and dockerfile_inline`,
        'keep one of them',
        places.get('dockerfile_inline'),
      );
    }
    for (const [context, value] of build.contexts) {
      if (!value.startsWith(SERVICE)) continue;
      const used = value.slice(SERVICE.length);
      const provider = chosen.find((one) => one.name === used);
      const at = places.get('additional_contexts');
      if (provider === undefined) {
        add(
          `service ${name} declares unknown service ${JSON.stringify(used)} as additional contexts ${context}`,
          didYouMean(
            used,
            services.keys(),
            services.has(used) ? 'its profile is not active' : 'there is no such service',
          ),
          at,
        );
      } else if (provider.build === undefined) {
        add(
          `service ${name} declares non-buildable service ${JSON.stringify(used)} as additional contexts ${context}`,
          `give ${used} a build section, or use docker-image://`,
          at,
        );
      }
    }
    for (const { source, span } of build.secrets) {
      const secret = secrets.get(source);
      if (secret === undefined) {
        add(
          `service ${name} refers to undefined build secret ${source}`,
          didYouMean(source, secrets.keys(), 'declare it under secrets: at the top level'),
          span,
        );
      }
    }
    return found;
  });
}

/** Services that cannot be had at all: nothing to build and no image. `otherwise` names what else may stand for them. */
export function emptyServices(
  services: readonly ComposeService[],
  hasOther: (one: ComposeService) => boolean,
): readonly Diagnostic[] {
  return services
    .filter((one) => one.build === undefined && one.image === '' && !hasOther(one))
    .map(({ name, span }) => ({
      reason: 'inconsistent',
      message: `service ${JSON.stringify(name)} has neither an image nor a build context specified`,
      hint: 'write image: NAME or build: FOLDER',
      span,
    }));
}

/** Secrets that come from nowhere. */
export function emptySecrets({ secrets }: ComposeModel): readonly Diagnostic[] {
  return [...secrets]
    .filter(([, { file, environment, external }]) => file === '' && environment === '' && !external)
    .map(([name, { span }]) => ({
      reason: 'inconsistent',
      message: `secret ${JSON.stringify(name)} must declare either \`file\` or \`environment\``,
      hint: 'write file: PATH or environment: VARIABLE',
      span,
    }));
}
