import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';

/** The part of Docker's `config.json` that names credentials (docker/cli `cli/config/configfile`). */
export interface DockerConfig {
  readonly auths: Readonly<Record<string, StoredAuth>>;
  /** Credential helpers by registry host. */
  readonly credHelpers: Readonly<Record<string, string>>;
  /** The helper for every other host; empty when there is none. */
  readonly credsStore: string;
  readonly currentContext: string;
}

/** What the file itself keeps for one registry. */
export interface StoredAuth {
  readonly username: string;
  readonly password: string;
  readonly identityToken: string;
  readonly registryToken: string;
}

/** A configuration that cannot be read, and why. Never holds the text of the file. */
export interface BadDockerConfig {
  readonly reason: 'bad-docker-config';
  readonly file: string;
  readonly cause: string;
}

/** What holds when there is no file. */
export const EMPTY_DOCKER_CONFIG: DockerConfig = { auths: {}, credHelpers: {}, credsStore: '', currentContext: '' };

/** Reads the text of a `config.json` (or of `DOCKER_AUTH_CONFIG`); `file` is its name for messages. */
export function parseDockerConfig(text: string, file: string): Result<DockerConfig, BadDockerConfig> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fail({ reason: 'bad-docker-config', file, cause: 'it is not JSON' });
  }
  if (!isRecord(json)) return fail({ reason: 'bad-docker-config', file, cause: 'it is not a JSON object' });
  const auths: Record<string, StoredAuth> = {};
  for (const [host, entry] of Object.entries(isRecord(json.auths) ? json.auths : {})) {
    const auth = storedAuth(isRecord(entry) ? entry : {});
    if (auth === undefined) {
      return fail({
        reason: 'bad-docker-config',
        file,
        cause: `auths[${JSON.stringify(host)}].auth is not user:password in base64`,
      });
    }
    auths[host] = auth;
  }
  return ok({
    auths,
    credHelpers: stringRecord(json.credHelpers),
    credsStore: textOf(json.credsStore),
    currentContext: textOf(json.currentContext),
  });
}

function storedAuth(entry: Readonly<Record<string, unknown>>): StoredAuth | undefined {
  const encoded = textOf(entry.auth);
  const plain = Buffer.from(encoded, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = plain.indexOf(':');
  if (encoded !== '' && colon < 1) return undefined;
  return {
    username: encoded === '' ? textOf(entry.username) : plain.slice(0, colon),
    password: encoded === '' ? textOf(entry.password) : plain.slice(colon + 1),
    identityToken: textOf(entry.identitytoken),
    registryToken: textOf(entry.registrytoken),
  };
}

function stringRecord(value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, textOf(one)]));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
