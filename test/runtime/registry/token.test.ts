import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import type { Token } from '../../../runtime/registry/token.ts';
import { fetchToken } from '../../../runtime/registry/token.ts';

/** What comes of asking a token server that answers so. */
async function ask(answer: RequestListener, limitMs?: number): Promise<Token> {
  const server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
    const wanted = { realm, service: 's', scopes: ['repository:a:pull'], clientId: 'c' };
    const limit = limitMs === undefined ? {} : { limitMs };
    return await fetchToken(
      wanted,
      { username: '', secret: '', registryToken: '' },
      { signal: AbortSignal.timeout(20_000), ...limit },
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a token server that never answers is given up, with the time', async () => {
  await expect(ask(() => undefined, 200)).rejects.toThrow(/^http:.*\/token did not answer in 0\.2 seconds$/);
});

test('a token server that stops in the middle is given up as well', async () => {
  await expect(ask((_request, response) => void response.write('{"tok'), 200)).rejects.toThrow(/did not answer/);
});

test('an answer without end is cut off', async () => {
  const endless: RequestListener = (_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536))) continue;
    };
    response.on('drain', more);
    more();
  };
  await expect(ask(endless)).rejects.toThrow(/\/token answered with more than 1 MB$/);
});

test.each<[string, number, string, RegExp]>([
  ['a redirect', 302, '', /answered with status 302; redirects are not followed with credentials$/],
  ['no JSON', 200, '<html>secret</html>', /answered with what is no JSON object$/],
  ['null', 200, 'null', /answered with what is no JSON object$/],
  ['no token', 200, '{}', /answered without a token$/],
  ['a refusal', 403, 'no', /refused a token with status 403$/],
])('%s is told as such', async (_name, status, body, message) => {
  await expect(
    ask((_request, response) => void response.writeHead(status, { location: '/x' }).end(body)),
  ).rejects.toThrow(message);
});
