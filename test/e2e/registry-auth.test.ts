import { writeFile } from 'node:fs/promises';
import { createServer as createProxy } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testCertificates } from '../rig/certificates.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import type { Peers } from '../rig/peers.ts';
import { peers } from '../rig/peers.ts';
import type { TokenAnswer, TokenAsked, TokenRules } from '../rig/token-registry.ts';
import { GRANTED, TOKEN, tokenAsked, tokenRegistry } from '../rig/token-registry.ts';

const TEST_MS = 60_000;

type Env = Readonly<Record<string, string>>;

/** What Docker's configuration holds, and how the token server is. */
interface Case {
  readonly what: string;
  /** `config.json`, for the registry named. */
  readonly config?: (host: string) => unknown;
  /** The lines of `docker-credential-played`. */
  readonly helper?: string;
  readonly env?: (host: string) => Env;
  readonly answer?: (asked: TokenAsked, host: string) => TokenAnswer | undefined;
  readonly challenge?: TokenRules['challenge'];
}

/** What came of a build on an image that is not there. */
interface Outcome {
  readonly requests: readonly TokenAsked[];
  readonly notices: readonly string[];
  /** Whether the token was taken: the image is looked for then. */
  readonly isIn: boolean;
}

let engine: TestEngine;
let programs: Peers;

beforeAll(async () => {
  engine = await sharedEngine();
  programs = await peers({ dockerHost: engine.dockerHost });
}, 600_000);

afterAll(() => programs[Symbol.asyncDispose]());

const basic = (text: string): string => Buffer.from(text).toString('base64');
const password = (host: string): unknown => ({ auths: { [host]: { auth: basic('ada:secret') } } });
const identity = (host: string): unknown => ({ auths: { [host]: { auth: basic('ada:secret'), identitytoken: 'id' } } });
const onPost =
  (status: number) =>
  ({ method }: TokenAsked): TokenAnswer =>
    method === 'POST' ? { status } : GRANTED;
const sentOn =
  (status: number, to: (host: string) => string) =>
  ({ path }: TokenAsked, host: string): TokenAnswer =>
    path.startsWith('/token2') ? GRANTED : { status, location: `${to(host)}${path.replace('/token', '/token2')}` };
const elsewhere = (host: string): string => `http://localhost:${host.split(':')[1]}`;
const ofHelper = (answer: object): string => `echo '${JSON.stringify(answer)}'`;
const NOT_FOUND = "echo 'credentials not found in native keychain'; exit 1";

const CASES: readonly Case[] = [
  { what: 'no credentials' },
  { what: 'a password', config: password },
  { what: 'a password of a URL', config: (host) => password(`https://${host}/v1/`) },
  { what: 'an identity token', config: identity },
  { what: 'a ready token', config: (host) => ({ auths: { [host]: { registrytoken: TOKEN } } }) },
  {
    what: 'a helper with a password, before the file',
    config: (host) => ({ credHelpers: { [host]: 'played' }, ...Object(password(host)) }),
    helper: ofHelper({ ServerURL: '', Username: 'bea', Secret: 'hidden' }),
  },
  {
    what: 'a helper with an identity token',
    config: () => ({ credsStore: 'played' }),
    helper: ofHelper({ ServerURL: '', Username: '<token>', Secret: 'id' }),
  },
  {
    what: 'a helper that knows nothing: the password in the file does not count',
    config: (host) => ({ credsStore: 'played', ...Object(password(host)) }),
    helper: NOT_FOUND,
  },
  {
    what: 'a helper with a password, and a ready token in the file, which counts',
    config: (host) => ({ credsStore: 'played', auths: { [host]: { registrytoken: TOKEN } } }),
    helper: ofHelper({ ServerURL: '', Username: 'bea', Secret: 'hidden' }),
  },
  {
    what: 'no helper for this host',
    config: (host) => ({ credsStore: 'nosuch', credHelpers: { [host]: '' }, ...Object(password(host)) }),
  },
  { what: 'a helper that fails', config: () => ({ credsStore: 'played' }), helper: 'exit 1' },
  { what: 'a helper that is not there', config: () => ({ credsStore: 'nosuch' }) },
  {
    what: 'DOCKER_AUTH_CONFIG, before the file',
    config: password,
    env: (host) => ({ DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [host]: { auth: basic('env:secret') } } }) }),
  },
  {
    what: 'DOCKER_AUTH_CONFIG of another registry, beside the file',
    config: password,
    env: () => ({ DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { 'a.example': { auth: basic('env:secret') } } }) }),
  },
  {
    what: 'DOCKER_AUTH_CONFIG of a URL, which means no registry',
    env: (host) => ({
      DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [`https://${host}`]: { auth: basic('env:x') } } }),
    }),
  },
  {
    what: 'DOCKER_AUTH_CONFIG with what may not stand there',
    config: password,
    env: () => ({ DOCKER_AUTH_CONFIG: '{"auths":{},"credsStore":"nosuch"}' }),
  },
  { what: 'passwords instead of tokens', config: password, env: () => ({ BUILDKIT_NO_CLIENT_TOKEN: '1' }) },
  { what: 'basic authentication', config: password, challenge: () => 'Basic realm="x"' },
  ...[404, 401, 405, 403].map((status) => ({
    what: `a password, and ${status} for a POST`,
    config: password,
    answer: onPost(status),
  })),
  ...[404, 405].map((status) => ({
    what: `an identity token, and ${status} for a POST`,
    config: identity,
    answer: onPost(status),
  })),
  { what: 'a refusal without credentials', answer: () => ({ status: 401 }) },
  { what: 'a redirect', answer: sentOn(302, (host) => `http://${host}`) },
  { what: 'a redirect of a POST', config: password, answer: sentOn(302, (host) => `http://${host}`) },
  { what: 'a redirect that keeps the POST', config: password, answer: sentOn(307, (host) => `http://${host}`) },
  {
    what: 'a redirect of a GET with a password to another host',
    config: password,
    answer: (asked, host) => (asked.method === 'POST' ? { status: 404 } : sentOn(302, elsewhere)(asked, host)),
  },
  {
    what: 'an access_token that is empty, and a year that is 1',
    answer: () => ({
      status: 200,
      body: JSON.stringify({ access_token: '', token: TOKEN, issued_at: '0001-01-01T00:00:00Z' }),
    }),
  },
  { what: 'no service', challenge: (host) => `Bearer realm="http://${host}/token",scope="repository:a:pull"` },
  {
    what: 'a realm with a query',
    answer: () => GRANTED,
    challenge: (host) => `Bearer realm="http://${host}/token?x=1&service=own",service="test",scope="repository:a:pull"`,
  },
];

/** Builds on an image of a fresh registry, with one of the programs. */
async function outcome(program: 'depot' | 'buildx', one: Case): Promise<Outcome> {
  const { answer = () => GRANTED, challenge } = one;
  const rules = { answer, ...(challenge === undefined ? {} : { challenge }) };
  await using registry = await tokenRegistry({ username: 'ada', password: 'secret' }, rules);
  await using config = await tempFolder('config');
  const { host } = registry;
  await writeFile(join(config.path, 'config.json'), JSON.stringify(one.config?.(host) ?? {}));
  await writeFile(join(config.path, 'Dockerfile'), `FROM ${host}/none\n`);
  const script = `#!/bin/sh\nread -r host\n${one.helper ?? 'exit 2'}\n`;
  await writeFile(join(config.path, 'docker-credential-played'), script, { mode: 0o755 });
  const env = { DOCKER_CONFIG: config.path, PATH: `${config.path}:${process.env['PATH']}`, ...one.env?.(host) };
  const args = ['build', '--progress=plain', '--output=type=cacheonly', config.path];
  const { stderr } =
    program === 'depot'
      ? await depot(args, { cwd: config.path, env: { ...env, DOCKER_HOST: engine.dockerHost } })
      : await programs.run('buildx', args, { env });
  const everyTime = registry.requests().map((asked) => JSON.stringify(asked).replaceAll(host, 'HOST'));
  return {
    requests: [...new Set(everyTime)].map((text) => JSON.parse(text) as TokenAsked),
    notices: [...new Set(stderr.replaceAll(host, 'HOST').match(/\[auth\] .*/g))],
    isIn: /none:latest: not found/.test(stderr),
  };
}

describe('a registry is asked in the same way as by buildx', { timeout: TEST_MS }, () => {
  test.each(CASES)('with $what', async (one) => {
    const [ours, theirs] = await Promise.all([outcome('depot', one), outcome('buildx', one)]);
    expect(ours).toEqual(theirs);
  });
});

test('a password does not follow a redirect to another host', { timeout: TEST_MS }, async () => {
  const ours = await outcome('depot', { what: '', config: password, answer: sentOn(307, elsewhere) });
  expect(ours).toMatchObject({ isIn: false, requests: [{ path: '/token' }] });
});

test('a token that a builder has is used again, by all targets and in later builds', { timeout: TEST_MS }, async () => {
  await using registry = await tokenRegistry({ username: 'ada', password: 'secret' });
  await using folder = await tempFolder('again');
  const { host } = registry;
  await writeFile(join(folder.path, 'config.json'), JSON.stringify(password(host)));
  const targets = ['a', 'b', 'c'].map((name) => `target "${name}" { dockerfile-inline = "FROM ${host}/none" }\n`);
  await writeFile(
    join(folder.path, 'docker-bake.hcl'),
    `group "default" { targets = ["a", "b", "c"] }\n${targets.join('')}`,
  );
  const env = { DOCKER_HOST: engine.dockerHost, DOCKER_CONFIG: folder.path };
  for (let time = 0; time < 2; time++) {
    const run = await depot(['bake', '--progress=plain'], { cwd: folder.path, env });
    expect(run.stderr).toContain('/none:latest: not found');
  }
  const args = ['bake', '--progress=plain', '--file', join(folder.path, 'docker-bake.hcl')];
  const theirs = await programs.run('buildx', args, { cwd: folder.path, env: { DOCKER_CONFIG: folder.path } });
  expect(theirs.stderr).toContain('/none:latest: not found');
  expect(registry.asked().times).toBe(1);
});

describe('a token server is reached', { timeout: TEST_MS }, () => {
  test('through the proxy of the environment', async () => {
    const heard: string[] = [];
    const proxy = createProxy((incoming, response) => {
      void tokenAsked(incoming).then(({ path }) => {
        heard.push(path);
        response.end(GRANTED.body);
      });
    });
    await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
    try {
      const { port } = proxy.address() as AddressInfo;
      const one: Case = {
        what: '',
        env: () => ({ HTTP_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: 'other.example' }),
        challenge: () => 'Bearer realm="http://token.example/token",service="test",scope="repository:none:pull"',
      };
      expect(await outcome('depot', one)).toMatchObject({ isIn: true });
      const [ours] = heard.splice(0);
      expect(await outcome('buildx', one)).toMatchObject({ isIn: true });
      expect(ours).toBe(heard[0]);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  test('over TLS where an authority of the system vouches for it', async () => {
    const { ca, server } = await testCertificates();
    await using folder = await tempFolder('authority');
    const file = join(folder.path, 'ca.pem');
    await writeFile(file, ca);
    const https = createServer({ cert: server.cert, key: server.key }, (incoming, response) => {
      incoming.resume();
      response.end(GRANTED.body);
    });
    await new Promise<void>((listening) => https.listen(0, '127.0.0.1', listening));
    try {
      const { port } = https.address() as AddressInfo;
      const challenge = (): string =>
        `Bearer realm="https://127.0.0.1:${port}/token",service="test",scope="repository:none:pull"`;
      for (const program of ['depot', 'buildx'] as const) {
        const trusting: Case = { what: '', env: () => ({ SSL_CERT_FILE: file }), challenge };
        expect(await outcome(program, trusting), program).toMatchObject({ isIn: true });
        expect(await outcome(program, { what: '', challenge }), program).toMatchObject({ isIn: false });
      }
    } finally {
      https.closeAllConnections();
      https.close();
    }
  });
});
