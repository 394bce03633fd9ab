import { lstat, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { Target } from '../../planner/target.ts';
import { isRemoteContext } from '../buildkit/frontend.ts';
import type { InputMissing, Unsupported } from '../failure.ts';

/** What a target needs from this machine, found and checked before anything is asked of a daemon. */
export interface PreparedTarget extends AsyncDisposable {
  readonly target: Target;
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
  { cwd }: { readonly cwd: string },
): Promise<Result<PreparedTarget, InputMissing | Unsupported>> {
  const refused = refusal(target);
  if (refused) return fail(refused);
  const missing = await missingFolder(target, cwd);
  if (missing) return fail(missing);
  if (target.dockerfileInline !== undefined) return ok(await inlineDockerfile(target, target.dockerfileInline));
  if (isRemoteContext(target.context) && !path.isAbsolute(target.dockerfile) && !fromCwd(target.dockerfile)) {
    return ok({ target, dockerfile: undefined, dockerfileShown: target.dockerfile, [Symbol.asyncDispose]: nothing });
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
    dockerfile: { dir: path.dirname(file), name, apart: isRemoteContext(target.context) },
    dockerfileShown: path.join(path.dirname(shown), name),
    [Symbol.asyncDispose]: nothing,
  });
}

async function nothing(): Promise<void> {}

function fromCwd(dockerfile: string): boolean {
  return dockerfile.startsWith('cwd://');
}

/** Everything about a target that is read but not built yet: refused here by name, in one place. */
function refusal(target: Target): Unsupported | undefined {
  const unsupported = (what: string): Unsupported => ({
    reason: 'unsupported',
    what: `${what} (target "${target.name}")`,
  });
  if (target.ssh.length > 0) return unsupported('ssh forwarding');
  if (target.call !== undefined && target.call !== '' && target.call !== 'build') {
    return unsupported(`the method call = "${target.call}"`);
  }
  if (/^https?:\/\//.test(target.dockerfile)) return unsupported('a Dockerfile from a URL');
  const layout = Object.values(target.contexts).find((value) => value.startsWith('oci-layout://'));
  if (layout !== undefined) return unsupported(`the named context "${layout}"`);
  const local = [...target.cacheFrom, ...target.cacheTo].find(({ type }) => type === 'local' || type === 'gha');
  if (local) return unsupported(`the cache type "${local.type}"`);
  const network = target.network ?? '';
  if (!['', 'default', 'none', 'host'].includes(network)) return unsupported(`network = "${network}"`);
  return undefined;
}

async function missingFolder(target: Target, cwd: string): Promise<InputMissing | undefined> {
  const named = Object.entries(target.contexts)
    .filter(([, value]) => !/^(?:target:|docker-image:\/\/)/.test(value) && !isRemoteContext(value))
    .map(([name, value]) => ({ what: `context "${name}"`, dir: value.replace(/^cwd:\/\//, '') }));
  const main = isRemoteContext(target.context) ? [] : [{ what: 'context', dir: target.context }];
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
  if (candidates.length === 0) return `set dockerfile = "..." in the target, relative to its context`;
  return `there is ${candidates.map((name) => path.join(shown, name)).join(', ')}`;
}

async function inlineDockerfile(target: Target, text: string): Promise<PreparedTarget> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'depot-dockerfile-'));
  await writeFile(path.join(dir, 'Dockerfile'), text, { mode: 0o600 });
  return {
    target,
    dockerfile: { dir, name: 'Dockerfile', apart: true },
    dockerfileShown: `dockerfile-inline of target "${target.name}"`,
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}
