import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { testRegistry } from './registry.ts';

/** A registry that wants bearer tokens, and its token server. */
export interface TokenRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`: what image names begin with. */
  readonly host: string;
  /** How often a token was asked for, and how often one was refused. */
  readonly asked: () => { readonly times: number; readonly refused: number };
}

const TOKEN = 'token-of-the-test';

/**
 * Debian's docker-registry behind token authentication (distribution `docs/spec/auth/token`): the token server, which the
 * registry does not bring, is played; images go to the real one.
 */
export async function tokenRegistry(account: {
  readonly username: string;
  readonly password: string;
}): Promise<TokenRegistry> {
  const registry = await testRegistry();
  const asked = { times: 0, refused: 0 };
  const server = createServer((incoming, response) => {
    if (incoming.url?.startsWith('/token') === true) {
      asked.times++;
      void isAccount(incoming, account).then((right) => {
        if (!right) asked.refused++;
        response.writeHead(right ? 200 : 401).end(right ? JSON.stringify({ token: TOKEN, expires_in: 300 }) : 'no');
      });
    } else if (incoming.headers.authorization === `Bearer ${TOKEN}`) {
      forward(incoming, response, registry.url);
    } else {
      const realm = `Bearer realm="http://${incoming.headers.host}/token",service="test",scope="${scopeOf(incoming)}"`;
      incoming.resume();
      response
        .writeHead(401, { 'www-authenticate': realm, 'docker-distribution-api-version': 'registry/2.0' })
        .end('{}');
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => ({ ...asked }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      await registry[Symbol.asyncDispose]();
    },
  };
}

async function isAccount(
  incoming: IncomingMessage,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<boolean> {
  const form = new URLSearchParams(await text(incoming));
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  if (incoming.method === 'GET') return incoming.headers.authorization === basic;
  return form.get('username') === username && form.get('password') === password;
}

function scopeOf(incoming: IncomingMessage): string {
  const name = /^\/v2\/(.+)\/(?:blobs|manifests|tags)\//.exec(incoming.url ?? '')?.[1];
  return name === undefined ? '' : `repository:${name}:pull,push`;
}

function forward(incoming: IncomingMessage, response: ServerResponse, to: string): void {
  const { authorization: _token, ...headers } = incoming.headers;
  const onward = request(new URL(incoming.url ?? '/', to), { method: incoming.method, headers });
  onward.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.once('error', () => response.destroy());
  incoming.pipe(onward);
}
