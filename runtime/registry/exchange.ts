import { TokenRefused } from './token.ts';
import type { RegistryAnswer, RegistryRequest } from './transport.ts';
import { Transport } from './transport.ts';
import { Authorizer } from './authorizer.ts';
import { challengeIn } from './challenge.ts';
import { noAnswer, refusal, RegistryError } from './registry-error.ts';
import type { RegistryOptions } from './client.ts';

/** Reasons are read whole, up to this. */
const MAX_REASON_BYTES = 64 * 1024;

/** A token that is refused is renewed, once for its age and once for its scopes. */
const MAX_REFUSALS = 2;

/** As many as Go's programs follow. */
const MAX_REDIRECTS = 10;

/** One request to a registry. */
export interface Asked {
  /** What is asked, in words: `pushing a layer of app`. */
  readonly what: string;
  /** A path, or the whole address that the registry gave. */
  readonly path: string;
  readonly request: RegistryRequest;
  readonly scopes: readonly string[];
  readonly signal: AbortSignal;
}

/** Requests to one registry, with the authorization it wants, and redirects followed as far as nothing secret leaves its host. */
export class Exchange implements AsyncDisposable {
  readonly #host: string;
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;

  constructor(host: string, options: RegistryOptions) {
    this.#host = host;
    this.#transport = new Transport(host, options);
    this.#authorizer = new Authorizer(host, options);
  }

  /** Where the registry answers. */
  origin(options: { readonly signal: AbortSignal }): Promise<URL> {
    return this.#transport.origin(options);
  }

  /** The answer, whatever its status; its body is to be read or dumped. Throws {@link RegistryError}, or the signal's reason. */
  async ask(asked: Asked): Promise<RegistryAnswer> {
    const { what, scopes, signal } = asked;
    try {
      for (let refusals = 0; ; refusals++) {
        const origin = await this.#transport.origin({ signal });
        const authorization = await this.#authorizer.header(scopes, { signal });
        const { answer, isOwn } = await this.#followed(new URL(asked.path, origin), asked, { origin, authorization });
        // Who else asks for credentials does not get those of the registry.
        if (answer.statusCode !== 401 || !isOwn || refusals >= MAX_REFUSALS) return answer;
        const challenge = challengeIn(answer.headers['www-authenticate']);
        if (!this.#authorizer.refused(challenge, scopes, authorization)) return answer;
        await answer.body.dump();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TokenRefused)
        throw new RegistryError(`${this.#host}: ${what}: ${error.message}`, {
          registry: this.#host,
          status: error.statusCode,
          cause: error,
        });
      throw noAnswer(this.#host, what, error);
    }
  }

  /** The error for an answer that is none of those wanted; what it says is left out where it repeats what is secret. */
  async refused({ what }: Pick<Asked, 'what'>, answer: RegistryAnswer): Promise<RegistryError> {
    const body = await answer.body
      .text()
      .then((text) => text.slice(0, MAX_REASON_BYTES))
      .catch(() => '');
    const retryAfter = answer.headers['retry-after'];
    const about = { status: answer.statusCode, retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined };
    const error = refusal(this.#host, what, { ...about, body });
    const tells = [body, error.message].some((text) => this.#authorizer.isToldBy(text));
    return tells ? refusal(this.#host, what, { ...about, body: '' }) : error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  /** The authorization goes to the registry alone: to its scheme, host and port, whoever names the address. */
  async #followed(
    url: URL,
    { what, request, signal }: Asked,
    { origin, authorization }: { readonly origin: URL; readonly authorization: string | undefined },
  ): Promise<{ readonly answer: RegistryAnswer; readonly isOwn: boolean }> {
    let to = url;
    for (let redirects = 0; ; redirects++) {
      if (!this.#transport.mayReach(to, origin)) {
        const where = /^https?:$/.test(to.protocol) ? to.origin : to.protocol;
        const why = `it sends on to ${where}, and other than by https only this machine is asked`;
        throw new RegistryError(`${this.#host}: ${what}: ${why}`, { registry: this.#host });
      }
      const isOwn = to.origin === origin.origin;
      const headers = { ...request.headers, ...(authorization === undefined || !isOwn ? {} : { authorization }) };
      const answer = await this.#transport.send(to, { ...request, headers }, { signal });
      const { location } = answer.headers;
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      const isMoved = [301, 302, 303, 307, 308].includes(answer.statusCode) && typeof location === 'string';
      if (!isRead || !isMoved || redirects >= MAX_REDIRECTS) return { answer, isOwn };
      await answer.body.dump();
      to = new URL(location, to);
    }
  }
}
