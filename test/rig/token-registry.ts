import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { testRegistry } from './registry.ts';

/** What a token server was asked. */
export interface TokenAsked {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** `NAME:PASSWORD` of basic authentication; empty without one. */
  readonly basic: string;
  /** The body of a POST, with its type in front. */
  readonly form: string;
}

/** What it says to that. */
export interface TokenAnswer {
  readonly status: number;
  readonly body?: string;
  readonly location?: string;
}

/** A registry that wants bearer tokens, and its token server. */
export interface TokenRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`: what image names begin with. */
  readonly host: string;
  /** How often a token was asked for, and how often one was refused. */
  readonly asked: () => { readonly times: number; readonly refused: number };
  /** Every question to the token server. */
  readonly requests: () => readonly TokenAsked[];
}

/** The token that opens the registry. */
export const TOKEN = 'token-of-the-test';

/** An answer with that token. */
export const GRANTED: TokenAnswer = {
  status: 200,
  body: JSON.stringify({ token: TOKEN, access_token: TOKEN, expires_in: 300 }),
};

/** Who gets a token, and what the registry asks for. */
export interface TokenRules {
  /** Undefined: as the account has it. */
  readonly answer?: (asked: TokenAsked, host: string) => TokenAnswer | undefined;
  /** The header `WWW-Authenticate`. */
  readonly challenge?: (host: string) => string;
}

/**
 * Debian's docker-registry behind token authentication (distribution `docs/spec/auth/token`): the token server, which the
 * registry does not bring, is played; images go to the real one.
 */
export async function tokenRegistry(
  account: { readonly username: string; readonly password: string },
  { answer = () => undefined, challenge }: TokenRules = {},
): Promise<TokenRegistry> {
  const registry = await testRegistry();
  const requests: TokenAsked[] = [];
  let refused = 0;
  const server = createServer((incoming, response) => {
    const host = incoming.headers.host ?? '';
    if (incoming.url?.startsWith('/token') === true) {
      void tokenAsked(incoming).then((asked) => {
        requests.push(asked);
        const { status, body, location } = answer(asked, host) ?? (isAccount(asked, account) ? GRANTED : REFUSED);
        if (status >= 400) refused++;
        response.writeHead(status, location === undefined ? {} : { location }).end(body);
      });
    } else if (incoming.headers.authorization === `Bearer ${TOKEN}`) {
      forward(incoming, response, registry.url);
    } else {
      const realm = `Bearer realm="http://${host}/token",service="test",scope="${scopeOf(incoming)}"`;
      incoming.resume();
      response
        .writeHead(401, {
          'www-authenticate': challenge?.(host) ?? realm,
          'docker-distribution-api-version': 'registry/2.0',
        })
        .end('{}');
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => ({ times: requests.length, refused }),
    requests: () => [...requests],
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      await registry[Symbol.asyncDispose]();
    },
  };
}

const REFUSED: TokenAnswer = { status: 401, body: 'no' };

/** A request to a token server, read to its end. */
export async function tokenAsked(incoming: IncomingMessage): Promise<TokenAsked> {
  const body = await text(incoming);
  const { authorization = '', 'content-type': type = '' } = incoming.headers;
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    basic: Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString(),
    form: body === '' ? '' : `${type} ${body}`,
  };
}

function isAccount(
  { method, basic, form }: TokenAsked,
  { username, password }: { readonly username: string; readonly password: string },
): boolean {
  if (method === 'GET') return basic === `${username}:${password}`;
  const sent = new URLSearchParams(form.slice(form.lastIndexOf(' ') + 1));
  return sent.get('username') === username && sent.get('password') === password;
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
