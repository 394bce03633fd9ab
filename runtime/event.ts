/** A moment in nanoseconds since the Unix epoch, as the daemon's clock has it. */
export type UnixNanos = bigint;

/** One step of a build. A later message about the same digest replaces the earlier one (buildkit `client/graph.go`). */
export interface Vertex {
  readonly digest: string;
  readonly inputs: readonly string[];
  readonly name: string;
  readonly cached: boolean;
  readonly started?: UnixNanos;
  readonly completed?: UnixNanos;
  /** Empty when the step has not failed. A text that ends in `context canceled` is a cancellation, no failure. */
  readonly error: string;
  readonly progressGroup?: { readonly id: string; readonly name: string; readonly weak: boolean };
}

/** A row of progress below a vertex (a layer that is pulled, a transfer), keyed by vertex and id. */
export interface VertexStatus {
  readonly id: string;
  readonly vertex: string;
  readonly name: string;
  /** Bytes or items done. */
  readonly current: number;
  /** 0 when unknown. */
  readonly total: number;
  readonly timestamp: UnixNanos;
  readonly started?: UnixNanos;
  readonly completed?: UnixNanos;
}

/** Output of a step. May end in the middle of a line or of a UTF-8 sequence. */
export interface VertexLog {
  readonly vertex: string;
  readonly timestamp: UnixNanos;
  /** 1 stdout, 2 stderr. */
  readonly stream: number;
  readonly data: Uint8Array;
}

/** A place in a Dockerfile; lines from 1, characters from 0. */
export interface DockerfileRange {
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
}

/** A Dockerfile (or other frontend input) that a warning or an error points into. */
export interface DockerfileSource {
  readonly filename: string;
  readonly data: Uint8Array;
  /** `Dockerfile`, where the frontend says. */
  readonly language?: string;
  readonly ranges: readonly DockerfileRange[];
}

/** A lint or deprecation warning of the frontend. */
export interface VertexWarning {
  readonly vertex: string;
  readonly level: number;
  readonly short: string;
  readonly detail: readonly string[];
  readonly url: string;
  readonly source?: DockerfileSource;
}

/** A batch of news about one target's steps, as the daemon (or a step of our own, such as a load) gave it. */
export interface StatusUpdate {
  readonly vertexes: readonly Vertex[];
  readonly statuses: readonly VertexStatus[];
  readonly logs: readonly VertexLog[];
  readonly warnings: readonly VertexWarning[];
}

/** How a target ended. `skipped` names the linked target whose failure kept this one from being built. */
export type TargetOutcome =
  | { readonly is: 'done'; readonly digest?: string }
  | { readonly is: 'failed' }
  | { readonly is: 'skipped'; readonly because: string }
  | { readonly is: 'canceled' };

/** The whole contract between a build and anything that shows it. The core emits; screens and histories listen. */
export type BuildEvent =
  | { readonly type: 'builder-ready'; readonly name: string; readonly driver: string; readonly version: string }
  | {
      readonly type: 'build-started';
      readonly targets: readonly { readonly name: string; readonly platforms: readonly string[] }[];
    }
  | { readonly type: 'target-started'; readonly target: string }
  | { readonly type: 'status'; readonly target: string; readonly update: StatusUpdate }
  | { readonly type: 'target-finished'; readonly target: string; readonly outcome: TargetOutcome }
  | { readonly type: 'build-finished' };

/** Where events go. Called synchronously, in order; must not throw. */
export type EventSink = (event: BuildEvent) => void;
