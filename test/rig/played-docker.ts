import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import type { ServerOptions } from 'node:https';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { DockerEndpoint } from '../../runtime/docker/http.ts';
import { tempFolder } from './folder.ts';

/** A played Docker Engine: answers what no real one here would (an old version, a refusal, silence). */
export interface PlayedDocker extends AsyncDisposable {
  readonly endpoint: DockerEndpoint;
  /** `METHOD /path?query` of every request so far. */
  readonly requests: readonly string[];
}

/** How a played engine answers; `true` when it did, else it answers `/_ping` or 404. */
export type Play = (request: IncomingMessage, response: Parameters<RequestListener>[1]) => boolean;

/** Listens on a unix socket, or with `tls` on a loopback port. */
export async function playDocker(options: {
  readonly version: { readonly Version: string; readonly ApiVersion: string };
  readonly play?: Play;
  readonly tls?: ServerOptions;
}): Promise<PlayedDocker> {
  const folder = await tempFolder('docker');
  const requests: string[] = [];
  const listener: RequestListener = (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (options.play?.(request, response) === true) return;
    request.resume();
    const { Version, ApiVersion } = options.version;
    const headers = { Server: `Docker/${Version} (linux)`, 'Api-Version': ApiVersion, Ostype: 'linux' };
    if (request.url === '/_ping') response.writeHead(200, headers).end('OK');
    else response.writeHead(404).end(JSON.stringify({ message: 'page not found' }));
  };
  const server: Server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  const path = join(folder.path, 'docker.sock');
  await new Promise<void>((listening) => {
    if (options.tls === undefined) server.listen(path, listening);
    else server.listen(0, '127.0.0.1', listening);
  });
  const endpoint: DockerEndpoint =
    options.tls === undefined
      ? { kind: 'docker-unix', path }
      : { kind: 'docker-tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  return {
    endpoint,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      await folder[Symbol.asyncDispose]();
    },
  };
}
