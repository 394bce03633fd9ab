import { closeSync, constants, openSync, readFileSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import type { FileSystemPort } from '../planner/host.ts';

/** What is open already, such as `<(...)` of a shell, and the device with nothing in it: read as they are. */
const OPEN_ALREADY = /^\/(?:dev\/(?:null|stdin|tty|fd\/\d+)|proc\/(?:self|\d+)\/fd\/\d+)$/;

/** How long somebody may take to open a named pipe for writing. */
const WRITER_MS = 2_000;

const PAUSE_MS = 10;
const CHUNK_BYTES = 64 * 1024;

/** The real file system for the planner, seen from a working directory. */
export function fileSystem(cwd: string): FileSystemPort {
  return {
    readText: (name) => {
      try {
        return decodeText(readWhole(path.resolve(cwd, name)));
      } catch (error) {
        if (isMissing(error)) return undefined;
        if (error instanceof TypeError) throw new Error('the file is not valid UTF-8 text');
        throw error;
      }
    },
    kind: (name) => {
      try {
        const stats = statSync(path.resolve(cwd, name));
        if (stats.isSocket()) return 'socket';
        return stats.isDirectory() ? 'dir' : stats.isFile() ? 'file' : 'other';
      } catch (error) {
        return isMissing(error) ? undefined : 'other';
      }
    },
  };
}

/**
 * The text of a file or of standard input: UTF-8, or UTF-16 where it begins with a byte order mark (which PowerShell
 * writes), which stays.
 * @throws TypeError for what is neither
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const wide =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : undefined;
  return new TextDecoder(wide ?? 'utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** Reads what has an end. A device or a pipe that nobody writes to would keep the program, deaf to every signal, for ever. */
function readWhole(file: string): Uint8Array {
  const stats = statSync(file);
  if (stats.isFile() || stats.isDirectory() || OPEN_ALREADY.test(file)) return readFileSync(file);
  if (stats.isFIFO()) return readPipe(file);
  throw new Error('it is no regular file');
}

/** All that is written to a named pipe, opened without waiting for its writer. */
function readPipe(file: string): Uint8Array {
  const pipe = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const chunks: Uint8Array[] = [];
    const latest = Date.now() + WRITER_MS;
    for (let isWritten = false; ;) {
      const chunk = readChunk(pipe);
      if (chunk === undefined) isWritten = true;
      else if (chunk.length > 0) chunks.push(chunk);
      else if (isWritten || chunks.length > 0) return Buffer.concat(chunks);
      else if (Date.now() > latest) throw new Error('it is a pipe that nobody writes to');
      if (chunk === undefined || chunk.length === 0)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  } finally {
    closeSync(pipe);
  }
}

/** What is there to read; undefined when the writer has more to come, empty when there is none. */
function readChunk(pipe: number): Uint8Array | undefined {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  try {
    return buffer.subarray(0, readSync(pipe, buffer));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
