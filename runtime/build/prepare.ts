import { lstat, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { calledMethod } from '../../planner/options/call.ts';
import { SSH_HINT } from '../../planner/options/ssh.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import { isRemoteUrl } from '../../planner/options/url.ts';
import type { Target } from '../../planner/target.ts';
import { withoutPassword } from '../buildkit/url-text.ts';
import type { InputMissing, Unsupported } from '../failure.ts';
import { cacheProblem } from './caches.ts';
import type { LayoutContext } from './layouts.ts';
import { layoutContexts } from './layouts.ts';
import type { SshAgents, SshPlace } from './ssh-agents.ts';
import { sshAgents } from './ssh-agents.ts';

const NO_AGENTS: SshAgents = new Map();

/** What a target needs from this machine, found and checked before anything is asked of a daemon. */
export interface PreparedTarget extends AsyncDisposable {
  readonly target: Target;
  readonly agents: SshAgents;
  /** Its named contexts that are OCI layouts. */
  readonly layouts: ReadonlyMap<string, LayoutContext>;
  /** Undefined when the Dockerfile lies in a remote context. */
  readonly dockerfile: { readonly dir: string; readonly name: string; readonly apart: boolean } | undefined;
  /** The Dockerfile's path as the user knows it, for messages. */
  readonly dockerfileShown: string;
}

/**
 * Finds a target's folders and its Dockerfile. A Dockerfile's path is relative to its context, `cwd://` to the working
 * directory; an inline one is put into a folder of its own until the build is over. What this version cannot build is
 * refused by name.
 */
export async function prepareTarget(
  target: Target,
  { remote, ...place }: SshPlace & { readonly remote: string | undefined },
): Promise<Result<PreparedTarget, InputMissing | Unsupported>> {
  const { cwd } = place;
  const refused = refusal(target);
  if (refused) return fail(refused);
  const isAsked = calledMethod(target.call) !== undefined;
  const agents = isAsked ? ok(NO_AGENTS) : await sshAgents(target.ssh, place);
  if (!agents.ok) {
    const { id, ...unusable } = agents.failure;
    return fail({
      reason: 'input-missing',
      target: target.name,
      what: `ssh ${JSON.stringify(id)}:`,
      ...unusable,
      hint: SSH_HINT,
    });
  }
  const missing = await missingFolder(target, cwd, remote);
  if (missing) return fail(missing);
  const found = await layoutContexts(target, cwd);
  if (!found.ok) return found;
  const inputs = { agents: agents.value, layouts: found.value };
  if (target.dockerfileInline !== undefined)
    return ok({ ...inputs, ...(await inlineDockerfile(target, target.dockerfileInline)) });
  if (
    target.context === '-' ||
    (isFetched(target) && !path.isAbsolute(target.dockerfile) && !fromCwd(target.dockerfile))
  ) {
    return ok({
      target,
      ...inputs,
      dockerfile: undefined,
      dockerfileShown: target.dockerfile,
      [Symbol.asyncDispose]: nothing,
    });
  }
  const shown = fromCwd(target.dockerfile)
    ? path.normalize(target.dockerfile.slice('cwd://'.length))
    : path.isAbsolute(target.dockerfile)
      ? target.dockerfile
      : path.join(target.context, target.dockerfile);
  const file = path.resolve(cwd, shown);
  const name = await dockerfileName(file);
  if (name === undefined) {
    return fail({
      reason: 'input-missing',
      target: target.name,
      what: 'Dockerfile',
      path: shown,
      cause: 'no such file',
      hint: await dockerfileHint(path.dirname(file), path.dirname(shown)),
    });
  }
  if (await isUnreadableKind(path.join(path.dirname(file), name))) {
    return fail({ reason: 'input-missing', target: target.name, what: 'Dockerfile', path: shown, cause: 'not a file' });
  }
  return ok({
    target,
    ...inputs,
    dockerfile: { dir: path.dirname(file), name, apart: isFetched(target) },
    dockerfileShown: path.join(path.dirname(shown), name),
    [Symbol.asyncDispose]: nothing,
  });
}

async function nothing(): Promise<void> {}

/** Whether the context comes from elsewhere, and with it the Dockerfile, unless that is local by its own name. */
function isFetched(target: Target): boolean {
  return target.contextIsRemote === true || isRemoteUrl(target.context);
}

function fromCwd(dockerfile: string): boolean {
  return dockerfile.startsWith('cwd://');
}

/** Everything about a target that is read but not built yet: refused here by name, in one place. */
function refusal(target: Target): Unsupported | undefined {
  const unsupported = (what: string): Unsupported => ({
    reason: 'unsupported',
    what: `${what} (target "${target.name}")`,
  });
  if (target.args.BUILDKIT_SYNTAX?.trim() === '') return unsupported('an empty build argument BUILDKIT_SYNTAX');
  if (/^https?:\/\//.test(target.dockerfile) && target.dockerfileInline === undefined)
    return unsupported('a Dockerfile from a URL');
  const network = target.network ?? '';
  if (!['', 'default', 'none', 'host'].includes(network)) return unsupported(`network = "${network}"`);
  return cacheProblem(target);
}

async function missingFolder(
  target: Target,
  cwd: string,
  remote: string | undefined,
): Promise<InputMissing | undefined> {
  const named = Object.entries(target.contexts)
    .filter(([, value]) => !/^(?:target:|(?:docker-image|oci-layout):\/\/)/.test(value) && !isRemoteUrl(value))
    .filter(([, value]) => remote === undefined || value.startsWith('cwd://'))
    .map(([name, value]) => ({ what: `context "${name}"`, dir: value.replace(/^cwd:\/\//, '') }));
  const main = isFetched(target) || target.context === '-' ? [] : [{ what: 'context', dir: target.context }];
  for (const { what, dir } of [...main, ...named]) {
    const found = await stat(path.resolve(cwd, dir)).catch((error: NodeJS.ErrnoException) => error);
    if (found instanceof Error || !found.isDirectory()) {
      const cause = !(found instanceof Error)
        ? 'not a folder'
        : found.code === 'ENOENT'
          ? 'no such folder'
          : found.message;
      return { reason: 'input-missing', target: target.name, what, path: dir, cause };
    }
  }
  return undefined;
}

/** The file's name, or `dockerfile` where only that stands in for `Dockerfile`. */
async function dockerfileName(file: string): Promise<string | undefined> {
  const name = path.basename(file);
  const entries: readonly string[] = await readdir(path.dirname(file)).catch(() => []);
  if (entries.includes(name)) return name;
  return name === 'Dockerfile' && entries.includes('dockerfile') ? 'dockerfile' : undefined;
}

/**
 * A folder, or a pipe on which the daemon would wait for ever. A link is the daemon's to follow: it does so inside the
 * context.
 */
async function isUnreadableKind(file: string): Promise<boolean> {
  const found = await lstat(file).catch(() => undefined);
  return found !== undefined && !found.isFile() && !found.isSymbolicLink();
}

async function dockerfileHint(dir: string, shown: string): Promise<string> {
  const entries = await readdir(dir).catch(() => undefined);
  if (entries === undefined) return `there is no folder ${shown}`;
  const candidates = entries.filter((name) => /dockerfile/i.test(name)).slice(0, 3);
  if (candidates.length === 0) return 'name another with dockerfile (in the target, or under build:) or with -f';
  return `there is ${candidates.map((name) => path.join(shown, name)).join(', ')}`;
}

/** A Dockerfile that is in no folder of the user's gets one. One that came from stdin in place of the context has none. */
async function inlineDockerfile(target: Target, text: string): Promise<Omit<PreparedTarget, 'agents' | 'layouts'>> {
  const own = await mkdtemp(path.join(os.tmpdir(), 'depot-dockerfile-'));
  const remove = (): Promise<void> => rm(own, { recursive: true, force: true });
  const dir = path.join(own, 'dockerfile');
  const empty = path.join(own, 'context');
  try {
    await mkdir(dir);
    await mkdir(empty);
    await writeFile(path.join(dir, 'Dockerfile'), text, { mode: 0o600 });
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    target: target.context === '-' && target.dockerfile === '-' ? { ...target, context: empty } : target,
    dockerfile: { dir, name: 'Dockerfile', apart: true },
    dockerfileShown:
      target.dockerfile === '-'
        ? 'stdin'
        : isRemoteUrl(target.dockerfile)
          ? withoutPassword(target.dockerfile)
          : `dockerfile-inline of target "${target.name}"`,
    [Symbol.asyncDispose]: remove,
  };
}
