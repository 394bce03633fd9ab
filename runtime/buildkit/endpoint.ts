/**
 * Where a BuildKit API can be reached.
 *
 * `docker-*` kinds reach the BuildKit inside a Docker Engine by upgrading `POST /grpc` on its API socket
 * (moby `daemon/server/router/grpc`).
 */
export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls?: TlsFiles }
  | { readonly kind: 'docker-unix'; readonly path: string }
  | { readonly kind: 'docker-tcp'; readonly host: string; readonly port: number; readonly tls?: TlsFiles }
  | { readonly kind: 'docker-ssh'; readonly destination: SshDestination };

/** A Docker Engine behind ssh; what is absent the user's ssh configuration decides. */
export interface SshDestination {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  /** The path of the engine's socket there; absent: the one that the docker command there uses. */
  readonly socket?: string;
}

/** PEM texts for mutual TLS; without `ca` the system's authorities count, where it has any, else those that Node brings. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
}
