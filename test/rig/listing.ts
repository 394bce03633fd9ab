import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** What a tree looks like: one line for each entry, with kind, mode, link or content, and its time in nanoseconds. */
export interface Listing {
  readonly lines: readonly string[];
  readonly times: ReadonlyMap<string, bigint>;
}

/** Node sets times to a quarter of a microsecond. */
const CLOSE_NANOS = 1_000n;

/** Lists a folder. Names of one file stand in the order of the list. */
export async function listing(root: string): Promise<Listing> {
  const lines: string[] = [];
  const times = new Map<string, bigint>();
  const firstNames = new Map<bigint, string>();
  for (const name of (await readdir(root, { recursive: true })).sort()) {
    const file = join(root, name);
    const stats = await lstat(file, { bigint: true });
    times.set(stats.isDirectory() ? `${name}/` : name, stats.mtimeNs);
    const head = `${name} ${stats.mode.toString(8)} ${stats.uid}:${stats.gid}`;
    if (stats.isSymbolicLink()) lines.push(`${head} -> ${await readlink(file)}`);
    else if (stats.isDirectory()) lines.push(head);
    else if (!stats.isFile()) lines.push(`${head} device ${stats.rdev}`);
    else {
      const first = firstNames.get(stats.ino);
      firstNames.set(stats.ino, first ?? name);
      const content = createHash('sha256').update(await readFile(file));
      lines.push(first === undefined ? `${head} ${content.digest('hex')}` : `${head} is ${first}`);
    }
  }
  return { lines, times };
}

/** The entries of two lists whose times differ by more than Node can help; those of folders end in a slash. */
export function differentTimes(a: Listing, b: Listing): readonly string[] {
  return [...a.times].flatMap(([name, time]) => {
    const apart = time - (b.times.get(name) ?? 0n);
    return apart < CLOSE_NANOS && apart > -CLOSE_NANOS ? [] : [name];
  });
}
