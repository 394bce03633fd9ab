import tls from 'node:tls';
import type { Dispatcher } from 'undici';
import { Agent, ProxyAgent, request } from 'undici';
import { proxyFor } from './proxy.ts';

/** What is asked of a server, with what only it may learn. */
export interface SecretRequest {
  readonly url: URL;
  /** Sent as a form by POST; without one it is a GET. */
  readonly form?: URLSearchParams;
  /** A whole `Authorization` header. */
  readonly authorization?: string;
}

/** An answer; its body is to be read, or cancelled by the signal. */
export type ServerAnswer = Awaited<ReturnType<typeof request>>;

/** A redirect that would take secrets to another host, or out of an encrypted connection. */
export class UnsafeRedirect extends Error {
  constructor(from: URL, to: URL) {
    super(`${from.origin} sends what is secret on to ${to.origin}, which is not followed`);
    this.name = 'UnsafeRedirect';
  }
}

/** As many as Go's programs follow. */
const MAX_REDIRECTS = 10;

/** What Node says of certificates whose authority it does not know. */
export const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * Asks a server, through the proxy that the environment names for it. Redirects are followed as Go's `net/http` does, but what
 * is secret stays on its host: `authorization` is left out elsewhere, and a form that is to be sent elsewhere fails with
 * {@link UnsafeRedirect}. The authorities of the system count beside Node's own. `read` gets the last answer and what
 * comes of it is given back; connections are closed then. Throws `BadProxy` and the connection's errors.
 */
export async function askServer<T>(
  asked: SecretRequest,
  read: (answer: ServerAnswer) => Promise<T>,
  options: { readonly env: ReadonlyMap<string, string>; readonly signal: AbortSignal },
): Promise<T> {
  let next = asked;
  for (let redirects = 0; ; redirects++) {
    const done = await withAnswer(next, options, async (answer) => {
      const target = redirects < MAX_REDIRECTS ? locationOf(next.url, answer) : undefined;
      if (target === undefined) return { value: await read(answer) };
      await answer.body.dump();
      return { redirected: redirected(next, target, answer.statusCode) };
    });
    if ('value' in done) return done.value;
    next = done.redirected;
  }
}

function locationOf(url: URL, { statusCode, headers }: ServerAnswer): URL | undefined {
  const { location } = headers;
  if (![301, 302, 303, 307, 308].includes(statusCode) || typeof location !== 'string') return undefined;
  const target = URL.parse(location, url.href);
  return target === null || !/^https?:$/.test(target.protocol) ? undefined : target;
}

function redirected({ url, form, authorization }: SecretRequest, target: URL, status: number): SecretRequest {
  const isSafe = target.hostname === url.hostname && !(url.protocol === 'https:' && target.protocol === 'http:');
  const keepsForm = form !== undefined && status >= 307;
  if (keepsForm && !isSafe) throw new UnsafeRedirect(url, target);
  return {
    url: target,
    ...(keepsForm ? { form } : {}),
    ...(authorization === undefined || !isSafe ? {} : { authorization }),
  };
}

async function withAnswer<T>(
  asked: SecretRequest,
  options: { readonly env: ReadonlyMap<string, string>; readonly signal: AbortSignal },
  use: (answer: ServerAnswer) => Promise<T>,
): Promise<T> {
  const proxy = proxyFor(asked.url, options.env);
  try {
    return await withDispatcher(dispatcherFor(proxy, undefined), asked, options.signal, use);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!UNKNOWN_AUTHORITY.has(code)) throw error;
    // Reading the system's authorities takes a tenth of a second, so only where they are needed.
    const ca = [...tls.getCACertificates('default'), ...tls.getCACertificates('system')];
    return await withDispatcher(dispatcherFor(proxy, ca), asked, options.signal, use);
  }
}

function dispatcherFor(proxy: URL | undefined, ca: string[] | undefined): Dispatcher {
  const trust = ca === undefined ? {} : { ca };
  return proxy === undefined
    ? new Agent({ connect: trust })
    : new ProxyAgent({ uri: proxy.href, requestTls: trust, proxyTls: trust });
}

async function withDispatcher<T>(
  dispatcher: Dispatcher,
  { url, form, authorization }: SecretRequest,
  signal: AbortSignal,
  use: (answer: ServerAnswer) => Promise<T>,
): Promise<T> {
  try {
    const answer = await request(url, {
      dispatcher,
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        'user-agent': 'depot',
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }),
        ...(authorization === undefined ? {} : { authorization }),
      },
      ...(form === undefined ? {} : { body: form.toString() }),
      signal,
    });
    return await use(answer);
  } finally {
    await dispatcher.destroy();
  }
}
