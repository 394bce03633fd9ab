import type http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Endpoint } from '../buildkit/endpoint.ts';
import { SshConnection } from '../buildkit/ssh-connection.ts';

/** The Docker API sockets among the endpoints. */
export type DockerEndpoint = Extract<Endpoint, { readonly kind: 'docker-unix' | 'docker-tcp' | 'docker-ssh' }>;

/** One call of the Docker Engine API. */
export interface DockerRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With the leading slash; without the `/v1.NN` prefix unless the caller wants one. */
  readonly path: string;
  /** Undefined values are left out; several values of one key are sent one after the other. */
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it comes, with back-pressure. */
  readonly stream?: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/** A 2xx or 304 answer whose body is still on the wire. Leave `body` unread only after {@link DockerResponse.discard}. */
export interface DockerResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: AsyncIterable<Uint8Array>;
  json(): Promise<unknown>;
  discard(): Promise<void>;
}

/**
 * What a Docker Engine refused (`status` set, `message` in its words) or why it could not be asked (`status` absent,
 * `code` the system's error code where there is one: `ENOENT`, `ECONNREFUSED`).
 */
export class DockerError extends Error {
  readonly status: number | undefined;
  readonly code: string | undefined;

  constructor(
    message: string,
    options: { readonly status?: number; readonly code?: string; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DockerError';
    this.status = options.status;
    this.code = options.code;
  }
}

/**
 * HTTP to one Docker API socket: unix, tcp, tcp with TLS, or behind ssh.
 *
 * Node's own client and not undici: this sits on the way of every `bake`, and importing undici costs more (90 ms) than
 * the whole discovery may. From `node:https` also where there is no TLS: importing `node:http` has Node 24 load its own
 * undici (40 ms), for the WebSocket that it exports.
 */
export class DockerHttp implements Disposable {
  readonly #endpoint: DockerEndpoint;
  readonly #agent: https.Agent;

  constructor(endpoint: DockerEndpoint) {
    this.#endpoint = endpoint;
    const secure = endpoint.kind === 'docker-tcp' && endpoint.tls !== undefined;
    this.#agent = secure ? new https.Agent({ keepAlive: true }) : new PlainAgent(endpoint);
  }

  /**
   * Sends one request and gives the answer as soon as its head is there.
   * @throws DockerError for an answer of 400 and above, and when the socket cannot be reached
   * @throws the signal's reason when it is aborted
   */
  async send(request: DockerRequest): Promise<DockerResponse> {
    request.signal.throwIfAborted();
    try {
      const response = await this.#exchange(request);
      if ((response.statusCode ?? 0) >= 400) throw await refusal(response);
      return new Answer(response, request.signal);
    } catch (error) {
      request.signal.throwIfAborted();
      throw asDockerError(error);
    }
  }

  /**
   * Has the daemon give up a connection to what a request asks for; whoever gets it closes it. Fails as {@link DockerHttp.send}
   * does; aborting the signal ends the connection also later.
   */
  async upgrade(request: DockerRequest): Promise<{ readonly socket: Duplex; readonly rest: Uint8Array }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ socket: Duplex; rest: Uint8Array }>();
    request.signal.throwIfAborted();
    const call = this.#begin({ ...request, headers: { ...request.headers, Connection: 'Upgrade', Upgrade: 'tcp' } });
    call.once('upgrade', (_response, socket, rest) => resolve({ socket, rest }));
    call.once('response', (response) => {
      if ((response.statusCode ?? 0) >= 400) refusal(response).then(reject, reject);
      else reject(new DockerError('the Docker Engine does not give its connection up', {}));
    });
    call.once('error', reject);
    try {
      return await promise;
    } catch (error) {
      request.signal.throwIfAborted();
      throw asDockerError(error);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  #exchange(request: DockerRequest): Promise<http.IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const call = this.#begin(request);
    call.once('response', resolve);
    call.once('error', reject);
    // A daemon that refuses an upload answers and hangs up in its midst: then the answer counts, not the broken pipe.
    if (request.stream !== undefined) {
      pipeline(Readable.from(request.stream, { objectMode: false }), call).catch((error: unknown) =>
        setImmediate(reject, error),
      );
    }
    return promise;
  }

  /** Sends all but what is streamed. */
  #begin(request: DockerRequest): http.ClientRequest {
    const json = request.json === undefined ? undefined : Buffer.from(JSON.stringify(request.json));
    const call = https.request({
      ...whereabouts(this.#endpoint),
      agent: this.#agent,
      method: request.method,
      path: request.path + queryText(request.query),
      headers: {
        ...(json === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': json.length }),
        ...request.headers,
      },
      signal: request.signal,
    });
    if (request.stream === undefined) call.end(json);
    return call;
  }
}

/** Connects without TLS. */
class PlainAgent extends https.Agent {
  readonly #endpoint: DockerEndpoint;

  constructor(endpoint: DockerEndpoint) {
    super({ keepAlive: true });
    this.#endpoint = endpoint;
  }

  override createConnection(): Duplex {
    const endpoint = this.#endpoint;
    if (endpoint.kind === 'docker-ssh') return new SshConnection(endpoint.destination);
    return endpoint.kind === 'docker-unix' ? net.connect(endpoint.path) : net.connect(endpoint.port, endpoint.host);
  }
}

class Answer implements DockerResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly #message: http.IncomingMessage;
  readonly #signal: AbortSignal;

  constructor(message: http.IncomingMessage, signal: AbortSignal) {
    this.status = message.statusCode ?? 0;
    this.headers = message.headers;
    this.#message = message;
    this.#signal = signal;
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  async json(): Promise<unknown> {
    const text = (await Array.fromAsync(this.#read())).map((part) => Buffer.from(part));
    return JSON.parse(Buffer.concat(text).toString('utf8')) as unknown;
  }

  async discard(): Promise<void> {
    for await (const part of this.#read()) void part;
  }

  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const part of this.#message) yield part as Uint8Array;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw asDockerError(error);
    }
  }
}

function whereabouts(endpoint: DockerEndpoint): https.RequestOptions {
  if (endpoint.kind !== 'docker-tcp') return { host: 'docker' };
  const { tls } = endpoint;
  return {
    host: endpoint.host,
    port: endpoint.port,
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
    ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
  };
}

function queryText(query: DockerRequest['query']): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    for (const each of typeof value === 'string' ? [value] : (value ?? [])) parameters.append(key, each);
  }
  return parameters.size === 0 ? '' : `?${parameters}`;
}

/** The daemon's `{"message": …}`, or what it wrote instead. */
async function refusal(response: http.IncomingMessage): Promise<DockerError> {
  const parts: Uint8Array[] = [];
  for await (const part of response) parts.push(part as Uint8Array);
  const text = Buffer.concat(parts).toString('utf8').trim();
  return new DockerError(messageIn(text) ?? (text || `HTTP status ${response.statusCode}`), {
    status: response.statusCode ?? 0,
  });
}

function messageIn(text: string): string | undefined {
  try {
    const parsed = JSON.parse(text) as { readonly message?: unknown } | null;
    return typeof parsed?.message === 'string' ? parsed.message : undefined;
  } catch {
    return undefined;
  }
}

function asDockerError(error: unknown): Error {
  if (error instanceof DockerError) return error;
  if (!(error instanceof Error)) return new DockerError(String(error), {});
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return new DockerError(error.message || code || 'connection failed', {
    cause: error,
    ...(code === undefined ? {} : { code }),
  });
}
