import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'depot-test-';

/** A folder that goes away with its scope. */
export interface TempFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * The folder of this test run, shared by its test files and by no other run: named after the process that started it,
 * which the set-up of the run puts into `DEPOT_TEST_RUN`.
 */
export async function runFolder(): Promise<string> {
  const folder = join(tmpdir(), `${PREFIX}${process.env['DEPOT_TEST_RUN'] ?? process.ppid}`);
  await mkdir(folder, { recursive: true });
  return folder;
}

/** A new empty folder inside that of the run. */
export async function tempFolder(name: string): Promise<TempFolder> {
  const path = await mkdtemp(join(await runFolder(), `${name}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The run folders of runs whose process is gone. */
export async function staleRunFolders(): Promise<readonly string[]> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX));
  return names.filter((name) => !isAlive(Number(name.slice(PREFIX.length)))).map((name) => join(tmpdir(), name));
}

/** Where `depot` keeps the user's data, by the same rule as the cli. Tests only share the Debian root in it. */
export function userDataDir(): string {
  const xdg = process.env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share');
  return process.env['DEPOT_DATA_DIR'] || join(xdg, 'depot');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
