import { list, progress, record, text } from './answers.ts';
import type {
  CallOptions,
  ContainerSpec,
  DockerImage,
  DockerInfo,
  DockerPing,
  DockerVersion,
  ImageName,
  ImageProgress,
} from './api.ts';
import { olderApi } from './api-version.ts';
import { ContainerStream } from './container-stream.ts';
import type { DockerEndpoint, DockerRequest, DockerResponse } from './http.ts';
import { DockerError, DockerHttp } from './http.ts';
import type { ContainerOutput } from './stream.ts';
import { demultiplex } from './stream.ts';

/** The newest API version whose answers this client was written against (Docker Engine 28.3). */
const NEWEST_API = '1.51';

/**
 * A Docker Engine seen through its HTTP API. Every method rejects with {@link DockerError} when the engine refuses or
 * cannot be reached. The API version is agreed on with the first call (moby `api/swagger.yaml`).
 */
export class DockerEngine implements Disposable {
  readonly #http: DockerHttp;
  #ping: Promise<DockerPing> | undefined;

  constructor(endpoint: DockerEndpoint) {
    this.#http = new DockerHttp(endpoint);
  }

  /**
   * Asks whether it is there; `timeoutMs` bounds the wait for an engine that accepts but does not answer. Well under a
   * millisecond of the engine's time, where `version` has it run programs.
   */
  async ping(options: CallOptions & { readonly timeoutMs?: number }): Promise<DockerPing> {
    const { headers } = await this.#pinged(options);
    const { server, 'api-version': api, ostype: os } = headers;
    const engine = /^Docker\/(\S+)/.exec(String(server ?? ''))?.[1] ?? '';
    const ping = { engine, api: String(api ?? ''), os: String(os ?? '') };
    if (ping.api === '') throw new DockerError('it answers, but not as a Docker Engine does', {});
    this.#ping = Promise.resolve(ping);
    return ping;
  }

  /** The version and the machine it runs on. */
  async version({ signal }: CallOptions): Promise<DockerVersion> {
    const body = record(await (await this.#call({ method: 'GET', path: '/version', signal })).json());
    return {
      engine: text(body['Version']),
      api: text(body['ApiVersion']),
      os: text(body['Os']),
      architecture: text(body['Arch']),
    };
  }

  /** The engine's own account of itself. */
  async info({ signal }: CallOptions): Promise<DockerInfo> {
    const body = record(await (await this.#call({ method: 'GET', path: '/info', signal })).json());
    return {
      id: text(body['ID']),
      name: text(body['Name']),
      serverVersion: text(body['ServerVersion']),
      storageDriver: text(body['Driver']),
      containerdStore: list(body['DriverStatus']).some((pair) => {
        const [key, value] = list(pair);
        return key === 'driver-type' && value === 'io.containerd.snapshotter.v1';
      }),
      os: text(body['OSType']),
      architecture: text(body['Architecture']),
    };
  }

  /**
   * Loads a `docker save` or OCI archive, streamed. Yields what the daemon says; the images are there when it ends.
   * @throws DockerError also for a failure the daemon reports inside its progress
   */
  async *loadImages(
    archive: AsyncIterable<Uint8Array>,
    { signal }: CallOptions,
  ): AsyncGenerator<ImageProgress, void, undefined> {
    const response = await this.#call({
      method: 'POST',
      path: '/images/load',
      query: { quiet: '0' },
      headers: { 'Content-Type': 'application/x-tar' },
      stream: archive,
      signal,
    });
    yield* progress(response);
  }

  /** Lets the daemon pull. `auth` is the value of `X-Registry-Auth` (base64url JSON); it is sent and not kept. */
  async *pullImage(
    image: ImageName,
    options: CallOptions & { readonly platform?: string; readonly auth?: string },
  ): AsyncGenerator<ImageProgress, void, undefined> {
    const response = await this.#call({
      method: 'POST',
      path: '/images/create',
      query: { fromImage: image.repository, tag: image.tag, platform: options.platform },
      ...(options.auth === undefined ? {} : { headers: { 'X-Registry-Auth': options.auth } }),
      signal: options.signal,
    });
    yield* progress(response);
  }

  /** The image of a name, an id or a digest reference; undefined when the daemon has none. */
  async inspectImage(name: string, { signal }: CallOptions): Promise<DockerImage | undefined> {
    const response = await this.#find({ method: 'GET', path: `/images/${escaped(name)}/json`, signal });
    if (response === undefined) return undefined;
    const body = record(await response.json());
    return {
      id: text(body['Id']),
      tags: list(body['RepoTags']).map(text),
      digests: list(body['RepoDigests']).map(text),
      os: text(body['Os']),
      architecture: text(body['Architecture']),
      sizeBytes: Number(body['Size'] ?? 0),
    };
  }

  /** Gives an image another name. */
  async tagImage(source: string, target: ImageName, { signal }: CallOptions): Promise<void> {
    const query = { repo: target.repository, tag: target.tag };
    await this.#done({ method: 'POST', path: `/images/${escaped(source)}/tag`, query, signal });
  }

  /** Takes a name away, and the image with its last name. False when there was none. */
  async removeImage(name: string, { signal, force }: CallOptions & { readonly force?: boolean }): Promise<boolean> {
    const query = { force: force ? '1' : undefined };
    const response = await this.#find({ method: 'DELETE', path: `/images/${escaped(name)}`, query, signal });
    await response?.discard();
    return response !== undefined;
  }

  /** Makes a container and gives its id. */
  async createContainer(spec: ContainerSpec, { signal }: CallOptions): Promise<string> {
    const response = await this.#call({
      method: 'POST',
      path: '/containers/create',
      query: { name: spec.name, platform: spec.platform },
      json: {
        Image: spec.image,
        Cmd: spec.command,
        Env: spec.env,
        Labels: spec.labels,
        Tty: spec.tty ?? false,
        OpenStdin: spec.stdin ?? false,
        StdinOnce: spec.stdin ?? false,
        HostConfig: spec.hostConfig ?? {},
      },
      signal,
    });
    return text(record(await response.json())['Id']);
  }

  /** Starts a container; one that runs already is left as it is. */
  async startContainer(id: string, { signal }: CallOptions): Promise<void> {
    await this.#done({ method: 'POST', path: `/containers/${escaped(id)}/start`, signal });
  }

  /** The standard streams of a container that is made with `stdin`; it ends with them. To be called before it is started. */
  async attachContainer(id: string, { signal }: CallOptions): Promise<ContainerStream> {
    const query = { stream: '1', stdin: '1', stdout: '1', stderr: '1' };
    return this.#stream({ method: 'POST', path: `/containers/${escaped(id)}/attach`, query, signal });
  }

  /** Runs a program in a running container, and gives its standard streams. */
  async execContainer(id: string, command: readonly string[], { signal }: CallOptions): Promise<ContainerStream> {
    const streams = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
    const path = `/containers/${escaped(id)}/exec`;
    const made = await this.#call({ method: 'POST', path, json: { ...streams, Cmd: command }, signal });
    const exec = text(record(await made.json())['Id']);
    const json = { Detach: false, Tty: false };
    return this.#stream({ method: 'POST', path: `/exec/${escaped(exec)}/start`, json, signal });
  }

  /** Waits until a container that was started has ended; gives its exit code. */
  async waitContainer(id: string, { signal }: CallOptions): Promise<number> {
    const response = await this.#call({ method: 'POST', path: `/containers/${escaped(id)}/wait`, signal });
    return Number(record(await response.json())['StatusCode']);
  }

  /** What a container without a terminal wrote; with `follow`, until it ends. */
  async *containerLogs(
    id: string,
    { signal, follow }: CallOptions & { readonly follow?: boolean },
  ): AsyncGenerator<ContainerOutput, void, undefined> {
    const query = { stdout: '1', stderr: '1', follow: follow ? '1' : undefined };
    const response = await this.#call({ method: 'GET', path: `/containers/${escaped(id)}/logs`, query, signal });
    yield* demultiplex(response.body);
  }

  /** Removes a container with its anonymous volumes, running or not. False when there was none. */
  async removeContainer(id: string, { signal }: CallOptions): Promise<boolean> {
    const query = { force: '1', v: '1' };
    const response = await this.#find({ method: 'DELETE', path: `/containers/${escaped(id)}`, query, signal });
    await response?.discard();
    return response !== undefined;
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  /** In time is the whole answer, not just its head. */
  async #pinged({ signal, timeoutMs }: CallOptions & { readonly timeoutMs?: number }): Promise<DockerResponse> {
    const late = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
    try {
      const inTime = late === undefined ? signal : AbortSignal.any([signal, late]);
      const response = await this.#http.send({ method: 'GET', path: '/_ping', signal: inTime });
      await response.discard();
      return response;
    } catch (error) {
      signal.throwIfAborted();
      if (late?.aborted !== true) throw error;
      throw new DockerError('the Docker Engine does not answer', { code: 'ETIMEDOUT' });
    }
  }

  async #call(request: DockerRequest): Promise<DockerResponse> {
    return this.#http.send(await this.#versioned(request));
  }

  async #stream(request: DockerRequest): Promise<ContainerStream> {
    const { socket, rest } = await this.#http.upgrade(await this.#versioned(request));
    return new ContainerStream(socket, rest);
  }

  async #versioned(request: DockerRequest): Promise<DockerRequest> {
    this.#ping ??= this.ping({ signal: request.signal });
    let ping: DockerPing;
    try {
      ping = await this.#ping;
    } catch (error) {
      this.#ping = undefined;
      throw error;
    }
    return { ...request, path: `/v${olderApi(ping.api, NEWEST_API)}${request.path}` };
  }

  async #done(request: DockerRequest): Promise<void> {
    await (await this.#call(request)).discard();
  }

  async #find(request: DockerRequest): Promise<DockerResponse | undefined> {
    try {
      return await this.#call(request);
    } catch (error) {
      if (error instanceof DockerError && error.status === 404) return undefined;
      throw error;
    }
  }
}

/** A name in a path: slashes and colons belong to it, anything that could end the path does not. */
function escaped(name: string): string {
  return encodeURIComponent(name).replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll('%40', '@');
}
