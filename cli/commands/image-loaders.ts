import path from 'node:path';
import pLimit from 'p-limit';
import type { ImageLoader } from '../../runtime/build/loading.ts';
import type { DockerEngine } from '../../runtime/docker/engine.ts';
import type { DockerEndpoint } from '../../runtime/docker/http.ts';
import type { Relay } from '../../runtime/load/relay/relay.ts';
import type { AskedPlatform } from '../../runtime/load/wanted-platform.ts';
import type { ImageServer } from '../../runtime/registry/image-server.ts';

/** How many images a Docker Engine is given at a time: each pull of its has several downloads of its own. */
const LOADS_AT_A_TIME = 3;

/** Where the helper's image is: beside the program (`npm run relay` makes it, a release has it), or where the user says. */
function relayFolder(env: Readonly<Record<string, string | undefined>>): string {
  const here = import.meta.dirname;
  return env['DEPOT_RELAY_IMAGE'] || path.resolve(here, path.basename(here) === 'dist' ? '..' : '../..', 'relay-image');
}

/** An engine that was to pull from this machine never came. */
class NeverCame extends Error {}

/**
 * The ways into a Docker Engine: it pulls from here where it reaches our loopback interface; else it pulls through a helper
 * beside it; else it is sent an archive. What they open is closed with `open`.
 */
export function imageLoaders(
  docker: DockerEndpoint,
  {
    env,
    platform,
    open,
  }: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly platform: AskedPlatform;
    readonly open: AsyncDisposableStack;
  },
): readonly ImageLoader[] {
  const limit = pLimit(LOADS_AT_A_TIME);
  const isElsewhere =
    docker.kind === 'docker-ssh' ||
    (docker.kind === 'docker-tcp' && !['localhost', '127.0.0.1', '::1'].includes(docker.host));
  const direct: ImageLoader = {
    name: 'pulled from here',
    load: (image, options) =>
      limit(async () => {
        options.signal.throwIfAborted();
        const [{ fastLoad }, { ImageServer }] = await Promise.all([
          import('../../runtime/load/fast-load.ts'),
          import('../../runtime/registry/image-server.ts'),
        ]);
        using api = await dockerEngine(docker);
        await using server = await ImageServer.listen(options);
        try {
          await fastLoad(image, { ...options, docker: api, platform, server });
        } catch (error) {
          if (options.signal.aborted || server.wasReached || !isOutOfReach(error)) throw error;
          throw new NeverCame(`Docker does not reach this machine: ${error.message}`, { cause: error });
        }
      }),
  };
  const relay = open.use(new SharedRelay(docker, relayFolder(env)));
  const relayed: ImageLoader = {
    name: 'pulled through a helper container beside it',
    helpsAfter: (error) => error instanceof NeverCame,
    prepare: () => void relay.server().catch(isToldByLoad),
    load: (image, options) =>
      limit(async () => {
        options.signal.throwIfAborted();
        const { fastLoad } = await import('../../runtime/load/fast-load.ts');
        using api = await dockerEngine(docker);
        await fastLoad(image, { ...options, docker: api, platform, server: await relay.server() });
      }),
  };
  const sent: ImageLoader = {
    name: 'sent as an archive',
    helpsAfter: (error) => !isAskedInVain(error),
    load: (image, options) =>
      limit(async () => {
        options.signal.throwIfAborted();
        const { archiveLoad } = await import('../../runtime/load/archive-load.ts');
        using api = await dockerEngine(docker);
        await archiveLoad(image, { ...options, docker: api, platform });
      }),
  };
  return isElsewhere ? [relayed, sent] : [direct, relayed, sent];
}

/** Nothing listens there, or what listens is not ours, as the engine says it. */
function isOutOfReach(error: unknown): error is Error {
  return (
    error instanceof Error &&
    /refused|reset|timeout|timed out|unreachable|no route|EOF|not found|denied|HTTP response/i.test(error.message)
  );
}

/** What was asked for cannot be, whichever way it goes. */
function isAskedInVain(error: unknown): boolean {
  return error instanceof Error && (error.name === 'NotForPlatform' || error.name === 'OnePlatformOnly');
}

/** The load that needs it fails with the same. */
function isToldByLoad(): undefined {}

/** One helper for all loads, started when it is first asked for. */
class SharedRelay implements AsyncDisposable {
  readonly #docker: DockerEndpoint;
  readonly #folder: string;
  readonly #end = new AbortController();
  #opening: Promise<Relay> | undefined;

  constructor(docker: DockerEndpoint, folder: string) {
    this.#docker = docker;
    this.#folder = folder;
  }

  async server(): Promise<ImageServer> {
    this.#opening ??= this.#open();
    return (await this.#opening).server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    const relay = await this.#opening?.catch(isToldByLoad);
    await relay?.[Symbol.asyncDispose]();
  }

  async #open(): Promise<Relay> {
    const [{ openRelay }, { relayImage }] = await Promise.all([
      import('../../runtime/load/relay/relay.ts'),
      import('../../runtime/load/relay/relay-image.ts'),
    ]);
    const { signal } = this.#end;
    const api = await dockerEngine(this.#docker);
    const image = await relayImage(api, { folder: this.#folder }, { signal });
    return openRelay(api, image, { signal });
  }
}

/** The API of a Docker Engine, whose code is loaded when it is needed. */
export async function dockerEngine(docker: DockerEndpoint): Promise<DockerEngine> {
  const { DockerEngine } = await import('../../runtime/docker/engine.ts');
  return new DockerEngine(docker);
}
