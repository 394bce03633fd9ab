import { referenceProblem } from '../../planner/options/reference.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { Digest } from '../oci/digest.ts';
import { parseDigest } from '../oci/digest.ts';
import { repositoryName } from './repository-name.ts';

/** A repository, as its registry knows it. */
export interface Repository {
  /** `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** `library/alpine`. */
  readonly path: string;
}

/** An image by its whole name (distribution/reference). */
export interface ImageReference extends Repository {
  readonly tag?: string;
  readonly digest?: Digest;
}

/**
 * Reads the name of an image as docker does: `alpine` is `docker.io/library/alpine`; no tag is added. Fails with what is wrong
 * with it.
 */
export function parseImageReference(text: string): Result<ImageReference, string> {
  const problem = referenceProblem(text);
  // What may be a password is not shown.
  const shown = JSON.stringify(text.replace(/^([^/@:]*):[^/@]*@/, '$1:xxxxx@'));
  if (problem !== undefined) return fail(`invalid reference ${shown}: ${problem}`);
  if (/^[0-9a-f]{64}$/.test(text))
    return fail(`invalid reference ${JSON.stringify(text)}: an ID is no name; write a digest as sha256:...`);
  const at = text.indexOf('@');
  const named = at === -1 ? text : text.slice(0, at);
  const digest = at === -1 ? undefined : parseDigest(text.slice(at + 1));
  if (at !== -1 && digest === undefined)
    return fail(`invalid reference ${JSON.stringify(text)}: what stands behind @ is no digest`);
  const [, name = named, tag] = /^(.*):(\w[\w.-]*)$/.exec(named) ?? [];
  const { registry, repository } = repositoryName(name);
  return ok({
    registry,
    path: repository.slice(registry.length + 1),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  });
}

/** `docker.io/library/alpine`. */
export function repositoryText({ registry, path }: Repository): string {
  return `${registry}/${path}`;
}

/** The whole name: `docker.io/library/alpine:3@sha256:...`. */
export function referenceText(reference: ImageReference): string {
  const { tag, digest } = reference;
  return `${repositoryText(reference)}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** With the tag `latest`, where it has neither a tag nor a digest. */
export function tagged(reference: ImageReference): ImageReference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;
}

/** What the registry knows it by within its repository: its digest, or else its tag. */
export function manifestName({ tag = 'latest', digest }: ImageReference): string {
  return digest ?? tag;
}
