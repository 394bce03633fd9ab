import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ok } from '../planner/result.ts';
import type { DockerConfig } from '../runtime/docker/config.ts';
import { EMPTY_DOCKER_CONFIG, parseDockerConfig, parseGivenAuths } from '../runtime/docker/config.ts';
import { makeFolder } from '../runtime/files/make-folder.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Where depot keeps what it makes: `$DEPOT_DATA_DIR`, else `$XDG_DATA_HOME/depot`, else `~/.local/share/depot`. */
export function dataDir(env: Env): string {
  if (env.DEPOT_DATA_DIR) return path.resolve(env.DEPOT_DATA_DIR);
  return path.join(env.XDG_DATA_HOME || path.join(env.HOME || os.homedir(), '.local', 'share'), 'depot');
}

/**
 * An id of this machine and user, made at first use: it keeps the uploads of different machines apart on a builder they
 * share. Where it cannot be kept, it holds for this run.
 */
export async function nodeId(folder: string): Promise<string> {
  const file = path.join(folder, 'node-id');
  const known = await readFile(file, 'utf8').catch(() => '');
  if (/^[0-9a-f]{32}$/.test(known.trim())) return known.trim();
  const made = randomBytes(16).toString('hex');
  await makeFolder(folder, { mode: 0o700 }).catch(() => undefined);
  await writeFile(file, `${made}\n`, { mode: 0o600 }).catch(() => undefined);
  return made;
}

/** `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. */
export function dockerConfigFile(env: Env): string {
  return path.join(env.DOCKER_CONFIG || path.join(env.HOME || os.homedir(), '.docker'), 'config.json');
}

/** Beside it: the seeds that builders know us by, which docker and buildx keep there as well. */
export function tokenSeedFile(env: Env): string {
  return path.join(path.dirname(dockerConfigFile(env)), '.token_seed');
}

/**
 * Docker's credentials: those of `$DOCKER_AUTH_CONFIG`, and for all other registries of the {@link dockerConfigFile}. A file
 * that may not be read is no reason to build nothing (HOME is often another user's in containers), nor is one that is
 * broken, nor a variable that holds something else (docker passes over all of these), but `warn` is told.
 */
export async function dockerConfig(env: Env, warn: (message: string) => void): Promise<DockerConfig> {
  const file = dockerConfigFile(env);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR')
      warn(`${file} cannot be read (${error.code ?? error.message}): building without its credentials`);
    return '';
  });
  const parsed = text.trim() === '' ? ok(EMPTY_DOCKER_CONFIG) : parseDockerConfig(text, file);
  if (!parsed.ok) warn(`${file} is passed over, with its credentials: ${parsed.failure.cause}`);
  const config = parsed.ok ? parsed.value : EMPTY_DOCKER_CONFIG;
  if (!env.DOCKER_AUTH_CONFIG) return config;
  const given = parseGivenAuths(env.DOCKER_AUTH_CONFIG);
  if (given.ok) return { ...config, given: given.value };
  warn(`DOCKER_AUTH_CONFIG is passed over: ${given.failure}`);
  return config;
}
