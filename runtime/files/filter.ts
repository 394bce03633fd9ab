import { GoMode } from './stat.ts';
import type { ParentMatches } from './patterns.ts';
import { PatternList } from './patterns.ts';
import type { BytePath, Entry } from './walk.ts';
import { readable, walk } from './walk.ts';

/** What of a tree is wanted. */
export interface TreeFilter {
  /** Empty: everything. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

interface Folder {
  readonly entry: Entry;
  readonly includes: ParentMatches | undefined;
  readonly excludes: ParentMatches | undefined;
  sent: boolean;
}

/**
 * The entries of a tree that pass a filter, in walk order. A folder that does not pass is still searched when something
 * below may pass, and comes just before the first such entry (tonistiigi/fsutil `filter.go`). Throws `BadPattern`, and
 * the file system's error for what cannot be read.
 */
export async function* filteredWalk(root: string, filter: TreeFilter): AsyncGenerator<Entry, void, undefined> {
  const include = new PatternList(filter.include);
  const exclude = new PatternList(filter.exclude);
  if (include.isEmpty && exclude.isEmpty) {
    yield* walk(root, { descends: () => true });
    return;
  }
  const includeRoots = searchRoots(include.texts({ negated: false }));
  const readmitRoots = searchRoots(exclude.texts({ negated: true }));
  const folders: Folder[] = [];
  let excludedFolder = false;
  let includedFolder = false;

  const descends = (path: BytePath): boolean => {
    const text = readable(path);
    if (excludedFolder && !mayHold(readmitRoots, text)) return false;
    return includedFolder || include.isEmpty || mayHold(includeRoots, text);
  };

  for await (const entry of walk(root, { descends })) {
    while (folders.length > 0 && !entry.path.startsWith(`${folders.at(-1)?.entry.path}/`)) folders.pop();
    const parent = folders.at(-1);
    const text = readable(entry.path);
    const included = include.isEmpty ? undefined : include.match(text, parent?.includes);
    const excluded = exclude.isEmpty ? undefined : exclude.match(text, parent?.excludes);
    const passes = (included?.matched ?? true) && !(excluded?.matched ?? false);
    if (passes) {
      for (const folder of folders) {
        if (!folder.sent) yield folder.entry;
        folder.sent = true;
      }
      yield entry;
    }
    if (entry.mode >= GoMode.dir) {
      folders.push({ entry, includes: included?.own, excludes: excluded?.own, sent: passes });
      excludedFolder = excluded?.matched ?? false;
      includedFolder = included?.matched ?? true;
    }
  }
}

/**
 * The literal folders that patterns without wildcards lead to, a trailing wildcard left off; undefined when one of them
 * has a wildcard elsewhere, so that every folder must be searched.
 */
function searchRoots(patterns: readonly string[]): readonly string[] | undefined {
  const roots = patterns.map((pattern) => pattern.replace(/\/\*{1,2}$/, ''));
  return roots.some((root) => /[*?[\\]/.test(root)) ? undefined : roots;
}

function mayHold(roots: readonly string[] | undefined, folder: string): boolean {
  return roots === undefined || roots.some((root) => root === folder || root.startsWith(`${folder}/`));
}
