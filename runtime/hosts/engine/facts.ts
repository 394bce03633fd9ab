import { access, constants, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Environment variables, passed in by the cli; nothing here reads the process's own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What decides whether an engine can be set up here. Tests hand in others. */
export interface MachineFacts {
  /** Node's name: `linux`, `darwin`, `win32`. */
  readonly platform: string;
  /** Debian's name of the machine's architecture: `amd64`, `arm64`; another machine's as Node has it. */
  readonly architecture: string;
  /** The effective user; 0 is root. */
  readonly userId: number;
  /** `ID` and `ID_LIKE` of os-release, in that order. */
  readonly distributions: readonly string[];
}

/** The facts of this machine. */
export async function machineFacts(): Promise<MachineFacts> {
  return {
    platform: process.platform,
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    userId: process.geteuid?.() ?? -1,
    distributions: distributions(await readFile('/etc/os-release', 'utf8').catch(() => '')),
  };
}

/** `ID` and `ID_LIKE` of an os-release file (os-release(5)). */
export function distributions(osRelease: string): readonly string[] {
  const value = (key: string): string => new RegExp(`^${key}=["']?([^"'\n]*)`, 'm').exec(osRelease)?.[1] ?? '';
  return [value('ID'), ...value('ID_LIKE').split(/\s+/)].filter((word) => word !== '');
}

/** The first executable of that name on a PATH, and in the folders where only root's PATH looks. */
export async function findProgram(name: string, env: Environment): Promise<string | undefined> {
  for (const folder of [...(env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']) {
    if (folder === '') continue;
    const path = join(folder, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}

/** What a set-up command may know of the caller's environment: the way to the network, and nothing else. */
export function setupEnvironment(env: Environment): Record<string, string> {
  const kept: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C.UTF-8',
    DEBIAN_FRONTEND: 'noninteractive',
  };
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) {
    const value = env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
