import { stat } from 'node:fs/promises';
import path from 'node:path';
import { mixtureProblem, sshPaths } from '../../planner/options/ssh.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { SshEntry } from '../../planner/target.ts';
import { DEFAULT_SSH_ID } from '../session/ssh.ts';
import type { SshAgent } from '../session/ssh-agent.ts';
import type { AskPassphrase, KnownKeys } from '../session/ssh-key-files.ts';
import { socketAgent } from '../session/ssh-socket.ts';

/** Agents by the ids that steps use. */
export type SshAgents = ReadonlyMap<string, SshAgent>;

/** An agent or a key that cannot be used: which, the path it was looked for at, as it was written, and why. */
export interface SshUnusable {
  readonly id: string;
  readonly path: string;
  readonly cause: string;
}

/** Where paths begin and variables are, and who can be asked for a passphrase. */
export interface SshPlace {
  readonly cwd: string;
  readonly env: ReadonlyMap<string, string>;
  readonly ask?: AskPassphrase | undefined;
  readonly known?: KnownKeys | undefined;
  readonly signal: AbortSignal;
}

/**
 * The agents that ssh entries mean: that of `SSH_AUTH_SOCK` where no path is named, else the one that listens on the socket, or
 * one of our own that holds the keys in the files. Keys are read here, and nothing of them is kept but in memory.
 */
export async function sshAgents(
  entries: readonly SshEntry[],
  where: SshPlace,
): Promise<Result<SshAgents, SshUnusable>> {
  const agents = new Map<string, SshAgent>();
  for (const entry of entries) {
    const id = entry.id === '' ? DEFAULT_SSH_ID : entry.id;
    if (agents.has(id)) return fail({ id, path: entry.paths.join(','), cause: 'another agent has the same id' });
    const agent = await agentOf(entry, where);
    if (!agent.ok) return fail({ id, ...agent.failure });
    agents.set(id, agent.value);
  }
  return ok(agents);
}

async function agentOf(
  entry: SshEntry,
  { cwd, env, ...how }: SshPlace,
): Promise<Result<SshAgent, Omit<SshUnusable, 'id'>>> {
  const paths = sshPaths(entry, env);
  if (!paths.ok) return fail({ path: 'SSH_AUTH_SOCK', cause: 'it is not set' });
  const resolve = (named: string): string => path.resolve(cwd, named);
  const areSockets: boolean[] = [];
  for (const named of paths.value) {
    const found = await stat(resolve(named)).catch((error: NodeJS.ErrnoException) => error);
    areSockets.push(!(found instanceof Error) && found.isSocket());
    const mixture = mixtureProblem(areSockets);
    if (mixture !== undefined) return fail({ path: named, cause: mixture });
    if (found instanceof Error)
      return fail({ path: named, cause: found.code === 'ENOENT' ? 'there is no such file' : found.message });
  }
  const [first = ''] = paths.value;
  if (areSockets[0] === true) return ok(socketAgent(resolve(first)));
  const { keyFilesAgent } = await import('../session/ssh-key-files.ts');
  return keyFilesAgent(paths.value, { resolve, ...how });
}

/** What `BUILDX_BAKE_GIT_SSH` says: a socket, or keys with commas between them; nothing means the agent of the user. */
export function gitSshEntry(env: ReadonlyMap<string, string>): SshEntry {
  const paths = (env.get('BUILDX_BAKE_GIT_SSH') ?? '').split(',').filter((one) => one !== '');
  return { id: DEFAULT_SSH_ID, paths };
}
