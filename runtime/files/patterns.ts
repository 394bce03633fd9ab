import { classEnd, globMatcher } from './glob.ts';

/** A pattern list that cannot be used, with the pattern at fault. */
export class BadPattern extends Error {
  constructor(pattern: string) {
    super(`bad pattern ${JSON.stringify(pattern)}`);
    this.name = 'BadPattern';
  }
}

/** For each pattern of a list, whether the parent folder of a path matched it. */
export type ParentMatches = readonly boolean[];

interface Pattern {
  /** Cleaned, without the `!`. */
  readonly text: string;
  /** Takes out what earlier patterns took in (`!pattern`). */
  readonly negated: boolean;
  readonly matches: (path: string) => boolean;
}

/**
 * A list of patterns as `.dockerignore` has them, with the rules of moby/patternmatcher: each is anchored at the root,
 * a later one overrules an earlier one, and what matches a folder matches all below it.
 */
export class PatternList {
  readonly #patterns: readonly Pattern[];

  /** Throws {@link BadPattern}. */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.flatMap((text) => compile(text));
  }

  get isEmpty(): boolean {
    return this.#patterns.length === 0;
  }

  /** The patterns that take in, and those that take out again; for pruning a walk. */
  texts({ negated }: { readonly negated: boolean }): readonly string[] {
    return this.#patterns.filter((pattern) => pattern.negated === negated).map((pattern) => pattern.text);
  }

  /**
   * Whether a path matches, given how its parent folder did; and what its own children need to know. Patterns that
   * cannot change the outcome are not evaluated (`MatchesUsingParentResults`).
   */
  match(path: string, parent: ParentMatches | undefined): { readonly matched: boolean; readonly own: ParentMatches } {
    let matched = false;
    const own: boolean[] = [];
    for (const pattern of this.#patterns) {
      let hit = parent?.[own.length] === true;
      if (!hit && pattern.negated === matched) {
        hit =
          pattern.matches(path) || (parent === undefined && parentsOf(path).some((folder) => pattern.matches(folder)));
      }
      own.push(hit);
      if (hit) matched = !pattern.negated;
    }
    return { matched, own };
  }
}

/** Joins and shortens a slash path as Go's `path.Clean` does. */
export function cleanPath(path: string): string {
  const absolute = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || !absolute) parts.push(part);
  }
  const joined = parts.join('/');
  if (absolute) return `/${joined}`;
  return joined === '' ? '.' : joined;
}

function parentsOf(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

function compile(source: string): readonly Pattern[] {
  const trimmed = source.trim();
  if (trimmed === '') return [];
  const negated = cleanPath(trimmed).startsWith('!');
  const text = negated ? cleanPath(trimmed).slice(1) : cleanPath(trimmed);
  if (text === '') throw new BadPattern(source);
  return [{ text, negated, matches: matcher(text, source) }];
}

/** One of four ways to match: exactly, by prefix, by suffix, or part by part. */
function matcher(text: string, source: string): (path: string) => boolean {
  checkGlob(text, source);
  if (!/[*?[\\]/.test(text)) return (path) => path === text;
  if (text.endsWith('**') && !/[*?[\\]/.test(text.slice(0, -2))) {
    const prefix = text.slice(0, -2);
    return (path) => path.startsWith(prefix);
  }
  if (text.startsWith('**') && text.length > 2 && !/[*?[\\]/.test(text.slice(2))) {
    const suffix = text.slice(2);
    return (path) => path.endsWith(suffix) || (suffix.startsWith('/') && path === suffix.slice(1));
  }
  return globMatcher(text);
}

/** Refuses what Go's `filepath.Match` refuses: an unfinished class or escape, an empty or backward range. */
function checkGlob(text: string, source: string): void {
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') {
      if (++at >= text.length) throw new BadPattern(source);
    } else if (text[at] === '[') {
      const end = classEnd(text, at);
      const body = text.slice(at + 1, end).replace(/^\^/, '');
      if (end === -1 || body === '' || body.startsWith('-') || /(?<!\\)-$/.test(body)) throw new BadPattern(source);
      for (const [, from = '', to = ''] of body.matchAll(/([^\\-])-([^\\-])/gu)) {
        if (from > to) throw new BadPattern(source);
      }
      at = end;
    }
  }
}
