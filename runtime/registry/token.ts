import type { RegistryCredentials } from '../docker/credentials.ts';
import { isLoopback } from './loopback.ts';
import type { ServerAnswer } from './request.ts';
import { askServer } from './request.ts';

/** What a registry's authentication server is asked for (distribution, token authentication). */
export interface TokenRequest {
  readonly realm: string;
  readonly service: string;
  readonly scopes: readonly string[];
}

/** A bearer token and how long it holds. */
export interface Token {
  readonly token: string;
  /** Seconds. */
  readonly expiresIn: number;
  /** Unix seconds; 0 when not said. */
  readonly issuedAt: number;
}

/** A token that was refused, with the status and what the server says of it, never with what was sent. */
export class TokenRefused extends Error {
  readonly statusCode: number;

  constructor(realm: string, statusCode: number, why: string | undefined) {
    super(`${realm} refused a token with status ${statusCode}${why === undefined ? '' : `: ${why}`}`);
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

/** What BuildKit's clients call themselves; a few servers know it. */
const CLIENT_ID = 'buildkit-client';

/** As much as is shown of a server's reason. */
const MAX_REASON_LENGTH = 300;

/** How a token is fetched. */
export interface TokenFetching {
  /** Names the proxy. */
  readonly env: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
  /** Whether a password may go to another machine in plain http; it may not by default. */
  readonly allowsPlain?: boolean;
  /** For all of it (30,000). */
  readonly limitMs?: number;
}

/**
 * Fetches a bearer token: with a secret by OAuth POST, falling back to GET where the server does not know that
 * (moby/buildkit `session/auth/authprovider`). Throws {@link TokenRefused}, {@link TokenUnanswered},
 * {@link BadTokenAnswer} or what {@link askServer} throws.
 */
export async function fetchToken(
  wanted: TokenRequest,
  credentials: RegistryCredentials,
  { env, signal, allowsPlain = false, limitMs = ANSWER_MS }: TokenFetching,
): Promise<Token> {
  if (credentials.registryToken !== '')
    return { token: credentials.registryToken, expiresIn: DEFAULT_LIFETIME, issuedAt: 0 };
  const { protocol, hostname } = urlOf(wanted.realm);
  if (credentials.secret !== '' && protocol === 'http:' && !isLoopback(hostname) && !allowsPlain)
    throw new BadTokenAnswer(wanted.realm, 'is plain http, where no password is sent to');
  const late = AbortSignal.timeout(limitMs);
  const limited = { env, signal: AbortSignal.any([signal, late]) };
  try {
    return credentials.secret === ''
      ? await getToken(wanted, credentials, limited)
      : await postOrGet(wanted, credentials, limited);
  } catch (error) {
    if (late.aborted && !signal.aborted) throw new TokenUnanswered(wanted.realm, limitMs);
    throw error;
  }
}

type Limited = Pick<TokenFetching, 'env' | 'signal'>;

async function postOrGet(wanted: TokenRequest, credentials: RegistryCredentials, limited: Limited): Promise<Token> {
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

function postToken(wanted: TokenRequest, { username, secret }: RegistryCredentials, limited: Limited): Promise<Token> {
  const form = new URLSearchParams({ service: wanted.service, client_id: CLIENT_ID });
  if (wanted.scopes.length > 0) form.set('scope', wanted.scopes.join(' '));
  if (username === '') {
    form.set('grant_type', 'refresh_token');
    form.set('refresh_token', secret);
  } else {
    form.set('grant_type', 'password');
    form.set('username', username);
    form.set('password', secret);
  }
  form.sort();
  const read = (answer: ServerAnswer): Promise<Token> => readToken(wanted.realm, answer, { username, secret });
  return askServer({ url: urlOf(wanted.realm), form }, read, limited);
}

function getToken(wanted: TokenRequest, { username, secret }: RegistryCredentials, limited: Limited): Promise<Token> {
  const url = urlOf(wanted.realm);
  if (wanted.service !== '') url.searchParams.append('service', wanted.service);
  for (const scope of wanted.scopes) url.searchParams.append('scope', scope);
  url.searchParams.sort();
  const basic = Buffer.from(`${username}:${secret}`).toString('base64');
  const read = (answer: ServerAnswer): Promise<Token> => readToken(wanted.realm, answer, { username, secret });
  return askServer({ url, ...(secret === '' ? {} : { authorization: `Basic ${basic}` }) }, read, limited);
}

function urlOf(realm: string): URL {
  const url = URL.parse(realm);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new BadTokenAnswer(JSON.stringify(realm), 'is no address of a token server');
  return url;
}

type Sent = Pick<RegistryCredentials, 'username' | 'secret'>;

async function readToken(realm: string, answer: ServerAnswer, sent: Sent): Promise<Token> {
  const { statusCode } = answer;
  const text = await wholeBody(realm, answer.body);
  if (statusCode >= 400) throw new TokenRefused(realm, statusCode, reasonIn(text, sent));
  if (statusCode < 200 || statusCode >= 300) throw new BadTokenAnswer(realm, `answered with status ${statusCode}`);
  const json = objectIn(text);
  if (json === undefined) throw new BadTokenAnswer(realm, 'answered with what is no JSON object');
  const token = json.access_token || json.token;
  if (typeof token !== 'string' || token === '') throw new BadTokenAnswer(realm, 'answered without a token');
  return { token, expiresIn: lifetime(json.expires_in), issuedAt: unixTime(json.issued_at) };
}

function lifetime(said: unknown): number {
  return typeof said === 'number' && said >= 1 && said <= Number.MAX_SAFE_INTEGER ? Math.floor(said) : DEFAULT_LIFETIME;
}

/** Servers written in Go say year 1 where they have no time. */
function unixTime(said: unknown): number {
  const ms = typeof said === 'string' ? Date.parse(said) : Number.NaN;
  return ms > 0 ? Math.floor(ms / 1000) : 0;
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

/** The text may hold secrets, so nothing is said of what is wrong with it. */
function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** Why a server refuses, in the fields that token servers and registries use; nothing that repeats what was sent. */
function reasonIn(text: string, { username, secret }: Sent): string | undefined {
  const json = objectIn(text);
  const errors: readonly unknown[] = Array.isArray(json?.errors) ? json.errors : [];
  const first = errors[0] as { readonly message?: unknown } | null | undefined;
  const reasons = [json?.details, json?.error_description, json?.message, first?.message];
  const reason = reasons.find((one) => typeof one === 'string' && one !== '');
  if (typeof reason !== 'string') return undefined;
  const forms = [secret, encodeURIComponent(secret), Buffer.from(`${username}:${secret}`).toString('base64')];
  if (secret !== '' && forms.some((form) => reason.includes(form))) return undefined;
  return reason.slice(0, MAX_REASON_LENGTH);
}
