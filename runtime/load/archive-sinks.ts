import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ArchiveSink } from '../session/file-send.ts';

/** Writes an archive to a file, which appears under its name only when it is whole. */
export function fileSink(file: string): ArchiveSink {
  return async (chunks, { signal }) => {
    const folder = path.dirname(file);
    await mkdir(folder, { recursive: true });
    const partial = path.join(folder, `.${path.basename(file)}.${randomBytes(6).toString('hex')}`);
    try {
      await pipeline(Readable.from(chunks, { objectMode: false }), createWriteStream(partial, { flags: 'wx' }), {
        signal,
      });
      await rename(partial, file);
    } finally {
      await rm(partial, { force: true });
    }
  };
}

/** Hands an archive on to a stream that stays open afterwards (standard output). */
export function streamSink(stream: NodeJS.WritableStream): ArchiveSink {
  return async (chunks, { signal }) => {
    await pipeline(Readable.from(chunks, { objectMode: false }), stream, { signal, end: false });
  };
}
