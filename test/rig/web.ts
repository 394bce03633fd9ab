import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Git } from './git.ts';

/** A web server on the loopback interface that goes away with its scope. */
export interface TestWeb extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** The Authorization headers of all requests, in order; empty where there was none. */
  readonly authorizations: string[];
}

/** What it serves. */
export interface WebContents {
  /** By path. */
  readonly files?: Readonly<Record<string, Uint8Array | string>>;
  /** Repositories by path (`/app.git`), over git's own protocol. */
  readonly repositories?: Readonly<Record<string, string>>;
  readonly git?: Git;
  /** The Authorization header without which everything is refused. */
  readonly authorization?: string;
  /** Called with each request, which then is never answered. */
  readonly onRequest?: () => void;
}

/** Serves files and git repositories until its scope ends. */
export async function testWeb(contents: WebContents): Promise<TestWeb> {
  const authorizations: string[] = [];
  const server = createServer((request, response) => {
    authorizations.push(request.headers.authorization ?? '');
    if (contents.onRequest !== undefined) return contents.onRequest();
    answer(request, response, contents).catch(() => response.destroy());
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    authorizations,
    [Symbol.asyncDispose]: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { files = {}, repositories = {}, git, authorization }: WebContents,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://server.invalid');
  if (authorization !== undefined && request.headers.authorization !== authorization) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    return;
  }
  const file = files[url.pathname];
  if (file !== undefined) {
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(file);
    return;
  }
  const [path, repository] = Object.entries(repositories).find(([one]) => url.pathname.startsWith(`${one}/`)) ?? [];
  if (path === undefined || repository === undefined || git === undefined) {
    response.writeHead(404).end();
    return;
  }
  const protocol = request.headers['git-protocol'];
  const options = { protocol: typeof protocol === 'string' ? protocol : undefined };
  if (url.pathname === `${path}/info/refs`) {
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
    response.write('001e# service=git-upload-pack\n0000');
    await pipeline(git.uploadPack(repository, ['--advertise-refs'], { ...options, body: undefined }), response);
    return;
  }
  response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
  const body = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
  await pipeline(git.uploadPack(repository, [], { ...options, body }), response);
}
