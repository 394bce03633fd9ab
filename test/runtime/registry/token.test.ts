import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import type { RegistryCredentials } from '../../../runtime/docker/credentials.ts';
import type { Token } from '../../../runtime/registry/token.ts';
import { fetchToken } from '../../../runtime/registry/token.ts';

interface Asking {
  readonly credentials?: Partial<RegistryCredentials>;
  readonly limitMs?: number;
}

/** What comes of asking a token server that answers so. */
async function ask(answer: RequestListener, { credentials = {}, limitMs = 20_000 }: Asking = {}): Promise<Token> {
  const server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
    return await fetchToken(
      { realm, service: 's', scopes: ['repository:a:pull'] },
      { username: '', secret: '', registryToken: '', ...credentials },
      { env: new Map(), signal: AbortSignal.timeout(20_000), limitMs },
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const grants =
  (json: object): RequestListener =>
  (_request, response) =>
    void response.end(JSON.stringify(json));

test('a token server that never answers is given up, with the time', async () => {
  await expect(ask(() => undefined, { limitMs: 200 })).rejects.toThrow(
    /^http:.*\/token did not answer in 0\.2 seconds$/,
  );
});

test('a token server that stops in the middle is given up as well', async () => {
  await expect(ask((_request, response) => void response.write('{"tok'), { limitMs: 200 })).rejects.toThrow(
    /did not answer/,
  );
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
  ['a redirect to nowhere', 302, '', /answered with status 302$/],
  ['no JSON', 200, '<html>secret</html>', /answered with what is no JSON object$/],
  ['null', 200, 'null', /answered with what is no JSON object$/],
  ['no token', 200, '{}', /answered without a token$/],
  ['a refusal', 403, 'no', /refused a token with status 403$/],
])('%s is told as such', async (_name, status, body, message) => {
  await expect(ask((_request, response) => void response.writeHead(status).end(body))).rejects.toThrow(message);
});

test.each([
  [{}, 60],
  [{ expires_in: 0 }, 60],
  [{ expires_in: -5 }, 60],
  [{ expires_in: '300' }, 60],
  [{ expires_in: 299.5 }, 299],
  [{ expires_in: 3600 }, 3600],
])('with %j a token holds for %i seconds', async (said, expected) => {
  expect(await ask(grants({ token: 'T', ...said }))).toMatchObject({ token: 'T', expiresIn: expected });
});

test.each([
  [{}, 0],
  [{ issued_at: '0001-01-01T00:00:00Z' }, 0],
  [{ issued_at: 'yesterday' }, 0],
  [{ issued_at: '2026-01-02T03:04:05.678Z' }, 1_767_323_045],
])('with %j a token was issued at %i', async (said, expected) => {
  expect(await ask(grants({ token: 'T', ...said }))).toMatchObject({ issuedAt: expected });
});

test.each([
  [{ access_token: 'A' }, 'A'],
  [{ access_token: 'A', token: 'T' }, 'A'],
  [{ access_token: '', token: 'T' }, 'T'],
  [{ access_token: null, token: 'T' }, 'T'],
])('the token in %j is %s', async (said, expected) => {
  expect((await ask(grants(said))).token).toBe(expected);
});

test('a ready token is told without asking anybody', async () => {
  let times = 0;
  const token = await ask(() => times++, { credentials: { username: 'ada', secret: 'x', registryToken: 'R' } });
  expect(token).toEqual({ token: 'R', expiresIn: 60, issuedAt: 0 });
  expect(times).toBe(0);
});

test.each([
  ['{"details":"incorrect username or password"}', ': incorrect username or password'],
  ['{"errors":[{"code":"DENIED","message":"requested access is denied"}]}', ': requested access is denied'],
  ['{"error":"invalid_grant","error_description":"the token has ended"}', ': the token has ended'],
  ['{"message":"no user hunter2 here"}', ''],
  [JSON.stringify({ details: `you sent Basic ${Buffer.from('ada:hunter2').toString('base64')}` }), ''],
  ['{"errors":[null]}', ''],
  ['{"errors":{}}', ''],
  [JSON.stringify({ details: 'x'.repeat(1000) }), `: ${'x'.repeat(300)}`],
])('the reason of a refusal is told, but not what was sent: %s', async (body, told) => {
  const refusing: RequestListener = (_request, response) => void response.writeHead(403).end(body);
  const asked = ask(refusing, { credentials: { username: 'ada', secret: 'hunter2' } });
  await expect(asked).rejects.toThrow(new RegExp(`/token refused a token with status 403${told}$`));
});

test('redirects in a circle end', async () => {
  let times = 0;
  const circling: RequestListener = (_request, response) => {
    times++;
    response.writeHead(302, { location: '/token' }).end();
  };
  await expect(ask(circling)).rejects.toThrow(/answered with status 302$/);
  expect(times).toBe(11);
});

test.each(['file:///etc/passwd', 'ftp://a.example/', 'nonsense'])(
  'a redirect to %s is not followed',
  async (location) => {
    const sending: RequestListener = (request, response) =>
      request.url === '/token?scope=repository%3Aa%3Apull&service=s'
        ? void response.writeHead(302, { location }).end()
        : void response.writeHead(404).end();
    await expect(ask(sending)).rejects.toThrow(/status (?:302|404)$/);
  },
);

test('a realm that is no address is refused', async () => {
  const options = { env: new Map<string, string>(), signal: AbortSignal.timeout(20_000) };
  const anonymous = { username: '', secret: '', registryToken: '' };
  for (const realm of ['', 'token', 'file:///etc/passwd', 'ftp://a.example/']) {
    const asked = fetchToken({ realm, service: '', scopes: [] }, anonymous, options);
    await expect(asked).rejects.toThrow(`${JSON.stringify(realm)} is no address of a token server`);
  }
});

test('a password does not go to another machine in plain http, unless that is allowed', async () => {
  let asked = 0;
  const proxy = createServer((_request, response) => {
    asked++;
    response.end('{"token":"T"}');
  });
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
  const env = new Map([['HTTP_PROXY', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`]]);
  const wanted = { realm: 'http://auth.test/token', service: 's', scopes: [] };
  const options = { env, signal: AbortSignal.timeout(20_000) };
  const ada = { username: 'ada', secret: 'x', registryToken: '' };
  try {
    const refused = fetchToken(wanted, ada, options);
    await expect(refused).rejects.toThrow('http://auth.test/token is plain http, where no password is sent to');
    expect(asked).toBe(0);
    expect((await fetchToken(wanted, ada, { ...options, allowsPlain: true })).token).toBe('T');
    expect((await fetchToken(wanted, { ...ada, secret: '' }, options)).token).toBe('T');
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});
