import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { FileSystemPort } from '../planner/host.ts';

/** The real file system for the planner, seen from a working directory. */
export function fileSystem(cwd: string): FileSystemPort {
  return {
    readText: (name) => {
      try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path.resolve(cwd, name)));
      } catch (error) {
        if (isMissing(error)) return undefined;
        if (error instanceof TypeError) throw new Error('the file is not valid UTF-8 text');
        throw error;
      }
    },
    kind: (name) => {
      try {
        const stats = statSync(path.resolve(cwd, name));
        return stats.isDirectory() ? 'dir' : stats.isFile() ? 'file' : 'other';
      } catch (error) {
        return isMissing(error) ? undefined : 'other';
      }
    },
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
