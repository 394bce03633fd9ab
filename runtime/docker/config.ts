import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';

/** The part of Docker's `config.json` that names credentials (docker/cli `cli/config/configfile`). */
export interface DockerConfig {
  /** By registry host, as it is written. */
  readonly auths: ReadonlyMap<string, StoredAuth>;
  /** Credential helpers by registry host. */
  readonly credHelpers: ReadonlyMap<string, string>;
  /** The helper for every other host; empty when there is none. */
  readonly credsStore: string;
  readonly currentContext: string;
  /** Credentials that go before all others, by the exact name of the registry: those of `DOCKER_AUTH_CONFIG`. */
  readonly given: ReadonlyMap<string, StoredAuth>;
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
export const EMPTY_DOCKER_CONFIG: DockerConfig = {
  auths: new Map(),
  credHelpers: new Map(),
  credsStore: '',
  currentContext: '',
  given: new Map(),
};

/** Reads the text of a `config.json`; `file` is its name for messages. */
export function parseDockerConfig(text: string, file: string): Result<DockerConfig, BadDockerConfig> {
  try {
    const config = record(parsed(text), 'it');
    const auths = Object.entries(record(config.auths, 'auths'));
    const helpers = Object.entries(record(config.credHelpers, 'credHelpers'));
    return ok({
      auths: new Map(auths.map(([host, entry]) => [host, storedAuth(entry, `auths[${JSON.stringify(host)}]`)])),
      credHelpers: new Map(
        helpers.map(([host, helper]) => [host, textOf(helper, `credHelpers[${JSON.stringify(host)}]`)]),
      ),
      credsStore: textOf(config.credsStore, 'credsStore'),
      currentContext: textOf(config.currentContext, 'currentContext'),
      given: new Map(),
    });
  } catch (error) {
    if (error instanceof Unfit) return fail({ reason: 'bad-docker-config', file, cause: error.message });
    throw error;
  }
}

/**
 * Reads the text of `DOCKER_AUTH_CONFIG`: nothing but names and passwords, `{"auths":{HOST:{"auth":BASE64}}}`. Fails in words
 * without any of it (docker/cli `cli/config/configfile`, `parseEnvConfig`).
 */
export function parseGivenAuths(text: string): Result<ReadonlyMap<string, StoredAuth>, string> {
  try {
    const { auths, ...more } = record(parsed(text), 'it');
    refuseFields(more, 'it');
    const entries = Object.entries(record(auths, 'auths')).map(([host, value]) => {
      const where = `auths[${JSON.stringify(host)}]`;
      const { auth, ...rest } = record(value, where);
      refuseFields(rest, where);
      if (textOf(auth, `${where}.auth`) === '') throw new Unfit(`${where} has no auth`);
      return [host, storedAuth({ auth }, where)] as const;
    });
    return ok(new Map(entries));
  } catch (error) {
    if (error instanceof Unfit) return fail(error.message);
    throw error;
  }
}

function refuseFields(more: Readonly<Record<string, unknown>>, where: string): void {
  const [field] = Object.keys(more);
  if (field !== undefined) throw new Unfit(`${where} has the field ${field}, which may not stand there`);
}

/** What is not as it must be. */
class Unfit extends Error {}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Unfit('it is not JSON');
  }
}

function storedAuth(value: unknown, where: string): StoredAuth {
  const entry = record(value, where);
  const encoded = textOf(entry.auth, `${where}.auth`);
  const plain = Buffer.from(encoded, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = plain.indexOf(':');
  if (encoded !== '' && colon < 1) throw new Unfit(`${where}.auth is not user:password in base64`);
  const [username, password] = [
    textOf(entry.username, `${where}.username`),
    textOf(entry.password, `${where}.password`),
  ];
  return {
    username: encoded === '' ? username : plain.slice(0, colon),
    password: encoded === '' ? password : plain.slice(colon + 1),
    identityToken: textOf(entry.identitytoken, `${where}.identitytoken`),
    registryToken: textOf(entry.registrytoken, `${where}.registrytoken`),
  };
}

/** As Go reads JSON, `null` is the same as nothing. */
function record(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new Unfit(`${where} is not a JSON object`);
  return value as Readonly<Record<string, unknown>>;
}

function textOf(value: unknown, where: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new Unfit(`${where} is not a string`);
  return value;
}
