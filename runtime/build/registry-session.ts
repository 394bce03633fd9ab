import type { CredentialStore } from '../docker/credentials.ts';
import type { StatusUpdate } from '../event.ts';
import { authService } from '../session/auth.ts';
import type { SessionService } from '../session/server.ts';
import { randomId, Session } from '../session/session.ts';
import type { TokenSeeds } from '../session/token-seeds.ts';
import { noticeOnce } from './own-step.ts';

/** What answers a builder's questions about registries. */
export interface RegistryServices {
  readonly credentials: CredentialStore;
  /** Kept from run to run, so that builders use their tokens again. */
  readonly tokenSeeds: TokenSeeds;
  /** The environment: proxies, and secrets that are taken from it. */
  readonly env: ReadonlyMap<string, string>;
}

/** Answers them; `notice` is told of each question. */
export function registryAuth(
  { credentials, tokenSeeds, env }: RegistryServices,
  notice: (words: string) => void,
): SessionService {
  return authService(credentials, { notice, seeds: tokenSeeds, env });
}

/** A session for what needs nothing but registries: a push, the layers of a base image. */
export function registrySession(services: RegistryServices, onStatus: (update: StatusUpdate) => void): Session {
  return new Session({ sharedKey: randomId(), services: [registryAuth(services, noticeOnce(onStatus))] });
}
