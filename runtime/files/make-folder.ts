import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes a folder and those above it, where they are missing. Throws the file system's error for the one that cannot be
 * made; Node's own recursive `mkdir` tries for ever where a folder is there in which none can be made (`/proc`).
 */
export async function makeFolder(folder: string, options: { readonly mode?: number } = {}): Promise<void> {
  const above = path.dirname(folder);
  if (above !== folder && !(await isFolder(above))) await makeFolder(above, options);
  try {
    await mkdir(folder, options);
  } catch (error) {
    if (!(await isFolder(folder))) throw error;
  }
}

function isFolder(name: string): Promise<boolean> {
  return stat(name).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
