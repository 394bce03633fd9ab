import { access, constants } from 'node:fs/promises';
import { makeFolder } from '../../files/make-folder.ts';
import { FailureError } from '../../failure.ts';

/** Makes the data folder, or throws a {@link FailureError} that names it: it is ours to write to or nothing can be set up. */
export async function requireDataFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new FailureError({
      reason: 'engine-failed',
      step: 'make the data folder',
      cause: `${folder} cannot be written to (${causeOf(error)})`,
      hint: 'DEPOT_DATA_DIR names the folder that depot keeps its things in',
    });
  }
}

const WORDS: Readonly<Record<string, string>> = {
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOENT: 'no folder can be made there',
  ENOTDIR: 'a file is in the way',
  EEXIST: 'a file is in the way',
};

function causeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return WORDS[code] ?? (error instanceof Error ? error.message : String(error));
}
