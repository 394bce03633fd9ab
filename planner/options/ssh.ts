import type { FileSystemPort } from '../host.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { SshEntry } from '../target.ts';
import { isLocked, PASSPHRASE_NEEDED, readSshKey } from './ssh-key.ts';

/** What helps with every problem of an agent or a key. */
export const SSH_HINT =
  'name the socket of an agent (ssh-add adds a key to it), or a private key without a passphrase: id=path; on a terminal, a passphrase is asked for';

/** The agent of the user, where the environment names none. */
const NO_SOCKET = 'invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set';

/**
 * The paths that a forwarded agent means: its own, else `SSH_AUTH_SOCK`. Fails in words where neither is there (moby/buildkit
 * `session/sshforward/sshprovider`).
 */
export function sshPaths(
  { paths }: SshEntry,
  environment: ReadonlyMap<string, string>,
): Result<readonly string[], string> {
  const [first = '', ...more] = paths;
  if (first !== '') return ok(paths);
  const socket = environment.get('SSH_AUTH_SOCK') ?? '';
  return socket === '' || more.length > 0 ? fail(NO_SOCKET) : ok([socket]);
}

/** What is wrong with the kinds of what lies at the paths of one agent: one socket, or keys, however many. */
export function mixtureProblem(areSockets: readonly boolean[]): string | undefined {
  const first = areSockets.indexOf(true);
  if (first === -1) return undefined;
  if (first < areSockets.length - 1) return 'only single socket allowed';
  return first > 0 ? 'invalid combination of keys and sockets' : undefined;
}

/** What tells whether an entry can be used. */
export interface SshContext {
  readonly environment: ReadonlyMap<string, string>;
  readonly fs: FileSystemPort;
  /** Whether somebody can be asked for a passphrase; by default nobody can. */
  readonly mayAsk?: (() => boolean) | undefined;
}

/**
 * What is wrong with a forwarded agent or key (moby/buildkit `session/sshforward/sshprovider`); undefined when nothing is.
 * A path must be an agent's socket or a private key; one with a passphrase only where somebody can be asked for it.
 */
export function sshProblem(entry: SshEntry, { environment, fs, mayAsk = no }: SshContext): string | undefined {
  const paths = sshPaths(entry, environment);
  if (!paths.ok) return paths.failure;
  const about = `failed to convert agent config for ID: ${JSON.stringify(entry.id)}`;
  const areSockets: boolean[] = [];
  for (const path of paths.value) {
    const kind = fs.kind(path);
    const mixture = mixtureProblem([...areSockets, kind === 'socket']);
    areSockets.push(kind === 'socket');
    if (mixture !== undefined) return `${about}: ${mixture}`;
    if (kind === undefined) {
      const named = entry.paths.includes(path) ? path : `${path} (SSH_AUTH_SOCK)`;
      return `failed to stat ${named}: no such file or directory`;
    }
    const problem =
      kind === 'dir' ? 'it is a directory' : kind === 'file' ? keyProblem(path, { fs, mayAsk }) : undefined;
    if (problem !== undefined) return `${about}: ${path}: ${problem}`;
  }
  return undefined;
}

function no(): boolean {
  return false;
}

function keyProblem(
  path: string,
  { fs, mayAsk }: { readonly fs: FileSystemPort; readonly mayAsk: () => boolean },
): string | undefined {
  try {
    const key = readSshKey(fs.readText(path) ?? '');
    if (!key.ok) return key.failure;
    return isLocked(key.value) && !mayAsk() ? PASSPHRASE_NEEDED : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
