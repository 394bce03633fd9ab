import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { enginePaths } from '../../runtime/hosts/engine/paths.ts';
import { sharedRoot } from './engine.ts';

/** What an engine of a data folder has on the machine outside that folder; all empty when it is down. */
export interface Leftovers {
  /** Command lines of the processes that live in its mounts or name its folder. */
  readonly processes: readonly string[];
  /** Mount points below the folder, as the machine sees them. */
  readonly mounts: readonly string[];
  readonly interfaces: readonly string[];
  /** nftables tables and rules with its name. */
  readonly rules: readonly string[];
  readonly controlGroups: readonly string[];
}

/** No trace of an engine. */
export const NOTHING: Leftovers = { processes: [], mounts: [], interfaces: [], rules: [], controlGroups: [] };

/** Looks for traces of the engine of a data folder where the kernel lists such things. */
export async function leftovers(dataDir: string): Promise<Leftovers> {
  const { bridge } = enginePaths({ dataDir });
  const table = bridge.replaceAll('-', '_');
  const mounts = await lines('/proc/mounts');
  const { stdout } = await promisify(execFile)('chroot', [await sharedRoot(), 'nft', 'list', 'ruleset']);
  return {
    processes: await processesOf(dataDir),
    mounts: mounts.filter((line) => line.includes(dataDir)),
    interfaces: (await readdir('/sys/class/net')).filter((name) => name === bridge),
    rules: stdout.split('\n').filter((line) => line.includes(bridge) || line.includes(table)),
    controlGroups: await controlGroupsOf(bridge),
  };
}

async function processesOf(dataDir: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (pid === String(process.pid)) continue;
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim();
    const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
    if (command.includes(dataDir) || mounts.includes(dataDir)) found.push(command);
  }
  return found;
}

async function controlGroupsOf(name: string): Promise<readonly string[]> {
  const base = '/sys/fs/cgroup';
  const folders = [base, ...(await readdir(base).catch(() => [])).map((each) => join(base, each))];
  const listed = await Promise.all(
    folders.map(async (folder) => (await readdir(folder).catch(() => [])).map((each) => join(folder, each))),
  );
  return listed.flat().filter((path) => path.endsWith(`/${name}`));
}

async function lines(path: string): Promise<readonly string[]> {
  return (await readFile(path, 'utf8')).trim().split('\n');
}
