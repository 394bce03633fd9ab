import { join } from 'node:path';
import type { Result } from '../../../planner/result.ts';
import { fail, ok } from '../../../planner/result.ts';
import type { Endpoint } from '../../buildkit/endpoint.ts';
import { compareApi } from '../../docker/api-version.ts';
import { DockerEngine } from '../../docker/engine.ts';
import { DockerError } from '../../docker/http.ts';
import type { DockerEndpoint } from '../../docker/http.ts';
import { explainUnreachable } from '../../docker/unreachable.ts';
import type { BuilderUnreachable, RuntimeFailure, Unsupported } from '../../failure.ts';
import type { Address } from './address.ts';
import { buildkitHost, dockerHost } from './address.ts';
import type { AskedBuilder } from './buildx-builder.ts';
import { buildxBuilder } from './buildx-builder.ts';
import type { Environment } from './facts.ts';
import { buildkitdPaths, enginePaths } from './paths.ts';
import { listens } from './socket.ts';
import { pingSandbox } from './probe.ts';

/** Docker Engine 23.0, the first whose BuildKit is on by default, speaks this (docs.docker.com "API version matrix"). */
const OLDEST_API = '1.42';

const PING_MS = 3_000;

/** ssh may have jumps to make, and a person to ask. */
const SSH_PING_MS = 60_000;

/** A daemon that builds, and the Docker that images are loaded into. */
export interface EngineHandle {
  readonly kind: 'buildkit-host' | 'buildkitd' | 'docker' | 'sandbox';
  /** Where its BuildKit API is. */
  readonly endpoint: Endpoint;
  /** For people: the address, or `sandbox`. */
  readonly name: string;
  /** buildx's word for the way it is reached: `remote`, or `docker` for a BuildKit inside Docker. */
  readonly driver: 'remote' | 'docker';
  /** The Docker Engine's version where it is one; a bare BuildKit is not asked here. */
  readonly version?: string;
  /** The Docker API that `--load` goes to; absent when no Docker answers here. */
  readonly docker?: DockerEndpoint;
  /** Why that is so, where the user named one. */
  readonly noDocker?: string;
  /** A Debian root with docker-registry, buildx, skopeo and busybox in it, where the sandbox has been set up. */
  readonly root?: string;
}

/** Where to look. */
export interface DiscoverOptions {
  readonly dataDir: string;
  readonly env: Environment;
  /** The Debian root of the sandboxed engine, when it is not the one in the data folder. */
  readonly root?: string;
  /** The builder of docker buildx that is to build, whatever else is there. */
  readonly builder?: AskedBuilder;
  readonly signal: AbortSignal;
}

/**
 * The engine that is there, in this order: the builder that is asked for, `BUILDKIT_HOST`, a running buildkitd, the Docker Engine that the docker
 * command would use (23 or newer), our sandboxed one. Starts nothing and runs no program: a few milliseconds.
 *
 * What the user named (a builder, `BUILDKIT_HOST`, `DOCKER_HOST`, a Docker context) is never passed over in silence: if it cannot be
 * used, that is the failure. `BUILDKIT_HOST` is taken at its word; the first call shows whether it answers.
 * Rejects when the signal is aborted.
 */
export async function findEngine(options: DiscoverOptions): Promise<Result<EngineHandle, RuntimeFailure>> {
  if (options.builder !== undefined) return builderOfBuildx(options.builder, options);
  const named = await namedBuildkit(options);
  if (!named.ok) return named;
  const first = named.value ?? (await runningBuildkitd(options));
  if (first !== undefined) return ok(first);
  const docker = await usableDocker(options);
  if (!docker.ok) return docker;
  if (docker.value.is === 'usable') return ok(docker.value.engine);
  const sandbox = await runningSandbox(options);
  if (sandbox !== undefined) return ok(sandbox);
  return fail({
    reason: 'engine-failed',
    step: 'find an engine',
    cause: `no BuildKit daemon and no Docker Engine is at hand (${docker.value.why})`,
    hint: 'Run `depot engine up`, start Docker Engine 23 or newer, or set BUILDKIT_HOST.',
  });
}

async function builderOfBuildx(
  builder: AskedBuilder,
  options: DiscoverOptions,
): Promise<Result<EngineHandle, RuntimeFailure>> {
  const found = await buildxBuilder(builder, options.env);
  if (!found.ok) return found;
  const { driver, address } = found.value;
  const { name } = builder;
  if (driver === 'remote')
    return ok({ kind: 'buildkit-host', endpoint: address.endpoint, name, driver, ...(await dockerBeside(options)) });
  const docker = await dockerAt(address, options);
  if (!docker.ok) return docker;
  if (docker.value.is === 'usable') return ok({ ...docker.value.engine, name });
  return fail({ reason: 'engine-failed', step: `use the builder ${name}`, cause: docker.value.why });
}

/** The engine of `BUILDKIT_HOST`; undefined when it is not set. */
export async function namedBuildkit(
  options: DiscoverOptions,
): Promise<Result<EngineHandle | undefined, RuntimeFailure>> {
  const address = await buildkitHost(options.env);
  if (!address.ok) return address;
  if (address.value === undefined) return ok(undefined);
  const { endpoint, text } = address.value;
  return ok({ kind: 'buildkit-host', endpoint, name: text, driver: 'remote', ...(await dockerBeside(options)) });
}

/** A buildkitd that answers on one of its usual sockets, or on that of the one we started. */
export async function runningBuildkitd(options: DiscoverOptions): Promise<EngineHandle | undefined> {
  const runtimeDir = options.env['XDG_RUNTIME_DIR'];
  const sockets = [
    '/run/buildkit/buildkitd.sock',
    ...(runtimeDir === undefined ? [] : [join(runtimeDir, 'buildkit', 'buildkitd.sock')]),
    buildkitdPaths(options.dataDir).socket,
  ];
  for (const path of sockets) {
    if (!(await listens(path))) continue;
    return {
      kind: 'buildkitd',
      endpoint: { kind: 'unix', path },
      name: path,
      driver: 'remote',
      ...(await dockerBeside(options)),
    };
  }
  return undefined;
}

/** A Docker Engine that can be built on, or why the one at the default place cannot. */
export type DockerFinding =
  | { readonly is: 'usable'; readonly engine: EngineHandle }
  /** `tooOld`: there is one, and it is passed over for its age. `isNamed`: the user asked for this one. */
  | { readonly is: 'not'; readonly why: string; readonly tooOld: boolean; readonly isNamed: boolean };

/** The Docker Engine of `DOCKER_HOST`, the current context or the default socket. */
export async function usableDocker(
  options: DiscoverOptions,
): Promise<Result<DockerFinding, Unsupported | BuilderUnreachable>> {
  const address = await dockerHost(options.env);
  return address.ok ? dockerAt(address.value, options) : address;
}

async function dockerAt(
  { endpoint, text, askedBy }: Address<DockerEndpoint>,
  { dataDir, signal }: DiscoverOptions,
): Promise<Result<DockerFinding, Unsupported | BuilderUnreachable>> {
  // The sandboxed engine's own socket is asked for by who wants to use that one: it is started, not complained about.
  const isOurs = endpoint.kind === 'docker-unix' && endpoint.path === enginePaths({ dataDir }).socket;
  const isNamed = askedBy !== undefined && !isOurs;
  using engine = new DockerEngine(endpoint);
  try {
    const timeoutMs = endpoint.kind === 'docker-ssh' ? SSH_PING_MS : PING_MS;
    const version = await engine.ping({ signal, timeoutMs });
    if (compareApi(version.api, OLDEST_API) < 0) {
      return ok({
        is: 'not',
        why: `Docker Engine ${version.engine} at ${text} is too old; 23 is the first that will do`,
        tooOld: true,
        isNamed,
      });
    }
    return ok({
      is: 'usable',
      engine: {
        kind: 'docker',
        endpoint,
        name: 'default',
        driver: 'docker',
        version: version.engine,
        docker: endpoint,
      },
    });
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    if (!isNamed) return ok({ is: 'not', why: `${text}: ${error.message}`, tooOld: false, isNamed });
    const hint = `${askedBy} asks for this Docker Engine. Start it, or unset that.`;
    const why = { hint, ...explainUnreachable(error.message, endpoint) };
    return fail({ reason: 'builder-unreachable', endpoint: text, ...why });
  }
}

/** Our sandboxed engine, when it runs. */
export async function runningSandbox({ dataDir, signal, root }: DiscoverOptions): Promise<EngineHandle | undefined> {
  const paths = enginePaths({ dataDir, root });
  const version = await pingSandbox(paths.socket, signal);
  return version === undefined
    ? undefined
    : sandboxHandle({ socket: paths.socket, root: paths.root, version: version.engine });
}

/** The handle of a sandboxed engine that answers. */
export function sandboxHandle({
  socket,
  root,
  version,
}: {
  readonly socket: string;
  readonly root: string;
  readonly version: string;
}): EngineHandle {
  const endpoint = { kind: 'docker-unix', path: socket } as const;
  return { kind: 'sandbox', endpoint, name: 'sandbox', driver: 'docker', version, docker: endpoint, root };
}

/** The Docker that loads go to when the builder is another daemon. One that the user named has no other in its place. */
async function dockerBeside(options: DiscoverOptions): Promise<Pick<EngineHandle, 'docker' | 'noDocker'>> {
  const docker = await usableDocker(options);
  if (!docker.ok) return { noDocker: whyNot(docker.failure) };
  if (docker.value.is === 'usable') {
    const { docker: endpoint } = docker.value.engine;
    return endpoint === undefined ? {} : { docker: endpoint };
  }
  if (docker.value.isNamed) return { noDocker: docker.value.why };
  const sandbox = await runningSandbox(options);
  return sandbox?.docker === undefined ? {} : { docker: sandbox.docker };
}

function whyNot(failure: Unsupported | BuilderUnreachable): string {
  if (failure.reason === 'unsupported') return `${failure.what} cannot be used`;
  return `${failure.endpoint} cannot be reached: ${failure.cause}`;
}
