import type { BuildkitClient } from './client.ts';
import type { Platform } from './platform.ts';
import { formatPlatform } from './platform.ts';

/** What has to be known of a daemon before a build can be put to it. */
export interface DaemonFacts {
  /** `v0.25.2-moby` and the like; empty when the daemon does not say. */
  readonly version: string;
  /** The platform it builds without emulation. */
  readonly native: Platform;
  /** Every platform it can build, emulated ones included. */
  readonly platforms: readonly string[];
  /** Which image store stands behind its exporters. */
  readonly store: ImageStore;
  /** What `host-gateway` means to it. */
  readonly hostGateway?: string;
}

/**
 * - `none`: a standalone buildkitd; images leave it by push or as archives.
 * - `docker-containerd`: inside a Docker Engine with the containerd image store; built images are the engine's own.
 * - `docker-classic`: inside a Docker Engine with a graph driver: one platform, no attestations, no direct push.
 */
export type ImageStore = 'none' | 'docker-containerd' | 'docker-classic';

const SNAPSHOTTER = 'org.mobyproject.buildkit.worker.snapshotter';
const HOST_GATEWAY = 'org.mobyproject.buildkit.worker.moby.host-gateway-ip';

/**
 * Asks a daemon what it is. Inside a Docker Engine its worker's labels tell the store: moby sets the snapshotter's name
 * only with the containerd store (moby `daemon/internal/builder-next/worker`). Rejects with a `GrpcError`.
 */
export async function daemonFacts(
  client: BuildkitClient,
  { insideDocker, signal }: { readonly insideDocker: boolean; readonly signal: AbortSignal },
): Promise<DaemonFacts> {
  const [[worker], info] = await Promise.all([client.workers({ signal }), client.info({ signal })]);
  const platforms = (worker?.platforms ?? []).map((platform): Platform => ({
    os: platform.OS,
    architecture: platform.Architecture,
    variant: platform.Variant,
  }));
  const hostGateway = worker?.Labels[HOST_GATEWAY];
  return {
    version: info?.version ?? '',
    native: platforms[0] ?? { os: 'linux', architecture: 'amd64', variant: '' },
    platforms: platforms.map(formatPlatform),
    store: !insideDocker ? 'none' : worker?.Labels[SNAPSHOTTER] === undefined ? 'docker-classic' : 'docker-containerd',
    ...(hostGateway === undefined ? {} : { hostGateway }),
  };
}
