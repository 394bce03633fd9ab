import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import { sharedRoot } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import { ImageMaker } from '../rig/registry-image.ts';
import { testRegistry } from '../rig/registry.ts';
import type { TokenRegistry } from '../rig/token-registry.ts';
import { GRANTED, tokenRegistry } from '../rig/token-registry.ts';

const TEST_MS = 60_000;
const ACCOUNT = { username: 'ada', password: 'very-secret' };

beforeAll(sharedRoot, 600_000);

/** depot with a Docker configuration that has an account for a registry. */
async function images(
  args: readonly string[],
  {
    host = '',
    password = ACCOUNT.password,
    env = {},
  }: { readonly host?: string; readonly password?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<DepotRun> {
  await using folder = await tempFolder('docker-config');
  const auth = Buffer.from(`${ACCOUNT.username}:${password}`).toString('base64');
  await writeFile(join(folder.path, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
  return await depot(['images', ...args], { cwd: '/', env: { DOCKER_CONFIG: folder.path, ...env } });
}

async function image(host: string): Promise<void> {
  await using maker = new ImageMaker(host, 'app');
  await maker.image({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers' } }, { tag: '1' });
}

/** Scopes of one token as a set: their order means nothing. */
function scopesAsked(registry: TokenRegistry): readonly string[] {
  return registry.requests().map(({ path, form }) => {
    const query = new URLSearchParams(
      form === '' ? path.slice(path.indexOf('?') + 1) : form.slice(form.lastIndexOf(' ') + 1),
    );
    return query
      .getAll('scope')
      .flatMap((scope) => scope.split(' '))
      .sort()
      .join(' ');
  });
}

test(
  'basic authentication: with the account it works, without it the hint is to log in',
  { timeout: TEST_MS },
  async () => {
    await using source = await testRegistry();
    await using registry = await testRegistry({ account: ACCOUNT });
    await image(source.host);
    const name = `${registry.host}/app:1`;
    const create = ['create', '-t', name, `${source.host}/app:1`];
    const anonymous = await images(create);
    expect(anonymous.exitCode).toBe(1);
    expect(anonymous.stderr).toContain(`ERROR: ${name} was not pushed: ${registry.host}: `);
    expect(anonymous.stderr).toContain(`status 401 Unauthorized`);
    expect(anonymous.stderr).toContain(`log in with \`docker login ${registry.host}\``);
    const wrong = await images(create, { host: registry.host, password: 'wrong-secret' });
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stderr).toContain('status 401 Unauthorized');
    expect(wrong.stderr).not.toContain('wrong-secret');
    const right = await images(create, { host: registry.host });
    expect(right.exitCode, right.stderr).toBe(0);
    expect((await images(['inspect', name], { host: registry.host })).stdout).toContain(`Name:      ${name}\n`);
    expect((await images(['inspect', name])).stderr).toContain(`log in with \`docker login ${registry.host}\``);
  },
);

test(
  'tokens: one for each that is needed, with the scopes of both repositories for what is taken over',
  { timeout: TEST_MS },
  async () => {
    await using registry = await tokenRegistry(ACCOUNT);
    await using source = await testRegistry();
    await image(source.host);
    const pushed = await images(['create', '-t', `${registry.host}/app:1`, `${source.host}/app:1`], {
      host: registry.host,
    });
    expect(pushed.exitCode, pushed.stderr).toBe(0);
    expect(scopesAsked(registry)).toEqual(['repository:app:pull', 'repository:app:pull,push']);
    const copied = await images(['create', '-t', `${registry.host}/other:1`, `${registry.host}/app:1`], {
      host: registry.host,
    });
    expect(copied.exitCode, copied.stderr).toBe(0);
    expect(new Set(scopesAsked(registry).slice(2))).toEqual(
      new Set([
        'repository:app:pull',
        'repository:other:pull',
        'repository:other:pull,push',
        'repository:app:pull repository:other:pull,push',
      ]),
    );
  },
);

test('a token server that refuses is told, without the password', { timeout: TEST_MS }, async () => {
  await using registry = await tokenRegistry(ACCOUNT);
  const run = await images(['inspect', `${registry.host}/app:1`], { host: registry.host, password: 'wrong-secret' });
  expect(run).toMatchObject({ exitCode: 1, stdout: '' });
  expect(run.stderr).toMatch(
    /ERROR: \S+: reading app:1: .* refused a token with status 401\n {2}log in with `docker login/,
  );
  expect(run.stderr).not.toContain('wrong-secret');
});

test('a token that ends in mid-way is renewed', { timeout: TEST_MS }, async () => {
  let given = 0;
  await using registry = await tokenRegistry(ACCOUNT, {
    // The first of each kind is one that the registry does not take.
    answer: () =>
      ++given % 2 === 1 ? { status: 200, body: JSON.stringify({ token: 'old', expires_in: 300 }) } : GRANTED,
  });
  await using source = await testRegistry();
  await image(source.host);
  const run = await images(['create', '-t', `${registry.host}/app:1`, `${source.host}/app:1`], { host: registry.host });
  expect(run.exitCode, run.stderr).toBe(0);
});

test(
  'a certificate that nobody knows is told with what would help, and an authority that is named is used',
  { timeout: TEST_MS },
  async () => {
    await using registry = await testRegistry({ tls: true });
    const name = `${registry.host}/app:1`;
    const unknown = await images(['inspect', name]);
    expect(unknown.exitCode).toBe(1);
    expect(unknown.stderr).toMatch(/ERROR: \S+: reading app:1: .*certificate/);
    expect(unknown.stderr).toContain('a certificate that is not trusted here');
    await using folder = await tempFolder('authority');
    const file = join(folder.path, 'ca.pem');
    await writeFile(file, registry.certificate ?? '');
    const known = await images(['inspect', name], { env: { NODE_EXTRA_CA_CERTS: file } });
    expect(known.stderr).toContain('status 404 Not Found');
  },
);
