import { createHash } from 'node:crypto';
import { join } from 'node:path';

/**
 * Where the engine keeps its things in the data folder. Nothing of it lies elsewhere, but for the network interface
 * while it runs.
 *
 * ```
 * <data>/engine/root/            Debian root with dockerd and its companions; read-only while used
 * <data>/engine/run/docker.sock  the Docker API (and BuildKit behind POST /grpc): the place to connect to
 * <data>/engine/data/            images and build cache
 * <data>/engine/etc/             daemon.json and certs.d of the user, seen by dockerd as /etc/docker
 * <data>/engine/dockerd.log      what the daemon of the last start wrote
 * <data>/engine/state.json       which process it is
 * ```
 */
export interface EnginePaths {
  readonly folder: string;
  readonly root: string;
  readonly run: string;
  readonly socket: string;
  readonly data: string;
  readonly etc: string;
  readonly log: string;
  readonly setupLog: string;
  readonly state: string;
  /** The bridge: a network interface's name has at most 15 characters, so it is a hash of the folder. */
  readonly bridge: string;
}

/** The paths of the sandboxed engine of one data folder; `root` may be one that several engines share. */
export function enginePaths({
  dataDir,
  root,
}: {
  readonly dataDir: string;
  readonly root?: string | undefined;
}): EnginePaths {
  const folder = join(dataDir, 'engine');
  return {
    folder,
    root: root ?? join(folder, 'root'),
    run: join(folder, 'run'),
    socket: join(folder, 'run', 'docker.sock'),
    data: join(folder, 'data'),
    etc: join(folder, 'etc'),
    log: join(folder, 'dockerd.log'),
    setupLog: join(folder, 'setup.log'),
    state: join(folder, 'state.json'),
    bridge: `depot-${createHash('sha256').update(folder).digest('hex').slice(0, 8)}`,
  };
}

/** Where a `buildkitd` that we started keeps its things. */
export interface BuildkitdPaths {
  readonly folder: string;
  readonly socket: string;
  readonly data: string;
  readonly log: string;
  readonly state: string;
}

/** The paths of the `buildkitd` of one data folder. */
export function buildkitdPaths(dataDir: string): BuildkitdPaths {
  const folder = join(dataDir, 'buildkitd');
  return {
    folder,
    socket: join(folder, 'buildkitd.sock'),
    data: join(folder, 'data'),
    log: join(folder, 'buildkitd.log'),
    state: join(folder, 'state.json'),
  };
}
