import { readdir, readFile } from 'node:fs/promises';

/** The command lines (words joined by a space) of the processes of this machine that hold a text, with their numbers. */
export async function processesWith(text: string): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>();
  for (const name of (await readdir('/proc')).filter((each) => /^\d+$/.test(each))) {
    if (name === String(process.pid)) continue;
    const command = (await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim();
    if (command.includes(text)) found.set(Number(name), command);
  }
  return found;
}
