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

const ADA = { find: async () => ({ username: 'ada', secret: 'very-secret', registryToken: '' }) };
const BASIC = `Basic ${Buffer.from('ada:very-secret').toString('base64')}`;
const UPLOAD = {
  digest: DIGEST,
  size: BLOB.length,
  read: async function* () {
    yield BLOB;
  },
};
const PATIENCE = { attempts: 1, firstPauseMs: 1 };

/** Answers as a registry that wants the password, where it is not there yet. */
function wantsPassword(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.headers.authorization !== undefined) return false;
  response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  return true;
}

test('a blob that a registry has sent elsewhere goes there without the credentials, whatever is asked for there', async () => {
  await using elsewhere = await played((request, response) => {
    request.resume().once('end', () => {
      if (request.url?.startsWith('/token') === true) response.end('{"token":"t"}');
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${elsewhere.host}/token"` }).end();
    });
  });
  await using registry = await played((request, response) => {
    request.resume();
    if (wantsPassword(request, response)) return;
    if (request.method === 'HEAD') response.writeHead(404).end();
    else response.writeHead(202, { location: `http://${elsewhere.host}/upload` }).end();
  });
  await using client = new RegistryClient(registry.host, { credentials: ADA, env: new Map(), patience: PATIENCE });
  await expect(client.ensureBlob('app', UPLOAD, { signal: AbortSignal.timeout(10_000) })).rejects.toThrow('status 401');
  expect(registry.seen).toContain(BASIC);
  expect(elsewhere.seen).toEqual(['']);
});

test('nothing goes in plain http to another machine, wherever a registry sends it', async () => {
  await using network = await played((_request, response) => response.end(BLOB));
  await using registry = await played((request, response) => {
    request.resume();
    if (request.method === 'HEAD') response.writeHead(404).end();
    else if (request.method === 'POST') response.writeHead(202, { location: 'http://storage.test/upload' }).end();
    else response.writeHead(307, { location: 'http://storage.test/' }).end();
  });
  const env = new Map([['HTTP_PROXY', `http://${network.host}`]]);
  await using client = new RegistryClient(registry.host, { credentials: ADA, env, patience: PATIENCE });
  const signal = AbortSignal.timeout(10_000);
  const why = 'it sends on to http://storage.test, and other than by https only this machine is asked';
  await expect(client.readManifest('app', '1', { signal })).rejects.toThrow(why);
  await expect(client.ensureBlob('app', UPLOAD, { signal })).rejects.toThrow(why);
  expect(network.seen).toEqual([]);
});

test('a registry that repeats what was sent is not repeated', async () => {
  await using registry = await played((request, response) => {
    if (wantsPassword(request, response)) return;
    const message = `you sent ${request.headers.authorization}`;
    response.writeHead(403).end(JSON.stringify({ errors: [{ code: 'DENIED', message }] }));
  });
  await using client = new RegistryClient(registry.host, { credentials: ADA, env: new Map(), patience: PATIENCE });
  const reading = client.readManifest('app', '1', { signal: AbortSignal.timeout(10_000) });
  await expect(reading).rejects.toThrow(/reading app:1: status 403 Forbidden$/);
});

test('a page for people is no manifest, and its kind is told', async () => {
  await using registry = await played((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>'),
  );
  await using client = new RegistryClient(registry.host, { credentials: ADA, env: new Map() });
  const page = await client.readManifest('app', '1', { signal: AbortSignal.timeout(10_000) });
  expect(page.mediaType).toBe('text/html');
});
