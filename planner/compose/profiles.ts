import type { ComposeModel, ComposeService } from './service.ts';

/** The profiles of flags, else of `COMPOSE_PROFILES`. */
export function activeProfiles(
  flags: readonly string[],
  environment: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  if (flags.length > 0) return new Set(flags);
  const listed = (environment.get('COMPOSE_PROFILES') ?? '').split(',').map((name) => name.trim());
  return new Set(listed.filter((name) => name !== ''));
}

/** The services of these profiles, and those without one. */
export function enabledServices({ services }: ComposeModel, active: ReadonlySet<string>): readonly ComposeService[] {
  const isEnabled = ({ profiles }: ComposeService): boolean =>
    profiles.length === 0 || active.has('*') || profiles.some((profile) => active.has(profile));
  return [...services.values()].filter(isEnabled);
}
