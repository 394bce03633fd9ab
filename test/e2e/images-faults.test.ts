import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { Fault, FaultProxy, Mischief } from '../rig/fault-proxy.ts';
import { faultProxy } from '../rig/fault-proxy.ts';
import type { Peers } from '../rig/peers.ts';
import { peers } from '../rig/peers.ts';
import { ImageMaker } from '../rig/registry-image.ts';
import type { TestRegistry } from '../rig/registry.ts';
import { testRegistry } from '../rig/registry.ts';

const TEST_MS = 60_000;

let source: TestRegistry;
let target: TestRegistry;
let other: TestRegistry;
/** In front of the source and of the target. */
let from: FaultProxy;
let to: FaultProxy;
let programs: Peers;
let count = 0;
let layer = '';
let child = '';

beforeAll(async () => {
  programs = await peers();
  [source, target, other] = await Promise.all([testRegistry(), testRegistry(), testRegistry()]);
  [from, to] = await Promise.all([faultProxy(source.url), faultProxy(target.url)]);
  await using maker = new ImageMaker(source.host, 'app');
  const config = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers' } };
  const large = await maker.layer(3_000_000);
  layer = large.digest;
  const image = await maker.image(config, { tag: 'single', layers: [large] });
  child = image.digest;
  await maker.index([{ ...image, platform: { architecture: 'amd64', os: 'linux' } }], { tag: '1' });
}, 600_000);

afterAll(async () => {
  for (const one of [from, to, source, target, other, programs]) await one[Symbol.asyncDispose]();
});

beforeEach(() => {
  from.clear();
  to.clear();
});

/** A repository that nothing has been pushed to yet. */
function fresh(): string {
  return `made-${++count}`;
}

function create(names: readonly string[], options: { readonly interrupt?: AbortSignal } = {}): Promise<DepotRun> {
  const tags = names.flatMap((name) => ['-t', name]);
  return depot(['images', 'create', ...tags, `${from.host}/app:1`], { cwd: '/', ...options });
}

async function isThere(name: string): Promise<boolean> {
  const args = ['--insecure-policy', 'inspect', '--tls-verify=false', '--raw', `docker://${name}`];
  return (await programs.run('skopeo', args)).exitCode === 0;
}

const refusal = (status: number, code: string, message: string): Mischief => ({
  is: 'answered',
  status,
  body: JSON.stringify({ errors: [{ code, message }] }),
  headers: { 'retry-after': '0' },
});

/** What a registry does for good, and what is said of it. */
const REFUSALS: readonly (readonly [what: string, fault: Fault, told: RegExp])[] = [
  [
    'no account',
    { on: /^POST .*\/uploads/, does: refusal(401, 'UNAUTHORIZED', 'who are you') },
    /pushing a blob of made-\d+: status 401 Unauthorized: UNAUTHORIZED: who are you\n {2}log in with `docker login 127/,
  ],
  [
    'no right to push the tag',
    { on: /^PUT .*\/manifests\/1$/, does: refusal(403, 'DENIED', 'tags are immutable') },
    /pushing made-\d+:1: status 403 Forbidden: DENIED: tags are immutable\n {2}log in with/,
  ],
  [
    'no such repository',
    { on: /^POST .*\/uploads/, does: refusal(404, 'NAME_UNKNOWN', 'repository does not exist') },
    /status 404 Not Found: NAME_UNKNOWN: repository does not exist\n {2}check the name and the tag; some registries/,
  ],
  [
    'too many requests',
    { on: /^PUT .*\/manifests\//, does: refusal(429, 'TOOMANYREQUESTS', 'slow down') },
    /status 429 Too Many Requests: TOOMANYREQUESTS: slow down\n {2}\S+ limits how often it is asked/,
  ],
  [
    'a server that is not well',
    { on: /^HEAD /, does: refusal(500, 'UNKNOWN', '') },
    /status 500 Internal Server Error\n {2}\S+ is not well; try again later/,
  ],
  [
    'a server that hangs up',
    { on: /^PUT .*\/uploads/, does: { is: 'cut', afterBytes: 1000 } },
    /pushing a blob of made-\d+: .*\n {2}is \S+ running/,
  ],
];

describe.concurrent('one registry of three fails for good', () => {
  test.each(REFUSALS)('%s', { timeout: TEST_MS }, async (_what, fault, told) => {
    await using bad = await faultProxy(target.url);
    bad.add(fault);
    const repository = fresh();
    const names = [`${other.host}/${repository}:1`, `${bad.host}/${repository}:1`, `${source.host}/${repository}:1`];
    const run = await create(names);
    expect(run.exitCode, run.stderr).toBe(1);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(told);
    expect(run.stderr).toContain(`ERROR: ${bad.host}/${repository}:1 was not pushed: ${bad.host}: `);
    expect(run.stderr).toContain(`pushed ${other.host}/${repository}:1@sha256:`);
    expect(await Promise.all(names.map(isThere))).toEqual([true, false, true]);
  });

  test('a registry that is not there', { timeout: TEST_MS }, async () => {
    const repository = fresh();
    const names = [`127.0.0.1:1/${repository}:1`, `${other.host}/${repository}:1`];
    const run = await create(names);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/ERROR: 127\.0\.0\.1:1\/\S+ was not pushed: 127\.0\.0\.1:1: looking for .*ECONNREFUSED/);
    expect(run.stderr).toContain('  is 127.0.0.1:1 running, and can it be reached from here?');
    expect(await isThere(names[1] ?? '')).toBe(true);
  });

  test('one tag of two: the other is given', { timeout: TEST_MS }, async () => {
    await using bad = await faultProxy(target.url);
    bad.add({ on: /^PUT .*\/manifests\/2$/, does: refusal(403, 'DENIED', 'no') });
    const repository = fresh();
    const names = [`${bad.host}/${repository}:1`, `${bad.host}/${repository}:2`];
    const run = await create(names);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain(`pushed ${names[0]}@sha256:`);
    expect(run.stderr).toContain(`ERROR: ${names[1]} was not pushed: `);
    expect(await Promise.all(names.map(isThere))).toEqual([true, false]);
  });
});

/** What passes, on the side it is on. */
const PASSING: readonly (readonly [what: string, side: 'from' | 'to', faults: readonly Fault[]])[] = [
  [
    '429 for every kind of request',
    'to',
    [
      { on: /^HEAD /, does: refusal(429, 'TOOMANYREQUESTS', ''), times: 1 },
      { on: /^POST /, does: refusal(429, 'TOOMANYREQUESTS', ''), times: 1 },
      { on: /^PUT .*\/uploads/, does: refusal(429, 'TOOMANYREQUESTS', ''), times: 1 },
      { on: /^PUT .*\/manifests/, does: refusal(429, 'TOOMANYREQUESTS', ''), times: 1 },
    ],
  ],
  [
    '503 from the source',
    'from',
    [
      { on: /\/manifests\//, does: refusal(503, '', ''), times: 2 },
      { on: /\/blobs\//, does: refusal(503, '', ''), times: 1 },
    ],
  ],
  [
    'an upload that is lost',
    'to',
    [{ on: /^PUT .*\/uploads/, does: refusal(404, 'BLOB_UPLOAD_UNKNOWN', ''), times: 2 }],
  ],
  ['an upload that breaks off', 'to', [{ on: /^PUT .*\/uploads/, does: { is: 'cut', afterBytes: 100_000 }, times: 1 }]],
  [
    'a connection that ends before an answer',
    'to',
    [{ on: /^PUT .*\/manifests/, does: { is: 'broken off', afterBytes: 0 }, times: 1 }],
  ],
  [
    'a manifest that breaks off',
    'from',
    [{ on: /^GET .*\/manifests/, does: { is: 'broken off', afterBytes: 20 }, times: 1 }],
  ],
];

test.each(PASSING)('what passes is waited for: %s', { timeout: TEST_MS }, async (_what, side, faults) => {
  (side === 'from' ? from : to).add(...faults);
  const name = `${to.host}/${fresh()}:1`;
  const run = await create([name]);
  expect(run.exitCode, run.stderr).toBe(0);
  expect(await isThere(name)).toBe(true);
});

test('a layer that breaks off is taken up where it was', { timeout: TEST_MS }, async () => {
  const reads = new RegExp(`^GET .*/blobs/${layer}`);
  from.add({ on: reads, does: { is: 'broken off', afterBytes: 1_000_000 }, times: 3 });
  const name = `${to.host}/${fresh()}:1`;
  const run = await create([name]);
  expect(run.exitCode, run.stderr).toBe(0);
  expect(from.asked().filter((line) => reads.test(line)).length).toBeGreaterThan(2);
  expect(to.asked().filter((line) => /^PUT .*\/uploads/.test(line))).toHaveLength(2);
});

test.each([
  ['a manifest', () => new RegExp(`^GET .*/manifests/${child}`)],
  ['a layer', () => new RegExp(`^GET .*/blobs/${layer}`)],
])('%s that is another one than was asked for is not pushed', { timeout: TEST_MS }, async (_what, on) => {
  from.add({ on: on(), does: { is: 'falsified' } });
  const name = `${to.host}/${fresh()}:1`;
  const run = await create([name]);
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toMatch(/ERROR: \S+ was not pushed: 127\.0\.0\.1:\d+: reading .*digest/);
  expect(run.stderr).toContain(`was not pushed: ${from.host}: `);
  expect(await isThere(name)).toBe(false);
});

test('Ctrl-C ends what a registry does not answer', { timeout: TEST_MS }, async () => {
  to.add({ on: /^PUT .*\/uploads/, does: { is: 'stalled', afterBytes: 0 } });
  const interrupt = new AbortController();
  const name = `${to.host}/${fresh()}:1`;
  const running = create([name], { interrupt: interrupt.signal });
  while (!to.asked().some((line) => /^PUT .*\/uploads/.test(line))) await new Promise((later) => setTimeout(later, 20));
  interrupt.abort();
  const run = await running;
  expect(run.exitCode).toBe(130);
  expect(run.stderr).toContain('ERROR: canceled');
  expect(await isThere(name)).toBe(false);
});

describe('inspect', () => {
  const inspect = (name: string, ...flags: readonly string[]): Promise<DepotRun> =>
    depot(['images', 'inspect', ...flags, name], { cwd: '/' });

  test.each([
    [
      refusal(401, 'UNAUTHORIZED', 'authentication required'),
      'status 401 Unauthorized: UNAUTHORIZED: authentication required\n  log in with `docker login ',
    ],
    [refusal(403, 'DENIED', ''), 'status 403 Forbidden: DENIED\n  log in with `docker login '],
    [
      refusal(404, 'MANIFEST_UNKNOWN', 'manifest unknown'),
      'status 404 Not Found: MANIFEST_UNKNOWN: manifest unknown\n  check the name and the tag',
    ],
    [refusal(429, 'TOOMANYREQUESTS', ''), 'status 429 Too Many Requests: TOOMANYREQUESTS\n  '],
    [refusal(500, '', ''), 'status 500 Internal Server Error\n  '],
  ])('$status is told', { timeout: TEST_MS }, async (does, told) => {
    from.add({ on: /\/manifests\//, does });
    const run = await inspect(`${from.host}/app:1`);
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toContain(`ERROR: ${from.host}: reading app:1: ${told}`);
  });

  test(
    'what passes is waited for, and an attestation is read on where it broke off',
    { timeout: TEST_MS },
    async () => {
      from.add({ on: /\/manifests\//, does: refusal(503, '', ''), times: 1 });
      from.add({ on: /\/blobs\//, does: { is: 'broken off', afterBytes: 10 }, times: 2 });
      const run = await inspect(`${from.host}/app:single`, '--format', '{{.Image.Architecture}}');
      expect(run).toEqual({ exitCode: 0, stdout: 'amd64', stderr: '' });
    },
  );

  test('an index of another digest than the registry says is not shown', { timeout: TEST_MS }, async () => {
    from.add({ on: /\/manifests\//, does: { is: 'falsified' } });
    const run = await inspect(`${from.host}/app:1`);
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toMatch(
      /ERROR: \S+: reading app:1: what it gave has the digest sha256:\w+ in place of sha256:\w+\n/,
    );
  });

  test('a config of another digest is not shown', { timeout: TEST_MS }, async () => {
    from.add({ on: /\/blobs\//, does: { is: 'falsified' } });
    const run = await inspect(`${from.host}/app:single`, '--format', '{{json .Image}}');
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toMatch(/ERROR: \S+: reading sha256:\w+ of app: what it gave has another digest\n/);
  });
});
