/** A repository by its whole name. */
export interface RepositoryName {
  /** The registry as names have it: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** With its registry: `docker.io/library/app`. */
  readonly repository: string;
}

/**
 * What a repository's name stands for: `app` is `docker.io/library/app`, and what stands before the first slash is a host only
 * if it looks like one (distribution/reference, `ParseNormalizedNamed`).
 */
export function repositoryName(text: string): RepositoryName {
  const slash = text.indexOf('/');
  const first = slash === -1 ? '' : text.slice(0, slash);
  const isHost = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase();
  const registry = isHost ? first.replace(/^index\.docker\.io$/, 'docker.io') : 'docker.io';
  const path = isHost ? text.slice(slash + 1) : text;
  const isOfficial = registry === 'docker.io' && !path.includes('/');
  return { registry, repository: `${registry}/${isOfficial ? 'library/' : ''}${path}` };
}
