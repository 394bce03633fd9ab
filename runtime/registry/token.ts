import { request } from 'undici';
import type { RegistryCredentials } from '../docker/credentials.ts';

/** What a registry's authentication server is asked for (distribution, token authentication). */
export interface TokenRequest {
  readonly realm: string;
  readonly service: string;
  readonly scopes: readonly string[];
  readonly clientId: string;
}

/** A bearer token and how long it holds. */
export interface Token {
  readonly token: string;
  /** Seconds. */
  readonly expiresIn: number;
  /** Unix seconds; 0 when not said. */
  readonly issuedAt: number;
}

/** A token that was refused, with the status, never with what was sent. */
export class TokenRefused extends Error {
  readonly statusCode: number;

  constructor(realm: string, statusCode: number) {
    super(`${realm} refused a token with status ${statusCode}`);
    this.name = 'TokenRefused';
    this.statusCode = statusCode;
  }
}

/** A server that gave no answer in the time it had. */
export class TokenUnanswered extends Error {
  constructor(realm: string, limitMs: number) {
    super(`${realm} did not answer in ${limitMs / 1000} seconds`);
    this.name = 'TokenUnanswered';
  }
}

/** An answer that is no token, and why. */
export class BadTokenAnswer extends Error {
  constructor(realm: string, why: string) {
    super(`${realm} ${why}`);
    this.name = 'BadTokenAnswer';
  }
}

/** Seconds, where the server names none. */
const DEFAULT_LIFETIME = 60;

const ANSWER_MS = 30_000;

/** Tokens are some thousand bytes. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Fetches a bearer token: with a secret by OAuth POST, falling back to GET where the server does not know that
 * (moby/buildkit `session/auth/authprovider`). Throws {@link TokenRefused}, {@link TokenUnanswered},
 * {@link BadTokenAnswer} or the connection's error. `limitMs`: for all of it (30,000).
 */
export async function fetchToken(
  wanted: TokenRequest,
  credentials: RegistryCredentials,
  { signal, limitMs = ANSWER_MS }: { readonly signal: AbortSignal; readonly limitMs?: number },
): Promise<Token> {
  if (credentials.registryToken !== '')
    return { token: credentials.registryToken, expiresIn: DEFAULT_LIFETIME, issuedAt: 0 };
  const late = AbortSignal.timeout(limitMs);
  try {
    return await askServer(wanted, credentials, AbortSignal.any([signal, late]));
  } catch (error) {
    if (late.aborted && !signal.aborted) throw new TokenUnanswered(wanted.realm, limitMs);
    throw error;
  }
}

async function askServer(wanted: TokenRequest, credentials: RegistryCredentials, limited: AbortSignal): Promise<Token> {
  if (credentials.secret === '') return getToken(wanted, credentials, limited);
  try {
    return await postToken(wanted, credentials, limited);
  } catch (error) {
    const unknownThere =
      error instanceof TokenRefused &&
      (error.statusCode === 404 ||
        error.statusCode === 401 ||
        (error.statusCode === 405 && credentials.username !== ''));
    if (!unknownThere) throw error;
    return getToken(wanted, credentials, limited);
  }
}

async function postToken(wanted: TokenRequest, credentials: RegistryCredentials, signal: AbortSignal): Promise<Token> {
  const form = new URLSearchParams({ service: wanted.service, client_id: wanted.clientId });
  if (wanted.scopes.length > 0) form.set('scope', wanted.scopes.join(' '));
  if (credentials.username === '') {
    form.set('grant_type', 'refresh_token');
    form.set('refresh_token', credentials.secret);
  } else {
    form.set('grant_type', 'password');
    form.set('username', credentials.username);
    form.set('password', credentials.secret);
  }
  const response = await request(wanted.realm, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    signal,
  });
  return readToken(wanted.realm, response);
}

async function getToken(wanted: TokenRequest, credentials: RegistryCredentials, signal: AbortSignal): Promise<Token> {
  const url = new URL(wanted.realm);
  url.searchParams.set('service', wanted.service);
  for (const scope of wanted.scopes) url.searchParams.append('scope', scope);
  const basic = Buffer.from(`${credentials.username}:${credentials.secret}`).toString('base64');
  const response = await request(url, {
    headers: credentials.secret === '' ? {} : { authorization: `Basic ${basic}` },
    signal,
  });
  return readToken(wanted.realm, response);
}

async function readToken(realm: string, response: Awaited<ReturnType<typeof request>>): Promise<Token> {
  const { statusCode } = response;
  if (statusCode < 200 || statusCode >= 300) {
    await response.body.dump();
    if (statusCode >= 400) throw new TokenRefused(realm, statusCode);
    throw new BadTokenAnswer(realm, `answered with status ${statusCode}; redirects are not followed with credentials`);
  }
  const json = parsedAnswer(realm, await wholeBody(realm, response.body));
  const token = json.access_token ?? json.token;
  if (typeof token !== 'string' || token === '') throw new BadTokenAnswer(realm, 'answered without a token');
  const issued = typeof json.issued_at === 'string' ? Date.parse(json.issued_at) : Number.NaN;
  return {
    token,
    expiresIn: typeof json.expires_in === 'number' ? json.expires_in : DEFAULT_LIFETIME,
    issuedAt: Number.isNaN(issued) ? 0 : Math.floor(issued / 1000),
  };
}

async function wholeBody(realm: string, body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) {
      throw new BadTokenAnswer(realm, `answered with more than ${MAX_ANSWER_BYTES / 1024 / 1024} MB`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsedAnswer(realm: string, text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null) return json as Readonly<Record<string, unknown>>;
  } catch {
    // Told below; the text may hold secrets.
  }
  throw new BadTokenAnswer(realm, 'answered with what is no JSON object');
}
