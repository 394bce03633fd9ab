import { closeSync, constants, openSync, readlinkSync, readSync, realpathSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { SendParts } from './packet.ts';
import { dataHead } from './packet.ts';
import type { BytePath } from './walk.ts';
import { onDisk, readable } from './walk.ts';

/** A file whose content the other side asked for. */
export interface WantedFile {
  readonly id: number;
  /** Empty for what has no content. */
  readonly path: BytePath;
  /** When it was listed; by now it may have another. */
  readonly bytes: number;
}

/** Where the content of a file goes. */
export interface ContentStream {
  readonly send: SendParts;
  /** Sends buffers that are wanted back: they may be changed when `sent` is called. */
  readonly lend: (parts: readonly Uint8Array[], sent: () => void) => Promise<void>;
  readonly signal: AbortSignal;
}

/** What became of a file since it was listed. */
export type SentAs = 'listed' | 'changed' | 'vanished';

/** Four times what Go sends at once: fewer messages, still far below the limits of either side. */
const CHUNK_BYTES = 128 * 1024;

/**
 * A file up to this size is read at once, in one turn: opening, reading and closing it by way of Node's threads takes five
 * times as long as reading it.
 */
const SMALL_BYTES = 64 * 1024;

/** Buffers that go round: read into, sent, and read into again. */
export class Buffers {
  readonly #idle: Buffer[] = [];

  take(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  give(buffer: Buffer): void {
    this.#idle.push(buffer);
  }
}

/**
 * What is a regular file when it is listed may be something else when it is opened: then no link is followed, and no pipe is
 * waited for.
 */
const OPEN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * A folder whose files are sent, by its name and by where that leads: nothing from outside is sent, even where a folder in it
 * becomes a link to one outside in between.
 */
export class SentRoot {
  readonly path: string;
  /** Bytes as characters, with a slash at the end. */
  readonly #real: string;

  constructor(path: string) {
    this.path = path;
    const real = realpathSync(path, 'buffer').toString('latin1');
    this.#real = real.endsWith('/') ? real : `${real}/`;
  }

  /** Throws where an open file is not one of this folder. */
  mustHold(handle: number, path: BytePath): void {
    const real = realPath(handle);
    if (real === undefined || real.startsWith(this.#real)) return;
    throw new Error(`${readable(path)} is outside of the folder now: one on the way to it became a symbolic link`);
  }
}

/** Where an open file is (proc(5)); undefined where the system does not tell. */
function realPath(handle: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${handle}`, 'buffer').toString('latin1');
  } catch {
    return undefined;
  }
}

/**
 * Sends the content of a file, as it is now. One that is gone by now is sent as empty, as BuildKit's clients do; throws for
 * what cannot be read.
 */
export async function sendFile(
  root: SentRoot,
  file: WantedFile & { readonly buffers: Buffers },
  stream: ContentStream,
): Promise<SentAs> {
  stream.signal.throwIfAborted();
  const send = file.bytes <= SMALL_BYTES ? sendAtOnce : sendInChunks;
  const sent =
    file.path === '' ? 0 : await send(root, file, stream).catch((error: unknown) => unread(error, file.path));
  await stream.send(dataHead(file.id, 0));
  if (sent === undefined) return 'vanished';
  return file.path === '' || sent === file.bytes ? 'listed' : 'changed';
}

/** Gives how many bytes were there; undefined when there is no such file any more. */
async function sendAtOnce(
  root: SentRoot,
  { id, path, bytes, buffers }: Parameters<typeof sendFile>[1],
  stream: ContentStream,
): Promise<number | undefined> {
  const handle = openedNow(root.path, path);
  if (handle === undefined) return undefined;
  try {
    root.mustHold(handle, path);
    for (let sent = 0; ;) {
      const buffer = buffers.take();
      const read = readSync(handle, buffer);
      sent += read;
      if (read === 0) {
        buffers.give(buffer);
        return sent;
      }
      await stream.lend([dataHead(id, read), buffer.subarray(0, read)], () => buffers.give(buffer));
      if (sent === bytes) return sent;
    }
  } finally {
    closeSync(handle);
  }
}

function openedNow(root: string, path: BytePath): number | undefined {
  try {
    return openSync(onDisk(root, path), OPEN);
  } catch (error) {
    return explained(error, path);
  }
}

/** The same of a file of any size. */
async function sendInChunks(
  root: SentRoot,
  { id, path, buffers }: Parameters<typeof sendFile>[1],
  stream: ContentStream,
): Promise<number | undefined> {
  const handle = await open(onDisk(root.path, path), OPEN).catch((error: unknown) => explained(error, path));
  if (handle === undefined) return undefined;
  await using file = handle;
  root.mustHold(file.fd, path);
  for (let sent = 0; ;) {
    stream.signal.throwIfAborted();
    const buffer = buffers.take();
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES);
    sent += bytesRead;
    if (bytesRead === 0) {
      buffers.give(buffer);
      return sent;
    }
    await stream.lend([dataHead(id, bytesRead), buffer.subarray(0, bytesRead)], () => buffers.give(buffer));
  }
}

/** Node names the file that cannot be opened, but not the one that cannot be read. */
function unread(error: unknown, path: BytePath): never {
  const isRead = error instanceof Error && 'syscall' in error && error.syscall === 'read';
  throw isRead ? new Error(`${readable(path)} cannot be read: ${error.message}`) : error;
}

/** What opening a file failed with, thrown in words; undefined when it is gone. */
function explained(error: unknown, path: BytePath): undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return undefined;
  if (code === 'ELOOP') throw new Error(`${readable(path)} became a symbolic link while the folder was sent`);
  throw error;
}
