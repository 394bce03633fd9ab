import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { SshEntry } from '../../planner/target.ts';

/** The sockets of ssh agents by id. */
export type SshAgents = ReadonlyMap<string, string>;

/**
 * The agents that ssh entries mean: `SSH_AUTH_SOCK` where no path is named, else the socket. Fails in words with what is
 * not there, or cannot be forwarded yet: keys in files.
 */
export async function sshAgents(
  entries: readonly SshEntry[],
  { cwd, env }: { readonly cwd: string; readonly env: ReadonlyMap<string, string> },
): Promise<Result<SshAgents, string>> {
  const agents = new Map<string, string>();
  for (const { id, paths } of entries) {
    const [named, ...more] = paths.length > 0 ? paths : [env.get('SSH_AUTH_SOCK') ?? ''];
    if (named === undefined || named === '') return fail(`an ssh agent, "${id}": SSH_AUTH_SOCK is not set`);
    const socket = path.resolve(cwd, named);
    const found = await stat(socket).catch(() => undefined);
    if (found === undefined) return fail(`an ssh agent, "${id}": there is no ${named}`);
    if (!found.isSocket() || more.length > 0)
      return fail(`ssh keys in files, "${id}" (an agent that holds them can be forwarded)`);
    agents.set(id, socket);
  }
  return ok(agents);
}

/** What `BUILDX_BAKE_GIT_SSH` says: a socket, or keys with commas between them; nothing means the agent of the user. */
export function gitSshEntry(env: ReadonlyMap<string, string>): SshEntry {
  const paths = (env.get('BUILDX_BAKE_GIT_SSH') ?? '').split(',').filter((one) => one !== '');
  return { id: 'default', paths };
}
