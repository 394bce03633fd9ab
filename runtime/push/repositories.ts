import { repositoryName } from '../registry/repository-name.ts';

/** One name of an image that is pushed. */
export interface PushedName {
  /** As the user wrote it. */
  readonly name: string;
  readonly tag: string;
}

/** A repository of a registry, and the names that an image is to have there. */
export interface PushRepository {
  /** The registry, as names have it: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** With its registry, as builders and registries read it: `docker.io/library/app`. */
  readonly repository: string;
  readonly names: readonly PushedName[];
}

/**
 * The repositories that a list of names comes to, in its order; undefined when one of them is no name with a tag at most, so
 * that the builder is to judge it (distribution/reference, `ParseNormalizedNamed`).
 */
export function pushRepositories(names: readonly string[]): readonly PushRepository[] | undefined {
  const found = new Map<string, { readonly registry: string; readonly names: PushedName[] }>();
  for (const name of names) {
    const [, path = '', tag = 'latest'] = /^([^@\s]+?)(?::(\w[\w.-]{0,127}))?$/.exec(name) ?? [];
    if (path === '') return undefined;
    const { registry, repository } = repositoryName(path);
    const known = found.get(repository) ?? { registry, names: [] };
    found.set(repository, known);
    if (!known.names.some((one) => one.tag === tag)) known.names.push({ name, tag });
  }
  return [...found].map(([repository, rest]) => ({ repository, ...rest }));
}
