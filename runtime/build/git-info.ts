import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { goBool } from '../../planner/options/entries.ts';
import { withoutUser } from '../buildkit/url-text.ts';

/** What a repository says of the sources of a build. */
export interface GitInfo {
  /** The top folder of its work tree, without links in its path. */
  readonly root: string;
  readonly revision?: string;
  /** Where it was cloned from, without a password. */
  readonly remote?: string;
}

/** What of it goes into a build (docker/buildx `build/git.go`). */
export interface GitSettings {
  /** Into the provenance: on unless `BUILDX_GIT_INFO` turns it off. */
  readonly info: boolean;
  /** Into labels of the image: where `BUILDX_GIT_LABELS` asks for it. */
  readonly labels: boolean;
  /** Whether a revision with changes on top is marked as such. */
  readonly checkDirty: boolean;
}

/** How long git may take; a build does not wait for a repository on a disk that is away. */
const GIT_MS = 5_000;

/** What the environment asks for; a value that is neither yes nor no counts as none. */
export function gitSettings(env: ReadonlyMap<string, string>): GitSettings {
  const labels = env.get('BUILDX_GIT_LABELS') ?? '';
  return {
    info: goBool(env.get('BUILDX_GIT_INFO') ?? '') ?? true,
    labels: labels === 'full' || goBool(labels) === true,
    checkDirty: goBool(env.get('BUILDX_GIT_CHECK_DIRTY') ?? '') === true,
  };
}

/**
 * Asks git about the repositories that folders lie in, by the folders; those in none are left out. Each repository is asked about
 * once, however many of the folders are in it: to start a program takes a process of our size 20 ms.
 */
export async function gitInfos(
  folders: Iterable<string>,
  options: { readonly checkDirty: boolean; readonly signal: AbortSignal },
): Promise<ReadonlyMap<string, GitInfo>> {
  const asked = new Map<string, Promise<GitInfo | undefined>>();
  const found = [...folders].map(async (folder) => {
    const top = repositoryOf(await realpath(folder).catch(() => path.resolve(folder)));
    if (top === undefined) return [];
    const known = asked.get(top) ?? gitInfo(top, options);
    asked.set(top, known);
    const info = await known;
    return info === undefined ? [] : [[folder, info] as const];
  });
  return new Map((await Promise.all(found)).flat());
}

/** Undefined where there is no git, or none that takes it for a repository. */
async function gitInfo(
  folder: string,
  { checkDirty, signal }: { readonly checkDirty: boolean; readonly signal: AbortSignal },
): Promise<GitInfo | undefined> {
  const git = (...args: readonly string[]): Promise<string | undefined> => run(folder, args, signal);
  const place = git('rev-parse', '--show-toplevel', 'HEAD', '--symbolic-full-name', 'HEAD');
  const [told, remote, changes] = await Promise.all([
    place,
    remoteUrl(git, place),
    checkDirty ? git('status', '--porcelain', '--ignored') : undefined,
  ]);
  const [root, revision] = (told ?? '').split('\n');
  if (root === undefined || root === '') return undefined;
  const isCommit = revision !== undefined && /^[0-9a-f]{40,}$/.test(revision);
  return {
    root: await realpath(root).catch(() => root),
    ...(isCommit ? { revision: changes === undefined ? revision : `${revision}-dirty` } : {}),
    ...(remote === undefined ? {} : { remote: withoutUser(remote) }),
  };
}

/** The folder above that git would take for the top of a repository: where there is none, no git is started. */
function repositoryOf(folder: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, '.git'))) return at;
    if (at === path.dirname(at)) return undefined;
  }
}

type Git = (...args: readonly string[]) => Promise<string | undefined>;

/** Of the branch's own remote, else of `origin`, else of `upstream`. The branch is the third thing that `place` tells. */
async function remoteUrl(git: Git, place: Promise<string | undefined>): Promise<string | undefined> {
  const tracked = place.then((told) => {
    const branch = told?.split('\n')[2] ?? '';
    return branch.startsWith('refs/') ? git('for-each-ref', '--format=%(upstream:remotename)', branch) : undefined;
  });
  const [origin, name] = await Promise.all([git('remote', 'get-url', 'origin'), tracked]);
  const own = name === undefined || name === 'origin' ? undefined : await git('remote', 'get-url', name);
  return own ?? origin ?? git('remote', 'get-url', 'upstream');
}

/** What an answer comes to in the frontend's options. `dockerfile` and `dirs` are absolute. */
export async function gitAttrs(
  info: GitInfo,
  {
    settings,
    dockerfile,
    dirs,
  }: { readonly settings: GitSettings; readonly dockerfile: string; readonly dirs: ReadonlyMap<string, string> },
): Promise<Readonly<Record<string, string>>> {
  const attrs: Record<string, string> = {};
  const { root, revision, remote } = info;
  if (settings.labels) {
    if (revision !== undefined) attrs['label:org.opencontainers.image.revision'] = revision;
    if (remote !== undefined) attrs['label:org.opencontainers.image.source'] = remote;
    const entry = inside(root, dockerfile);
    if (entry !== undefined) attrs['label:com.docker.image.source.entrypoint'] = entry;
  }
  if (!settings.info) return attrs;
  if (revision !== undefined) attrs['vcs:revision'] = revision;
  if (remote !== undefined) attrs['vcs:source'] = remote;
  for (const [name, dir] of dirs) {
    const place = inside(root, await realpath(dir).catch(() => dir));
    if (place !== undefined) attrs[`vcs:localdir:${name}`] = place;
  }
  return attrs;
}

function inside(root: string, place: string): string | undefined {
  const relative = path.relative(root, place);
  return relative.startsWith('..') ? undefined : relative === '' ? '.' : relative;
}

/** What git prints; undefined where that is nothing, where it is not there, or the folder is in no repository. */
function run(folder: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { cwd: folder, signal, timeout: GIT_MS, encoding: 'utf8' as const };
    execFile('git', args, options, (_error, stdout) => {
      const text = stdout.trim();
      resolve(text === '' ? undefined : text);
    });
  });
}
