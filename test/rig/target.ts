import type { Target } from '../../planner/target.ts';

/** A target that says nothing but its name, with some words of its own. */
export function target(name: string, says: Partial<Target> = {}): Target {
  return {
    name,
    annotations: [],
    attest: [],
    context: '.',
    contexts: {},
    dockerfile: 'Dockerfile',
    args: {},
    labels: {},
    tags: [],
    cacheFrom: [],
    cacheTo: [],
    secrets: [],
    ssh: [],
    platforms: [],
    outputs: [],
    noCacheFilter: [],
    ulimits: [],
    entitlements: [],
    extraHosts: {},
    ...says,
  };
}
