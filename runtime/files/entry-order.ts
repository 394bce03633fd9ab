import type { BytePath } from './walk.ts';

/** No tree of anyone is nested deeper; each level may cost an open file. */
export const MAX_DEPTH = 256;

/**
 * Holds a list of entries to the order of a walk: parents before children, siblings in the order of their bytes, every
 * path relative, clean and below the root (tonistiigi/fsutil `validator.go`). What keeps to it names nothing outside.
 */
export class EntryOrder {
  readonly #open: { readonly folder: BytePath; last: BytePath }[] = [{ folder: '', last: '' }];

  /** Takes the next entry of the list; throws for one that may not stand there. */
  next(path: BytePath, isFolder: boolean): void {
    const problem = pathProblem(path);
    if (problem !== undefined) throw new Error(`the path ${JSON.stringify(path)} ${problem}`);
    const { folder, name } = split(path);
    while (this.#open.length > 1 && this.#open.at(-1)?.folder !== folder) this.#open.pop();
    const parent = this.#open.at(-1);
    if (parent === undefined || parent.folder !== folder || parent.last >= name)
      throw new Error(`changes out of order: ${JSON.stringify(path)}`);
    parent.last = name;
    if (isFolder) this.#open.push({ folder: path, last: '' });
  }
}

/** A path's folder (empty for the root) and its last name. */
export function split(path: BytePath): { readonly folder: BytePath; readonly name: BytePath } {
  const slash = path.lastIndexOf('/');
  return { folder: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) };
}

function pathProblem(path: BytePath): string | undefined {
  if (path.includes('\0')) return 'holds a NUL byte';
  if (path.startsWith('/')) return 'is absolute';
  const names = path.split('/');
  if (names.includes('..')) return 'leads out of the folder';
  if (names.length > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} folders`;
  return names.includes('') || names.includes('.') ? 'is not clean' : undefined;
}
