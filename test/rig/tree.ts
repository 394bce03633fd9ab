import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TempFolder } from './folder.ts';
import { tempFolder } from './folder.ts';

/** What to put at a path: a file's text, a folder, a symbolic link, or another name of a file that was made before. */
export type TreeItem = string | 'a folder' | { readonly link: string } | { readonly hardLink: string };

/** A folder with this in it; folders on the way are made. */
export async function tree(items: Readonly<Record<string, TreeItem>>): Promise<TempFolder> {
  const folder = await tempFolder('tree');
  for (const [path, item] of Object.entries(items)) {
    const file = join(folder.path, path);
    await mkdir(dirname(file), { recursive: true });
    if (item === 'a folder') await mkdir(file, { recursive: true });
    else if (typeof item === 'string') await writeFile(file, item);
    else if ('link' in item) await symlink(item.link, file);
    else await link(join(folder.path, item.hardLink), file);
  }
  return folder;
}
