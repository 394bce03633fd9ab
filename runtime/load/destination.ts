import { constants, openSync } from 'node:fs';
import { lstat, readlink, realpath, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** As many links are followed as the kernel follows. */
const MAX_LINKS = 40;

const READER_POLL_MS = 50;

/** Where the bytes of an output that the user named really go. */
export type Destination =
  /** A regular file, or nothing yet: it is written beside it and put in its place when it is whole. */
  | { readonly is: 'file'; readonly path: string }
  /** Something that is written to and stays what it is; `open file` is one that `/dev/stdout` or the like stands for. */
  | { readonly is: 'pipe' | 'character device' | 'open file'; readonly path: string }
  | { readonly is: 'refused'; readonly why: string };

/** Looks where a path leads, through symbolic links. Throws the file system's error for what cannot be looked at. */
export async function destination(file: string): Promise<Destination> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  // To replace a file that someone has open would leave them with the old one.
  if (found?.isFile() === true && /^\/(?:dev|proc)\//.test(file)) return { is: 'open file', path: file };
  if (found === undefined || found.isFile()) return { is: 'file', path: await behindLinks(file, MAX_LINKS) };
  if (found.isFIFO()) return { is: 'pipe', path: file };
  if (found.isCharacterDevice()) return { is: 'character device', path: file };
  const kind = found.isDirectory() ? 'directory' : found.isBlockDevice() ? 'block device file' : 'socket';
  return { is: 'refused', why: `cannot write to a ${kind}` };
}

/** Opens a named pipe for writing; waits until someone reads there, without a thread that cannot be called back. */
export async function openPipe(file: string, { signal }: { readonly signal: AbortSignal }): Promise<Socket> {
  for (;;) {
    signal.throwIfAborted();
    const fd = openWithReader(file);
    if (fd !== undefined) return new Socket({ fd, readable: false, writable: true });
    await sleep(READER_POLL_MS, undefined, { signal });
  }
}

/** Undefined while nobody reads. Does not block (fifo(7)). */
function openWithReader(file: string): number | undefined {
  try {
    return openSync(file, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENXIO') return undefined;
    throw error;
  }
}

/** The path behind symbolic links, also where nothing is there yet. */
async function behindLinks(file: string, links: number): Promise<string> {
  const link = await lstat(file).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
  const folder = path.dirname(file);
  if (!link) return path.join(await realpath(folder).catch(() => folder), path.basename(file));
  if (links === 0) throw new Error(`too many symbolic links at ${file}`);
  return behindLinks(path.resolve(folder, await readlink(file)), links - 1);
}
