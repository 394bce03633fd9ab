import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { RegistryClient } from '../../../runtime/registry/client.ts';
import { wholeBlob } from '../../../runtime/registry/steady-blob.ts';
import { digestOf } from '../../rig/registry-image.ts';

const BLOB = Buffer.from('a blob');
const DIGEST = digestOf(BLOB);

interface PlayedServer extends AsyncDisposable {
  readonly host: string;
  /** The `Authorization` of each request; empty without one. */
  readonly seen: readonly string[];
}

/** What no registry at hand does by itself: it sends clients elsewhere. */
async function played(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<PlayedServer> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization ?? '');
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

test('a blob that lies elsewhere is fetched there, without the credentials of the registry', async () => {
  await using storage = await played((_request, response) => response.end(BLOB));
  await using registry = await played((request, response) => {
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    } else if (request.url?.endsWith('?here') === true)
      response.writeHead(307, { location: `http://${storage.host}/` }).end();
    else response.writeHead(307, { location: `${request.url}?here` }).end();
  });
  const credentials = { find: async () => ({ username: 'ada', secret: 'very-secret', registryToken: '' }) };
  await using client = new RegistryClient(registry.host, { credentials, env: new Map() });
  const blob = { repository: 'app', digest: DIGEST, size: BLOB.length };
  const bytes = await wholeBlob(client, blob, { maxBytes: 100, signal: AbortSignal.timeout(10_000) });
  expect(bytes).toEqual(BLOB);
  expect(storage.seen).toEqual(['']);
  const basic = `Basic ${Buffer.from('ada:very-secret').toString('base64')}`;
  expect(registry.seen.slice(-2)).toEqual([basic, basic]);
});
