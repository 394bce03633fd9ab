import type { SecretEntry } from '../target.ts';

/**
 * The file that a secret is read from: the one it names, else, where neither a file nor a variable is named and no variable
 * is called like the secret, the file of that name; undefined where it comes from the environment (moby/buildkit
 * `session/secrets/secretsprovider/store.go`).
 */
export function secretFile(
  { id, src, env }: SecretEntry,
  variables: Pick<ReadonlyMap<string, string>, 'has'>,
): string | undefined {
  return src ?? (env === undefined && !variables.has(id) ? id : undefined);
}
