import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { goMode, GoMode } from './stat.ts';

/**
 * A path below a root, `/`-separated, with one character for each byte of its name (latin1). So names that are not
 * UTF-8 pass through unchanged, and comparing strings compares bytes.
 */
export type BytePath = string;

/** One thing that a walk found. */
export interface Entry {
  readonly path: BytePath;
  readonly stats: BigIntStats;
  /** Go's mode bits. */
  readonly mode: number;
  /** The raw target of a symbolic link. */
  readonly linkTarget?: BytePath;
}

/** Decides, before its children are read, what happens to an entry. */
export interface WalkVisitor {
  /** Whether the children of this directory can matter. */
  readonly descends: (path: BytePath) => boolean;
}

/** How long entries are looked at before other work gets a turn: the session, and Ctrl-C, must be answered in between. */
const TURN_MS = 10;

/**
 * Every entry below a folder: depth first, siblings in the order of their bytes, a directory before its children, the
 * root itself left out (tonistiigi/fsutil `walker.go`). Entries that vanish meanwhile are left out. Throws the
 * file system's error for what cannot be read.
 */
export async function* walk(root: string, visitor: WalkVisitor): AsyncGenerator<Entry, void, undefined> {
  const open: { readonly prefix: BytePath; readonly names: readonly BytePath[]; at: number }[] = [
    { prefix: '', names: children(root, ''), at: 0 },
  ];
  let turnAt = performance.now();
  for (let folder = open.at(-1); folder !== undefined; folder = open.at(-1)) {
    const name = folder.names[folder.at++];
    if (name === undefined) {
      open.pop();
      continue;
    }
    if (performance.now() - turnAt > TURN_MS) {
      await nextTurn();
      turnAt = performance.now();
    }
    const entry = look(root, folder.prefix + name);
    if (entry === undefined) continue;
    yield entry;
    if (entry.mode >= GoMode.dir && visitor.descends(entry.path)) {
      open.push({ prefix: `${entry.path}/`, names: children(root, entry.path), at: 0 });
    }
  }
}

/** The path of an entry on disk: as text where that says the same, which is quicker made. */
export function onDisk(root: string, path: BytePath): string | Buffer {
  // eslint-disable-next-line no-control-regex
  if (/^[\x00-\x7f]*$/.test(path)) return `${root}/${path}`;
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
}

/** The text a person (and a pattern) means by a path: its bytes as UTF-8. */
export function readable(path: BytePath): string {
  // eslint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(path) ? path : Buffer.from(path, 'latin1').toString('utf8');
}

function children(root: string, path: BytePath): readonly BytePath[] {
  try {
    return readdirSync(onDisk(root, path), { encoding: 'buffer' })
      .map((name) => name.toString('latin1'))
      .sort(byBytes);
  } catch (error) {
    if (path !== '' && vanished(error)) return [];
    throw error;
  }
}

function byBytes(a: BytePath, b: BytePath): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function look(root: string, path: BytePath): Entry | undefined {
  try {
    const stats = lstatSync(onDisk(root, path), { bigint: true });
    const mode = goMode(stats);
    if (!stats.isSymbolicLink()) return { path, stats, mode };
    return { path, stats, mode, linkTarget: readlinkSync(onDisk(root, path), 'buffer').toString('latin1') };
  } catch (error) {
    if (vanished(error)) return undefined;
    throw error;
  }
}

function vanished(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
