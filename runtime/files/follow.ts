import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { cleanPath, PatternList } from './patterns.ts';

/** Links followed for one path before it counts as a loop (as the kernel counts). */
const MAX_LINKS = 255;

/**
 * The paths that must travel so that `wanted` can be read inside a tree: each path itself and every symbolic link on the
 * way, with what it points to, never outside the root. Components may have wildcards. Undefined when the whole tree is
 * needed (tonistiigi/fsutil `followlinks.go`).
 */
export function followPaths(root: string, wanted: readonly string[]): readonly string[] | undefined {
  const found = new Set<string>();
  for (const one of wanted) follow(root, '', split(one), found, MAX_LINKS);
  if (found.has('.')) return undefined;
  return withoutCovered([...found].sort());
}

/** Drops duplicates and every path that lies below another one of the list. */
export function withoutCovered(sorted: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (const one of sorted) {
    if (!kept.some((above) => one === above || one.startsWith(`${above}/`))) kept.push(one);
  }
  return kept;
}

function split(text: string): readonly string[] {
  const clean = cleanPath(`/${text}`).slice(1);
  return clean === '' ? [] : clean.split('/');
}

function follow(root: string, at: string, rest: readonly string[], found: Set<string>, links: number): void {
  const [component, ...after] = rest;
  if (component === undefined) {
    found.add(at === '' ? '.' : at);
    return;
  }
  for (const name of namesFor(root, at, component)) {
    const here = at === '' ? name : `${at}/${name}`;
    const target = linkTarget(path.join(root, here));
    if (target === undefined) {
      follow(root, here, after, found, links);
    } else {
      found.add(here);
      if (links > 0) follow(root, '', [...resolveLink(at, target), ...after], found, links - 1);
    }
  }
}

function resolveLink(folder: string, target: string): readonly string[] {
  return split(target.startsWith('/') ? target : `${folder}/${target}`);
}

function namesFor(root: string, folder: string, component: string): readonly string[] {
  if (!/[*?[]/.test(component)) return [component];
  const pattern = new PatternList([component]);
  try {
    const names = readdirSync(path.join(root, folder)).filter((name) => pattern.match(name, undefined).matched);
    return names.length > 0 ? names : [component];
  } catch {
    return [component];
  }
}

/** The target of a symbolic link; undefined for anything else, also for what is not there. */
function linkTarget(file: string): string | undefined {
  try {
    return lstatSync(file).isSymbolicLink() ? readlinkSync(file) : undefined;
  } catch {
    return undefined;
  }
}
