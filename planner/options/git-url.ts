import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import { goBool } from './entries.ts';

/** A git repository and what of it is wanted. */
export interface GitUrl {
  /** What git itself is given: without the part behind `?` or `#`. */
  readonly remote: string;
  readonly scheme: 'http' | 'https' | 'git' | 'ssh';
  /** With its port, where one is written. */
  readonly host: string;
  readonly path: string;
  /** A branch, a tag or a commit; absent: what the repository calls HEAD. */
  readonly ref?: string;
  readonly subdir?: string;
  /** The commit that `ref` must be. */
  readonly checksum?: string;
  readonly keepGitDir?: boolean;
  readonly submodules?: boolean;
  readonly mtime?: string;
  readonly fetchByCommit?: boolean;
}

/**
 * Reads a URL as BuildKit's frontends do (moby/buildkit `frontend/dockerfile/dfgitutil`, `util/gitutil`): `git://`,
 * `ssh://`, `user@host:path`, `github.com/...`, and what ends in `.git` over http; `#ref:subdir` or `?ref=..&subdir=..`
 * behind it. Undefined for what is no git repository. Fails with what is wrong behind the `?`.
 */
export function parseGitUrl(text: string): Result<GitUrl, string> | undefined {
  const location = gitLocation(text);
  if (location === undefined) return undefined;
  const [, , query = '', fragment = ''] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? [];
  const colon = fragment.indexOf(':');
  const subdir = colon === -1 ? '' : withoutSlashes(fragment.slice(colon + 1));
  const ref = colon === -1 ? fragment : fragment.slice(0, colon);
  const said = { ...(ref === '' ? {} : { ref }), ...(subdir === '' ? {} : { subdir }) };
  return withQuery({ ...location, ...said }, query);
}

/** Without the slashes around it. */
function withoutSlashes(text: string): string {
  let start = 0;
  let end = text.length;
  while (text[start] === '/') start++;
  while (end > start && text[end - 1] === '/') end--;
  return text.slice(start, end);
}

/** The host of a git repository, with its port; undefined for what is none. */
export function gitHost(text: string): string | undefined {
  return gitLocation(text)?.host.toLowerCase();
}

type GitLocation = Pick<GitUrl, 'remote' | 'scheme' | 'host' | 'path'>;

function gitLocation(text: string): GitLocation | undefined {
  const remote = text.replace(/[?#].*$/s, '');
  const url = /^(https?|git|ssh):\/\/(?:[^/@]*@)?([^/]*)(\/.*)?$/s.exec(
    text.startsWith('github.com/') ? `https://${remote}` : remote,
  );
  if (url !== null) {
    const [, scheme, host = '', path = ''] = url as unknown as readonly [string, GitUrl['scheme'], string, string?];
    const plain = text.startsWith('github.com/') || scheme === 'git' || scheme === 'ssh';
    if (!plain && !path.endsWith('.git')) return undefined;
    return { remote: text.startsWith('github.com/') ? `https://${remote}` : remote, scheme, host, path };
  }
  const [, host, path] = /^[a-zA-Z0-9-_]+@([a-zA-Z0-9-.]+):(?!\/\/)(.*)$/s.exec(remote) ?? [];
  return host === undefined || path === undefined ? undefined : { remote, scheme: 'ssh', host, path };
}

function withQuery(url: GitUrl, query: string): Result<GitUrl, string> {
  const read: { -readonly [K in keyof GitUrl]: GitUrl[K] } = { ...url };
  const seen = new Set<string>();
  let tag: string | undefined;
  let branch: string | undefined;
  for (const [key, value] of new URLSearchParams(query)) {
    if (seen.has(key)) return fail(`query ${JSON.stringify(key)} has multiple values`);
    seen.add(key);
    const flag = value === '' ? true : goBool(value);
    const isFlag = key === 'keep-git-dir' || key === 'submodules' || key === 'fetch-by-commit';
    if (isFlag && flag === undefined) return fail(`invalid ${key} value: ${JSON.stringify(value)}`);
    if (!isFlag && value === '') return fail(`query ${JSON.stringify(key)} has no value`);
    if (key === 'keep-git-dir') read.keepGitDir = flag ?? true;
    else if (key === 'submodules') read.submodules = flag ?? true;
    else if (key === 'fetch-by-commit') read.fetchByCommit = flag ?? true;
    else if (key === 'checksum' || key === 'commit') read.checksum = value;
    else if (key === 'tag') tag = value.startsWith('refs/tags/') ? value : `refs/tags/${value}`;
    else if (key === 'branch') branch = value.startsWith('refs/heads/') ? value : `refs/heads/${value}`;
    else if (key === 'ref' || key === 'subdir') {
      if (read[key] !== undefined && read[key] !== value) return fail(conflict(key, read[key], value));
      read[key] = value;
    } else if (key === 'mtime') {
      if (value !== 'checkout' && value !== 'commit')
        return fail(`invalid mtime value: ${JSON.stringify(value)}; checkout and commit are known`);
      read.mtime = value;
    } else return fail(`unexpected query ${JSON.stringify(key)}`);
  }
  if (tag !== undefined && branch !== undefined) return fail('branch conflicts with tag');
  const named = tag ?? branch;
  if (named !== undefined && read.ref !== undefined && read.ref !== named)
    return fail(conflict('ref', read.ref, named));
  return ok({ ...read, ...(named === undefined ? {} : { ref: named }) });
}

function conflict(key: string, one: string | undefined, other: string): string {
  return `${key} conflicts: ${JSON.stringify(one)} vs ${JSON.stringify(other)}`;
}
