import { parseGitUrl } from '../../planner/options/git-url.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { Copy, Definition, Source } from './definition.ts';
import { gitSource, HTTP_FILE, httpSource, sourceDefinition } from './definition.ts';

/** Where a remote definition comes from: a repository, or whatever an http server has behind a URL. */
export interface RemoteSource {
  readonly kind: 'git' | 'http';
  readonly source: Source;
}

/** What a URL names. Fails with what is wrong with the URL. */
export function remoteSource(url: string): Result<RemoteSource, string> {
  const git = parseGitUrl(url);
  if (git !== undefined) return git.ok ? ok({ kind: 'git', source: gitSource(git.value) }) : git;
  if (/^https?:\/\//.test(url)) return ok({ kind: 'http', source: httpSource(url) });
  return fail('it is neither a git repository nor an http URL');
}

/** The body of an http source unpacked, as the root of a tree. */
export function unpacked(source: Source): Definition {
  return sourceDefinition(source, [UNPACK]);
}

/** One folder of the tree behind a URL, or all of it; `as` is what it is for, in the name of the step. */
export function remoteFolder(url: string, folder: string, as: string): Result<Definition, string> {
  const remote = remoteSource(url);
  if (!remote.ok) return remote;
  const whole = folder === '.' ? [] : [{ from: folder, unpack: false, name: `set ${as} to ${folder}` }];
  const copies = remote.value.kind === 'git' ? whole : [UNPACK, ...whole];
  return ok(sourceDefinition(remote.value.source, copies));
}

const UNPACK: Copy = { from: HTTP_FILE, unpack: true, name: '[internal] unpack the archive' };
