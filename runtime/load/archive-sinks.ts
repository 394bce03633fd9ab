import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { makeFolder } from '../files/make-folder.ts';
import { replaceFile } from '../files/replace-file.ts';
import type { ArchiveSink } from '../session/file-send.ts';
import { destination, openPipe } from './destination.ts';

/** Why an archive cannot go there (in the words of moby/sys `atomicwriter`); undefined when it looks as if it could. */
export async function archiveProblem(file: string): Promise<string | undefined> {
  const found = await destination(file).catch((error: Error) => ({ is: 'refused', why: error.message }) as const);
  return found.is === 'refused' ? found.why : undefined;
}

/** Why a folder cannot be filled there; undefined when it looks as if it could. */
export async function folderProblem(folder: string): Promise<string | undefined> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error);
  if (!(found instanceof Error)) return found.isDirectory() ? undefined : 'it is a file, and a folder is needed';
  return found.code === 'ENOENT' ? undefined : found.message;
}

/**
 * Writes an archive to a file, which appears under its name only when it is whole, or into a named pipe or a device. What else is
 * there is left alone ({@link archiveProblem}).
 */
export function fileSink(file: string): ArchiveSink {
  return async (chunks, { signal }) => {
    const problem = await archiveProblem(file);
    if (problem !== undefined) throw new Error(`${file}: ${problem}`);
    try {
      await makeFolder(path.dirname(file));
      await write(file, Readable.from(chunks, { objectMode: false }), { signal });
    } catch (error) {
      // One of the file system's names no file where it is told while writing, and else one of ours.
      const isOfSystem = error instanceof Error && 'syscall' in error;
      throw isOfSystem ? new Error(`${file} cannot be written: ${error.message}`, { cause: error }) : error;
    }
  };
}

async function write(file: string, archive: Readable, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  const to = await destination(file);
  if (to.is === 'file') {
    await replaceFile(to.path, (partial, options) =>
      pipeline(archive, createWriteStream(partial, { flags: 'wx', ...options }), { signal }),
    );
  } else {
    const opened = to.is === 'pipe' ? await openPipe(file, { signal }) : createWriteStream(file, { flags: 'a' });
    await pipeline(archive, opened, { signal });
  }
}

/** Hands an archive on to a stream that stays open afterwards (standard output). */
export function streamSink(stream: NodeJS.WritableStream): ArchiveSink {
  return async (chunks, { signal }) => {
    await pipeline(Readable.from(chunks, { objectMode: false }), stream, { signal, end: false });
  };
}
