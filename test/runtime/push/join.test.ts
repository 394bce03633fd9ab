import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMPTY_DOCKER_CONFIG } from '../../../runtime/docker/config.ts';
import { CredentialStore } from '../../../runtime/docker/credentials.ts';
import { plainDescriptor } from '../../../runtime/oci/descriptor.ts';
import type { BuiltPart } from '../../../runtime/push/join.ts';
import { joinParts } from '../../../runtime/push/join.ts';
import type { WantedName } from '../../../runtime/push/put-image.ts';
import type { ImageReference } from '../../../runtime/registry/image-reference.ts';
import { parseImageReference } from '../../../runtime/registry/image-reference.ts';
import { Registries } from '../../../runtime/registry/registries.ts';
import { faultProxy } from '../../rig/fault-proxy.ts';
import type { PushedThing } from '../../rig/registry-image.ts';
import { ImageMaker } from '../../rig/registry-image.ts';
import type { TestRegistry } from '../../rig/registry.ts';
import { testRegistry } from '../../rig/registry.ts';

const TEST_MS = 60_000;

let first: TestRegistry;
let second: TestRegistry;
let count = 0;

beforeAll(async () => {
  [first, second] = await Promise.all([testRegistry(), testRegistry()]);
}, 600_000);

afterAll(async () => {
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
});

interface Built {
  readonly image: PushedThing;
  readonly proof: PushedThing;
  readonly index: PushedThing;
}

/** What a builder pushes by digest for one platform, an attestation with it. */
async function built(maker: ImageMaker, architecture: string): Promise<Built> {
  const image = await maker.image({ architecture, os: 'linux', config: {}, rootfs: { type: 'layers' } });
  const proof = await maker.attestation(image.digest, [{ type: 'https://slsa.dev/provenance/v1', predicate: {} }]);
  const entry = { ...image, platform: { architecture, os: 'linux' }, annotations: { [`of.${architecture}`]: 'x' } };
  const index = await maker.index([entry, proof], { annotations: { 'org.example.kept': 'yes' } });
  return { image, proof, index };
}

function part(thing: PushedThing, path: string, ...hosts: readonly string[]): BuiltPart {
  return { descriptor: plainDescriptor(thing), repositories: hosts.map((registry) => ({ registry, path })) };
}

function wanted(...names: readonly string[]): readonly WantedName[] {
  return names.map((name) => ({ name, reference: referenceOf(name) }));
}

function referenceOf(name: string): ImageReference {
  const reference = parseImageReference(name);
  if (!reference.ok) throw new Error(reference.failure);
  return reference.value;
}

function registries(): Registries {
  const env = new Map<string, string>();
  const credentials = new CredentialStore(EMPTY_DOCKER_CONFIG, env);
  return new Registries({ credentials, env, patience: { attempts: 2, firstPauseMs: 10 } });
}

async function indexAt(name: string): Promise<{ readonly manifests: readonly PushedThing[] }> {
  await using asked = registries();
  const { registry, path, tag = '' } = referenceOf(name);
  const signal = AbortSignal.timeout(TEST_MS);
  const { bytes } = await asked.client(registry).readManifest(path, tag, { signal });
  return JSON.parse(bytes.toString()) as { readonly manifests: readonly PushedThing[] };
}

async function join(parts: readonly BuiltPart[], names: readonly WantedName[]): ReturnType<typeof joinParts> {
  await using asked = registries();
  const signal = AbortSignal.timeout(TEST_MS);
  return await joinParts(parts, names, { registries: asked, step: (_name, work) => work(() => undefined), signal });
}

test('what two builders pushed is one index under every tag of every registry', { timeout: TEST_MS }, async () => {
  const path = `joined-${++count}`;
  await using inFirst = new ImageMaker(first.host, path);
  await using inSecond = new ImageMaker(second.host, path);
  const amd64 = await built(inFirst, 'amd64');
  const arm64 = await built(inSecond, 'arm64');
  const names = wanted(`${first.host}/${path}:1`, `${first.host}/${path}:2`, `${second.host}/${path}:1`);
  const joined = await join([part(amd64.index, path, first.host), part(arm64.index, path, second.host)], names);
  const digest = joined.descriptor?.digest;
  expect(joined.results).toEqual(names.map((name) => ({ ...name, is: 'pushed', digest })));
  for (const { name } of names) {
    const index = await indexAt(name);
    expect(index).toMatchObject({ annotations: { 'org.example.kept': 'yes' } });
    expect(index.manifests).toEqual([
      { ...amd64.image, platform: { architecture: 'amd64', os: 'linux' }, annotations: { 'of.amd64': 'x' } },
      amd64.proof,
      { ...arm64.image, platform: { architecture: 'arm64', os: 'linux' }, annotations: { 'of.arm64': 'x' } },
      arm64.proof,
    ]);
    expect(amd64.proof.annotations?.['vnd.docker.reference.digest']).toBe(amd64.image.digest);
  }
});

test('images without an index around them get their platform from their config', { timeout: TEST_MS }, async () => {
  const path = `joined-${++count}`;
  await using maker = new ImageMaker(first.host, path);
  const [amd64, arm64] = [await built(maker, 'amd64'), await built(maker, 'arm64')];
  const parts = [part(amd64.image, path, first.host), part(arm64.image, path, first.host)];
  await join(parts, wanted(`${first.host}/${path}:1`));
  const platforms = (await indexAt(`${first.host}/${path}:1`)).manifests.map(({ platform }) => platform);
  expect(platforms).toEqual([
    { architecture: 'amd64', os: 'linux' },
    { architecture: 'arm64', os: 'linux' },
  ]);
});

test('a registry that fails keeps its old tag, and the others get the new one', { timeout: TEST_MS }, async () => {
  const path = `joined-${++count}`;
  await using maker = new ImageMaker(first.host, path);
  await using old = new ImageMaker(second.host, path);
  const before = await old.image({ architecture: 'amd64', os: 'linux' }, { tag: '1' });
  const [amd64, arm64] = [await built(maker, 'amd64'), await built(maker, 'arm64')];
  await using bad = await faultProxy(second.url);
  // The second image cannot be copied there; the first can.
  bad.add({ on: new RegExp(`^PUT .*/manifests/${arm64.image.digest}`), does: { is: 'answered', status: 500 } });
  const parts = [part(amd64.index, path, first.host), part(arm64.index, path, first.host)];
  const names = wanted(`${bad.host}/${path}:1`, `${first.host}/${path}:1`);
  const { results } = await join(parts, names);
  expect(results.map(({ name, is }) => [name, is])).toEqual([
    [`${bad.host}/${path}:1`, 'failed'],
    [`${first.host}/${path}:1`, 'pushed'],
  ]);
  const [failed] = results;
  expect(failed?.is === 'failed' && failed.failure.message).toMatch(/: pushing joined-\d+@sha256:\w+: status 500/);
  await using asked = registries();
  const found = await asked.client(second.host).findManifest(path, '1', { signal: AbortSignal.timeout(TEST_MS) });
  expect(found).toBe(before.digest);
});

test('of a part that a registry has lost, the other registry has it', { timeout: TEST_MS }, async () => {
  const path = `joined-${++count}`;
  await using inFirst = new ImageMaker(first.host, path);
  await using inSecond = new ImageMaker(second.host, path);
  const [amd64, arm64] = [await built(inFirst, 'amd64'), await built(inSecond, 'arm64')];
  // It is said to be in both.
  const parts = [amd64, arm64].map(({ index }) => part(index, path, first.host, second.host));
  const names = wanted(`${first.host}/${path}:1`, `${second.host}/${path}:1`);
  expect((await join(parts, names)).results.map(({ is }) => is)).toEqual(['pushed', 'pushed']);
});

test('what is nowhere fails every tag, and gives none', { timeout: TEST_MS }, async () => {
  const path = `joined-${++count}`;
  await using maker = new ImageMaker(first.host, path);
  const amd64 = await built(maker, 'amd64');
  const missing = { ...amd64.index, digest: `sha256:${'0'.repeat(64)}` as const } as PushedThing;
  const names = wanted(`${first.host}/${path}:1`, `${second.host}/${path}:1`);
  const { descriptor, results } = await join(
    [part(amd64.index, path, first.host), part(missing, path, first.host)],
    names,
  );
  expect(descriptor).toBeUndefined();
  expect(results.map(({ is }) => is)).toEqual(['failed', 'failed']);
  await using asked = registries();
  const signal = AbortSignal.timeout(TEST_MS);
  expect(await asked.client(first.host).findManifest(path, '1', { signal })).toBeUndefined();
});
