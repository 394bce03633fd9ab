import type { RegistryCredentials } from '../docker/credentials.ts';
import type { Challenge } from './challenge.ts';
import type { Token } from './token.ts';
import { fetchToken } from './token.ts';

/** Who knows the credentials of registries. */
export interface CredentialSource {
  find(host: string, options: { readonly signal: AbortSignal }): Promise<RegistryCredentials>;
}

/** A token is renewed this long before it ends. */
const MARGIN_MS = 10_000;

interface HeldToken {
  readonly header: string;
  readonly until: number;
}

/**
 * Gives requests to one registry their `Authorization`: nothing until it asks, then what it asks for. Tokens are kept for what
 * they allow and for as long as they last (distribution, `docs/spec/auth/token`).
 */
export class Authorizer {
  readonly #host: string;
  readonly #credentials: CredentialSource;
  readonly #env: ReadonlyMap<string, string>;
  readonly #allowsPlain: boolean;
  /** What was sent, and what it was made of. */
  readonly #secrets = new Set<string>();
  #challenge: Challenge | undefined;
  readonly #tokens = new Map<string, Promise<HeldToken>>();

  constructor(
    host: string,
    {
      credentials,
      env,
      isInsecure = false,
    }: {
      readonly credentials: CredentialSource;
      readonly env: ReadonlyMap<string, string>;
      /** Plain http is allowed, for tokens as well. */
      readonly isInsecure?: boolean;
    },
  ) {
    this.#host = host;
    this.#credentials = credentials;
    this.#env = env;
    this.#allowsPlain = isInsecure;
  }

  /** The header for a request that needs the scopes (`repository:app:pull,push`); undefined while the registry has not asked. */
  async header(scopes: readonly string[], { signal }: { readonly signal: AbortSignal }): Promise<string | undefined> {
    if (this.#challenge === undefined) return undefined;
    const credentials = await this.#credentials.find(this.#host, { signal });
    if (this.#challenge.scheme === 'basic') {
      if (credentials.secret === '') return undefined;
      const basic = Buffer.from(`${credentials.username}:${credentials.secret}`).toString('base64');
      this.#secrets.add(credentials.secret).add(basic);
      return `Basic ${basic}`;
    }
    const key = scopes.join(' ');
    const known = this.#tokens.get(key);
    if (known !== undefined) {
      const held = await known;
      if (held.until > Date.now()) return held.header;
    }
    const { realm, service } = this.#challenge;
    const options = { env: this.#env, allowsPlain: this.#allowsPlain, signal };
    const fetched = fetchToken({ realm, service, scopes }, credentials, options).then((token) => {
      this.#secrets.add(token.token);
      return heldToken(token);
    });
    this.#tokens.set(key, fetched);
    fetched.catch(() => this.#tokens.delete(key));
    return (await fetched).header;
  }

  /** Whether a text holds a password or a token that was used here: such a text is shown to nobody. */
  isToldBy(text: string): boolean {
    return [...this.#secrets].some((secret) => text.includes(secret));
  }

  /**
   * Learns from a refusal. False when there is nothing new to be tried: what was sent was made for this very challenge and
   * fresh.
   */
  refused(challenge: Challenge | undefined, scopes: readonly string[], sent: string | undefined): boolean {
    if (challenge === undefined) return false;
    const isNew = this.#challenge?.scheme !== challenge.scheme;
    this.#challenge = challenge;
    if (challenge.scheme === 'basic') return isNew;
    const dropped = this.#tokens.delete(scopes.join(' '));
    return sent === undefined || isNew || dropped;
  }
}

function heldToken({ token, expiresIn }: Token): HeldToken {
  return { header: `Bearer ${token}`, until: Date.now() + Math.max(expiresIn * 1000 - MARGIN_MS, 1_000) };
}
