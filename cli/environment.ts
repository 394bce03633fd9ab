import type { Planned } from '../planner/plan.ts';

/** The environment of a process, absent entries left out. */
export function environmentMap(env: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
}

/** Where secrets are looked up: the environment, and what the definition's own files add to it. */
export function secretVariables(
  env: Readonly<Record<string, string | undefined>>,
  { variables }: Pick<Planned, 'variables'>,
): ReadonlyMap<string, string> {
  return new Map([...environmentMap(env), ...variables]);
}
