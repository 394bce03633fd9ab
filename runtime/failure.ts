import type { DockerfileSource } from './event.ts';

/** A BuildKit daemon that cannot be reached, with the address that was tried. */
export interface BuilderUnreachable {
  readonly reason: 'builder-unreachable';
  readonly endpoint: string;
  readonly cause: string;
  readonly hint?: string;
}

/** The daemon went away while a build ran on it. */
export interface BuilderLost {
  readonly reason: 'builder-lost';
  readonly endpoint: string;
  /** Those that were being built. */
  readonly targets: readonly string[];
  readonly cause: string;
}

/** A target that the daemon could not build: a step, the Dockerfile, a source or an export failed. */
export interface SolveFailed {
  readonly reason: 'solve-failed';
  readonly target: string;
  /** The daemon's own message, without wire prefixes. */
  readonly message: string;
  /** The gRPC code's name where it says something (`NotFound`, `Unavailable`); absent for ordinary failures. */
  readonly code?: string;
  /** The Dockerfile and the lines at fault, where the daemon names them; the file name is the user's own path. */
  readonly sources: readonly DockerfileSource[];
  /** The name of the step that failed and the last lines it wrote. */
  readonly step?: { readonly name: string; readonly logTail: readonly string[] };
  readonly hint?: string;
}

/** An input the user named (context folder, Dockerfile, secret file) that is not there or cannot be read. */
export interface InputMissing {
  readonly reason: 'input-missing';
  readonly target: string;
  /** What it is to the user: `context`, `Dockerfile`, `secret`. */
  readonly what: string;
  readonly path: string;
  readonly cause: string;
  readonly hint?: string;
}

/** A definition elsewhere (a repository, a URL) that could not be fetched, or that is none. */
export interface DefinitionUnreadable {
  readonly reason: 'definition-unreadable';
  /** Without a password in it. */
  readonly url: string;
  readonly cause: string;
  readonly hint?: string;
}

/** An image that was built but could not be put into the local Docker daemon. */
export interface LoadFailed {
  readonly reason: 'load-failed';
  readonly target: string;
  readonly cause: string;
}

/** An image that was built, and that a registry does not have under some of its names. */
export interface PushFailed {
  readonly reason: 'push-failed';
  readonly target: string;
  readonly registry: string;
  /** As the user wrote them. */
  readonly names: readonly string[];
  /** What the registry, or the builder, said. */
  readonly error: Error;
}

/** Something asked for that this version (of ours, or of the daemon) cannot do. Refused by name, never ignored. */
export interface Unsupported {
  readonly reason: 'unsupported';
  readonly what: string;
  readonly hint?: string;
}

/** An engine that could not be found, set up, started or stopped. */
export interface EngineFailed {
  readonly reason: 'engine-failed';
  /** The step at which it ended (`install docker.io`, `start dockerd`). */
  readonly step: string;
  readonly cause: string;
  readonly hint?: string;
  /** The last lines of the log that explains it. */
  readonly logTail?: readonly string[];
}

/** The user (or the caller's signal) ended it. */
export interface Canceled {
  readonly reason: 'canceled';
}

/** Every foreseen failure of the runtime. */
export type RuntimeFailure =
  | BuilderUnreachable
  | BuilderLost
  | SolveFailed
  | InputMissing
  | DefinitionUnreadable
  | LoadFailed
  | PushFailed
  | Unsupported
  | EngineFailed
  | Canceled;

/** Carries a {@link RuntimeFailure} through code that can only throw; caught at the room's door. */
export class FailureError extends Error {
  readonly failure: RuntimeFailure;

  constructor(failure: RuntimeFailure, options?: { readonly cause?: unknown }) {
    super(failure.reason, options);
    this.name = 'FailureError';
    this.failure = failure;
  }
}
