import { Readable } from 'node:stream';
import tls from 'node:tls';
import type { Dispatcher } from 'undici';
import { Agent, ProxyAgent, request } from 'undici';
import { isLoopback } from './loopback.ts';
import { proxyFor } from './proxy.ts';
import { UNKNOWN_AUTHORITY } from './request.ts';

/** How long a registry may take to begin an answer, and be silent within one. */
const SILENCE_MS = 60_000;

/** How a registry is reached. */
export interface TransportOptions {
  /** Names proxies. */
  readonly env: ReadonlyMap<string, string>;
  /** Plain http is allowed, and certificates are not looked at: asked for by the user, for this registry. */
  readonly isInsecure?: boolean;
}

/** One request, whose body can be made anew. */
export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: () => AsyncIterable<Uint8Array> | Uint8Array;
}

export type RegistryAnswer = Dispatcher.ResponseData;

/** Connections to one registry, kept open between requests; ended with its scope. */
export class Transport implements AsyncDisposable {
  readonly #host: string;
  readonly #options: TransportOptions;
  readonly #dispatchers = new Map<string, Dispatcher>();
  #origin: Promise<URL> | undefined;
  #systemCa: string[] | undefined;

  /** `host`: as image names have it. */
  constructor(host: string, options: TransportOptions) {
    this.#host = host;
    this.#options = options;
  }

  /**
   * Where the registry answers: https, and plain http only on the loopback interface or where that was asked for, and only
   * where no TLS is spoken. Throws the connection's error.
   */
  origin({ signal }: { readonly signal: AbortSignal }): Promise<URL> {
    this.#origin ??= this.#findOrigin(signal);
    this.#origin.catch(() => (this.#origin = undefined));
    return this.#origin;
  }

  /** Whether what the registry names may be asked: https, and plain http only where the registry itself may be spoken to so. */
  mayReach(url: URL, origin: URL): boolean {
    if (url.protocol !== 'http:') return url.protocol === 'https:';
    return this.#options.isInsecure === true || (origin.protocol === 'http:' && isLoopback(url.hostname));
  }

  /** Sends a request; the answer's body is to be read or dumped. Redirects are not followed. */
  async send(url: URL, asked: RegistryRequest, { signal }: { readonly signal: AbortSignal }): Promise<RegistryAnswer> {
    try {
      return await this.#request(url, asked, signal);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (!UNKNOWN_AUTHORITY.has(code) || this.#systemCa !== undefined) throw error;
      // Reading the system's authorities takes a tenth of a second, so only where they are needed.
      this.#systemCa = [...tls.getCACertificates('default'), ...tls.getCACertificates('system')];
      await this.#close();
      return await this.#request(url, asked, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #findOrigin(signal: AbortSignal): Promise<URL> {
    const name = this.#host === 'docker.io' ? 'registry-1.docker.io' : this.#host;
    const secure = new URL(`https://${name}/`);
    if (this.#options.isInsecure !== true && !isLoopback(secure.hostname)) return secure;
    try {
      const answer = await this.send(new URL('/v2/', secure), { method: 'GET' }, { signal });
      await answer.body.dump();
      return secure;
    } catch (error) {
      if (!speaksNoTls(error)) throw error;
      return new URL(`http://${name}/`);
    }
  }

  #request(url: URL, { method, headers, body }: RegistryRequest, signal: AbortSignal): Promise<RegistryAnswer> {
    const made = body?.();
    return request(url, {
      dispatcher: this.#dispatcher(url),
      method,
      headers: { 'user-agent': 'depot', ...headers },
      ...(made === undefined
        ? {}
        : { body: made instanceof Uint8Array ? made : Readable.from(made, { objectMode: false }) }),
      headersTimeout: SILENCE_MS,
      bodyTimeout: SILENCE_MS,
      signal,
    });
  }

  #dispatcher(url: URL): Dispatcher {
    const known = this.#dispatchers.get(url.origin);
    if (known !== undefined) return known;
    const proxy = proxyFor(url, this.#options.env);
    const trust = {
      ...(this.#systemCa === undefined ? {} : { ca: this.#systemCa }),
      ...(this.#options.isInsecure === true ? { rejectUnauthorized: false } : {}),
    };
    const made =
      proxy === undefined
        ? new Agent({ connect: trust })
        : new ProxyAgent({ uri: proxy.href, requestTls: trust, proxyTls: trust });
    this.#dispatchers.set(url.origin, made);
    return made;
  }

  async #close(): Promise<void> {
    const all = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    await Promise.all(all.map((one) => one.destroy()));
  }
}

/** What comes of a TLS greeting to a server that does not know what that is. */
function speaksNoTls(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(?:ERR_SSL_\w+|EPROTO|ECONNRESET|UND_ERR_SOCKET)$/.test(code);
}
