import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { DockerEngine } from '../../docker/engine.ts';
import type { ContainerStream } from '../../docker/container-stream.ts';
import { ImageServer } from '../../registry/image-server.ts';
import { orAborted } from '../../session/abortable.ts';

/** Where the helper listens: below what Linux gives to outgoing connections (ip_local_port_range), above what services use. */
const PORTS = { from: 20_000, to: 32_000 } as const;

/** A port that is taken is found out by listening there. */
const PORT_TRIES = 5;

/** So many lanes wait for a connection: opening one takes the daemon a tenth of a second. */
const IDLE_LANES = 4;

/** So many connections at a time; Docker makes some three for each image that it pulls. */
const MAX_LANES = 24;

/** How long the daemon may take to start the helper. */
const START_MS = 20_000;

/** How long it may take to forget the helper. */
const GOODBYE_MS = 5_000;

/** The exit code of the helper for a port where something listens. */
const PORT_TAKEN = 3;

/** As little as a container can be given; it shares the daemon's network, where its loopback interface is the engine's own. */
const CONFINED = {
  NetworkMode: 'host',
  AutoRemove: true,
  ReadonlyRootfs: true,
  CapDrop: ['ALL'],
  SecurityOpt: ['no-new-privileges'],
  PidsLimit: 1024,
  Memory: 256 * 1024 * 1024,
  Tmpfs: { '/run': 'mode=1777,size=1m,nosuid,nodev' },
  LogConfig: { Type: 'none' },
} as const;

/** A registry that is served beside a Docker Engine on another machine. */
export interface Relay extends AsyncDisposable {
  readonly server: ImageServer;
}

/**
 * Starts a helper container beside a Docker Engine, which listens on that machine's loopback interface and hands every connection
 * on, each in the two streams of an `exec`, to a server here. The helper ends with the connection to it, and so with this program,
 * however that ends; then the daemon removes it.
 *
 * `image`: of the helper ({@link relayImage}). Rejects with {@link DockerError} for what the engine refuses, and with an
 * Error that holds what the helper said when it did not start.
 */
export async function openRelay(
  docker: DockerEngine,
  image: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<Relay> {
  for (let tries = 1; ; tries++) {
    const port = randomInt(PORTS.from, PORTS.to);
    const helper = await startHelper(docker, { image, port, signal });
    if (helper !== undefined) return new OpenRelay(docker, helper, port);
    if (tries === PORT_TRIES) throw new Error(`the helper found no free port there in ${PORT_TRIES} tries`);
  }
}

interface Helper {
  readonly id: string;
  /** Its standard input, by which it lives. */
  readonly life: ContainerStream;
  /** Ends all that belongs to it. */
  readonly end: AbortController;
}

/** Undefined when its port is taken. */
async function startHelper(
  docker: DockerEngine,
  { image, port, signal }: { readonly image: string; readonly port: number; readonly signal: AbortSignal },
): Promise<Helper | undefined> {
  const end = new AbortController();
  const name = `depot-relay-${randomBytes(6).toString('hex')}`;
  const spec = { image, name, command: ['listen', String(port)], stdin: true, hostConfig: CONFINED };
  const id = await docker.createContainer(spec, { signal });
  try {
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(START_MS)]);
    const life = await docker.attachContainer(id, { signal: end.signal });
    const exit = docker.waitContainer(id, { signal: AbortSignal.any([end.signal, inTime]) });
    exit.catch(isTold);
    await docker.startContainer(id, { signal: inTime });
    if ((await orAborted(firstChunk(life), inTime)) !== undefined) {
      life.on('error', isTold).resume();
      return { id, life, end };
    }
    if ((await exit) === PORT_TAKEN) return undefined;
    throw new Error(`the helper did not start${life.stderr === '' ? '' : `: ${life.stderr}`}`);
  } catch (error) {
    end.abort();
    await forget(docker, id);
    throw error;
  }
}

class OpenRelay implements Relay {
  readonly server: ImageServer;
  readonly #docker: DockerEngine;
  readonly #helper: Helper;
  #lanes = 0;
  #idle = 0;

  constructor(docker: DockerEngine, helper: Helper, port: number) {
    this.#docker = docker;
    this.#helper = helper;
    this.server = new ImageServer(`127.0.0.1:${port}`);
    helper.life.once('close', () => helper.end.abort());
    this.#openLanes();
  }

  /** The helper ends with its standard input, and the daemon removes it: that takes a quarter of a second, and nobody waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#helper.end.abort();
    this.#helper.life.destroy();
    await this.server[Symbol.asyncDispose]();
  }

  #openLanes(): void {
    while (this.#idle < IDLE_LANES && this.#lanes < MAX_LANES && !this.#helper.end.signal.aborted) {
      this.#idle++;
      this.#lanes++;
      void this.#lane();
    }
  }

  /** One connection's worth. */
  async #lane(): Promise<void> {
    const { id, end } = this.#helper;
    let isIdle = true;
    const take = (): void => {
      if (isIdle) this.#idle--;
      isIdle = false;
    };
    try {
      const stream = await this.#docker.execContainer(id, ['/bin/relay', 'lane'], { signal: end.signal });
      const first = await firstChunk(stream);
      if (first === undefined) return;
      take();
      this.#openLanes();
      stream.on('error', isTold);
      stream.unshift(first);
      this.server.accept(stream);
      stream.resume();
      if (!stream.closed) await once(stream, 'close');
    } catch {
      // Connections would wait for a lane that cannot be had: better that they break, and the image goes another way.
      end.abort();
      this.#helper.life.destroy();
    } finally {
      take();
      this.#lanes--;
      this.#openLanes();
    }
  }
}

/** The first bytes of a stream, which flows no further; undefined when it ended without any. */
async function firstChunk(stream: Readable): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
  stream.once('data', (chunk: Buffer) => {
    stream.pause();
    resolve(chunk);
  });
  stream.once('error', reject);
  stream.once('close', () => resolve(undefined));
  stream.once('end', () => resolve(undefined));
  return promise;
}

async function forget(docker: DockerEngine, id: string): Promise<void> {
  await docker.removeContainer(id, { signal: AbortSignal.timeout(GOODBYE_MS) }).catch(isTold);
}

/** Whoever pulls through it is told by their pull. */
function isTold(): void {}
