import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

/** How long somebody may take to open a pipe for writing. */
const WRITER_MS = 2_000;

const PAUSE_MS = 10;

/** A named pipe that was opened, and that nobody writes to. */
export class NobodyWrites extends Error {
  constructor() {
    super('it is a pipe that nobody writes to');
    this.name = 'NobodyWrites';
  }
}

/**
 * The beginning of a file, at most `maxBytes`, or of a pipe such as `<(...)` of a shell. Opening a pipe never waits: a thread
 * that did would keep the whole program from ending. Throws {@link NobodyWrites} and the errors of the file system.
 */
export async function readBeginning(
  file: string,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<Buffer> {
  await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(maxBytes);
  const isPipe = (await handle.stat()).isFIFO();
  const latest = Date.now() + WRITER_MS;
  let length = 0;
  for (let isWritten = !isPipe; length < buffer.length;) {
    const read = await readSome(handle, buffer.subarray(length));
    if (read === undefined) isWritten = true;
    else if (read > 0) length += read;
    else if (isWritten || length > 0) break;
    else if (Date.now() > latest) throw new NobodyWrites();
    if (read === undefined || read === 0) await setTimeout(PAUSE_MS, undefined, { signal });
  }
  return buffer.subarray(0, length);
}

/** How many bytes were there to read: none at the end, undefined when the writer of a pipe has more to come. */
async function readSome(handle: FileHandle, into: Buffer): Promise<number | undefined> {
  try {
    return (await handle.read(into)).bytesRead;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return undefined;
    throw error;
  }
}
