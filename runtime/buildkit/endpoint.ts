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
  | { readonly kind: 'docker-tcp'; readonly host: string; readonly port: number; readonly tls?: TlsFiles };

/** PEM texts for mutual TLS; without `ca` the system's authorities count, where it has any, else those that Node brings. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
}
