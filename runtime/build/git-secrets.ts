import { gitHost, parseGitUrl } from '../../planner/options/git-url.ts';
import type { SecretEntry, Target } from '../../planner/target.ts';

const VARIABLES = [
  ['GIT_AUTH_TOKEN', 'BUILDX_BAKE_GIT_AUTH_TOKEN'],
  ['GIT_AUTH_HEADER', 'BUILDX_BAKE_GIT_AUTH_HEADER'],
] as const;

/**
 * What the environment holds to open the repository of a remote definition, as secrets for that host alone (docker/buildx
 * `bake/gitauth.go`): the builder asks for them when it fetches, and they stand nowhere else.
 */
export function gitSecrets(url: string, env: ReadonlyMap<string, string>): readonly SecretEntry[] {
  const git = parseGitUrl(url);
  if (git === undefined || !git.ok) return [];
  return VARIABLES.flatMap(([secret, wanted]) => {
    const variable = [...env.keys()].find((name) => name.toUpperCase() === wanted);
    return variable === undefined ? [] : [{ id: `${secret}.${git.value.host}`, env: variable }];
  });
}

/** Whether a target takes anything from the host that the definition came from. */
export function isFromSameHost(target: Target, remote: string): boolean {
  const host = gitHost(remote);
  if (host === undefined) return false;
  if (target.contextIsRemote === true) return true;
  return [target.context, ...Object.values(target.contexts)].some((one) => one === '.' || gitHost(one) === host);
}
