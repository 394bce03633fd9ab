import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReachedDocker } from './engine.ts';

/** A real Docker Engine behind a proxy that answers some of its calls with a refusal. */
export interface RefusingDocker extends AsyncDisposable {
  /** `tcp://127.0.0.1:PORT`. */
  readonly dockerHost: string;
  /** How many pulls have gone on at the same time. */
  mostPulls(): number;
}

/** Hands every call on but those whose path matches, which get a 500 with `message`. */
export async function refusingDocker(
  docker: ReachedDocker,
  { refused, message }: { readonly refused: RegExp; readonly message: string } = { refused: /^$/, message: '' },
): Promise<RefusingDocker> {
  const to = docker.kind === 'docker-unix' ? { socketPath: docker.path } : { host: docker.host, port: docker.port };
  let [pulls, mostPulls] = [0, 0];
  const server = http.createServer((request, response) => {
    const { method, url = '', headers } = request;
    if (url.includes('/images/create')) {
      mostPulls = Math.max(mostPulls, ++pulls);
      response.once('close', () => pulls--);
    }
    if (refused.test(url)) {
      response.writeHead(500, { 'Content-Type': 'application/json' }).end(JSON.stringify({ message }));
      return;
    }
    const forwarded = http.request({ ...to, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    forwarded.once('error', () => response.destroy());
    request.pipe(forwarded);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    dockerHost: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mostPulls: () => mostPulls,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
