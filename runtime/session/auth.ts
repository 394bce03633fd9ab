import { createHmac, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { goBool } from '../../planner/options/entries.ts';
import { GrpcError, status as code } from '../rpc/status.ts';
import { Auth } from '../../proto/gen/moby/filesync/v1/auth_pb.ts';
import type { RegistryCredentials } from '../docker/credentials.ts';
import type { SessionService } from './server.ts';
import { unaryHandler } from './server.ts';
import { TokenSeeds } from './token-seeds.ts';

/** What an Ed25519 private key looks like in PKCS #8 before its 32 bytes (RFC 8410). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The length of what precedes the 32 bytes of a public key in SPKI. */
const SPKI_HEAD_BYTES = 12;

/** How long a wait may take before it is told. */
const QUIET_MS = 2_000;

/** What is shown of authentication: `[auth] sharing credentials for HOST` and the like, each once. */
export type AuthNotice = (name: string) => void;

/** Who knows the credentials of registries, such as the `CredentialStore` of a Docker configuration. */
export interface Credentials {
  /** Those of a host, empty where there are none. Rejects with what to tell the user. */
  find(host: string, options: { readonly signal: AbortSignal }): Promise<RegistryCredentials>;
  /** The program that is asked for them, to be named when it takes long; undefined when they are only looked up. */
  helperOf?(host: string): string | undefined;
}

/** What a builder's questions about registries depend on beside the credentials. */
export interface AuthOptions {
  readonly notice?: AuthNotice;
  /**
   * Shared by builds, so that a builder that has a token for one takes it for the others as well; absent: this service has
   * its own.
   */
  readonly seeds?: TokenSeeds;
  /**
   * Names proxies as in the environment of a process, and `BUILDKIT_NO_CLIENT_TOKEN`, which has builders ask for passwords
   * instead of tokens; absent: none.
   */
  readonly env?: ReadonlyMap<string, string>;
}

/**
 * Answers the daemon's questions about registries. Tokens are fetched here, so that passwords stay on this machine: the
 * daemon first asks for a token authority, a key that proves to it that we hold credentials (moby/buildkit
 * `session/auth/authprovider`). Only for registries with basic authentication does it ask for the password itself.
 */
export function authService(
  credentials: Credentials,
  { notice = unheard, seeds = new TokenSeeds(), env = new Map() }: AuthOptions = {},
): SessionService {
  const lookUp: LookUp = (host, signal) => {
    const found = credentials.find(host, { signal }).catch((error: Error) => {
      throw new GrpcError(code.UNAUTHENTICATED, error.message);
    });
    const helper = credentials.helperOf?.(host);
    return helper === undefined ? found : withNotice(found, `${helper} and the credentials of ${host}`, notice);
  };
  const authority = (host: string, salt: Uint8Array, signal: AbortSignal): Promise<KeyObject> => {
    if (goBool(env.get('BUILDKIT_NO_CLIENT_TOKEN') ?? '') === true)
      throw new GrpcError(code.UNAVAILABLE, 'tokens are not fetched here: BUILDKIT_NO_CLIENT_TOKEN is set');
    return authorityKey({ host, salt }, { lookUp, seeds, signal });
  };
  /** By realm, the failures of those that did not answer: a builder tries again and again. */
  const silent = new Map<string, GrpcError>();
  return {
    ...unaryHandler(Auth.method.credentials, async ({ Host }, { signal }) => {
      const found = await lookUp(Host, signal);
      if (found.secret !== '') notice(`[auth] sharing credentials for ${Host}`);
      return { Username: found.username, Secret: found.secret };
    }),
    ...unaryHandler(Auth.method.fetchToken, async (wanted, { signal }) => {
      const found = await lookUp(wanted.Host, signal);
      if (found.secret !== '' && found.registryToken === '')
        notice(`[auth] ${scopeText(wanted.Scopes)} token for ${wanted.Host}`);
      const refused = silent.get(wanted.Realm);
      if (refused !== undefined) throw refused;
      const { fetchToken, TokenUnanswered } = await import('../registry/token.ts');
      const request = { realm: wanted.Realm, service: wanted.Service, scopes: wanted.Scopes };
      // Which registries may be spoken to in plain http is the builder's business, and so are their token servers.
      const answer = fetchToken(request, found, { env, signal, allowsPlain: true }).catch((error: Error) => {
        const failure = new GrpcError(code.UNAUTHENTICATED, `no token for ${wanted.Host}: ${error.message}`);
        if (error instanceof TokenUnanswered) silent.set(wanted.Realm, failure);
        throw failure;
      });
      const token = await withNotice(answer, `${wanted.Realm} and a token for ${wanted.Host}`, notice);
      return { Token: token.token, ExpiresIn: BigInt(token.expiresIn), IssuedAt: BigInt(token.issuedAt) };
    }),
    ...unaryHandler(Auth.method.getTokenAuthority, async ({ Host, Salt }, { signal }) => ({
      PublicKey: publicBytes(await authority(Host, Salt, signal)),
    })),
    ...unaryHandler(Auth.method.verifyTokenAuthority, async ({ Host, Payload, Salt }, { signal }) => ({
      Signed: Buffer.concat([sign(null, Payload, await authority(Host, Salt, signal)), Payload]),
    })),
  };
}

type LookUp = (host: string, signal: AbortSignal) => Promise<RegistryCredentials>;

function unheard(): void {}

/** Tells what is waited for once that takes long. */
async function withNotice<T>(waited: Promise<T>, what: string, notice: AuthNotice): Promise<T> {
  const timer = setTimeout(() => notice(`[auth] waiting for ${what}`), QUIET_MS);
  return waited.finally(() => clearTimeout(timer));
}

function scopeText(scopes: readonly string[]): string {
  return scopes.map((scope) => scope.replace(/^repository:/, '')).join(' ');
}

/**
 * The key by which a daemon tells clients with credentials from clients without: made of a seed that it does not know, and of
 * the daemon's salt. Who has no credentials makes it of the salt alone, so that all of them share a token.
 */
async function authorityKey(
  { host, salt }: { readonly host: string; readonly salt: Uint8Array },
  { lookUp, seeds, signal }: { readonly lookUp: LookUp; readonly seeds: TokenSeeds; readonly signal: AbortSignal },
): Promise<KeyObject> {
  const found = await lookUp(host, signal);
  const isAnonymous = found.secret === '' && found.registryToken === '';
  const seed = isAnonymous ? Buffer.alloc(0) : await seeds.of(host);
  const mac = createHmac('sha256', salt).update(seed).digest();
  return createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, mac]), format: 'der', type: 'pkcs8' });
}

function publicBytes(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI_HEAD_BYTES);
}
