import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmod, chown, copyFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

const PERMISSIONS = 0o7777;

/**
 * Has `write` fill a new file beside the one named, and puts that in its place: it is there whole or not at all. It keeps the
 * permissions and the owner of what it replaces; `mode` are permissions that it has in any case. What cannot be replaced
 * because it is a mount point (`docker run -v FILE:FILE`) is written into.
 */
export async function replaceFile(
  file: string,
  write: (partial: string, options: { readonly mode?: number }) => Promise<void>,
  { mode }: { readonly mode?: number } = {},
): Promise<void> {
  const partial = path.join(path.dirname(file), `.${path.basename(file)}.${randomBytes(6).toString('hex')}`);
  const found = await stat(file).catch(() => undefined);
  const before = found === undefined ? undefined : { ...found, mode: mode ?? found.mode };
  try {
    const wanted = mode ?? before?.mode;
    await write(partial, wanted === undefined ? {} : { mode: wanted & PERMISSIONS });
    if (before !== undefined) await alike(partial, before);
    await rename(partial, file).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EBUSY') throw error;
      await copyFile(partial, file);
    });
  } finally {
    await rm(partial, { force: true });
  }
}

/** Only root can give a file away; where it cannot be, it is the writer's, as a new one would be. */
async function alike(file: string, { mode, uid, gid }: Pick<Stats, 'mode' | 'uid' | 'gid'>): Promise<void> {
  await chown(file, uid, gid).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPERM') throw error;
  });
  await chmod(file, mode & PERMISSIONS);
}
