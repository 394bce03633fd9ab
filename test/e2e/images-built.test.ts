import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { dockerOf, sharedEngine } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import type { Peers } from '../rig/peers.ts';
import { peers } from '../rig/peers.ts';
import type { TestRegistry } from '../rig/registry.ts';
import { testRegistry } from '../rig/registry.ts';

const TEST_MS = 120_000;

let engine: TestEngine;
let registry: TestRegistry;
let other: TestRegistry;
let programs: Peers;
let folder: TempFolder;

beforeAll(async () => {
  engine = await sharedEngine();
  programs = await peers({ dockerHost: engine.dockerHost });
  [registry, other, folder] = await Promise.all([testRegistry(), testRegistry(), tempFolder('context')]);
  await writeFile(
    join(folder.path, 'Dockerfile'),
    'FROM scratch\nARG TARGETARCH\nCOPY ${TARGETARCH} /made\nCMD ["/made"]\n',
  );
  for (const architecture of ['amd64', 'arm64']) await writeFile(join(folder.path, architecture), architecture);
}, 600_000);

afterAll(async () => {
  using docker = dockerOf(engine);
  const signal = AbortSignal.timeout(TEST_MS);
  for (const tag of ['amd64', 'arm64'])
    await docker.removeImage(`${registry.host}/app:${tag}`, { signal, force: true });
  for (const one of [registry, other, folder, programs]) await one[Symbol.asyncDispose]();
});

async function run(args: readonly string[]): Promise<DepotRun> {
  const ended = await depot(args, { cwd: folder.path, env: { DOCKER_HOST: engine.dockerHost } });
  expect(ended.exitCode, ended.stderr).toBe(0);
  return ended;
}

/** What a builder of one architecture does. Docker's exporter pushes no image without a tag. */
async function pushed(architecture: string): Promise<string> {
  const output = `type=image,name=${registry.host}/app:${architecture},push=true`;
  const words = [
    '--platform',
    `linux/${architecture}`,
    '--provenance=mode=max',
    '--annotation=manifest-descriptor:a=b',
  ];
  await run(['build', ...words, '--metadata-file', `${architecture}.json`, '-o', output, '.']);
  const metadata = JSON.parse(await readFile(join(folder.path, `${architecture}.json`), 'utf8')) as {
    readonly [key: string]: string;
  };
  return metadata['containerimage.digest'] ?? '';
}

test(
  'images of two builds are joined for several registries, and shown as by docker buildx',
  { timeout: TEST_MS },
  async () => {
    const digests = [await pushed('amd64'), await pushed('arm64')];
    const name = `${other.host}/app:1`;
    await run([
      'images',
      'create',
      '-t',
      `${registry.host}/app:1`,
      '-t',
      name,
      ...digests.map((one) => `${registry.host}/app@${one}`),
    ]);
    for (const format of ['{{json .}}', '{{json .Manifest}}', '{{json .Provenance}}', '{{json .SBOM}}']) {
      const shown = await run(['images', 'inspect', '--format', format, name]);
      const peer = await programs.run('buildx', ['imagetools', 'inspect', '--format', format, name]);
      expect(shown.stdout).toBe(peer.stdout);
    }
    const { stdout } = await run(['images', 'inspect', '--format', '{{json .Provenance}}', name]);
    expect(Object.keys(JSON.parse(stdout) as object)).toEqual(['linux/amd64', 'linux/arm64']);
    const raw = await run(['images', 'inspect', '--raw', name]);
    const { manifests } = JSON.parse(raw.stdout) as {
      readonly manifests: readonly {
        readonly digest: string;
        readonly annotations?: Readonly<Record<string, string>>;
      }[];
    };
    expect(manifests).toHaveLength(4);
    const [amd64, amd64Proof, arm64, arm64Proof] = manifests;
    expect([amd64, arm64].map((one) => one?.annotations)).toEqual([{ a: 'b' }, { a: 'b' }]);
    expect(amd64Proof?.annotations?.['vnd.docker.reference.digest']).toBe(amd64?.digest);
    expect(arm64Proof?.annotations?.['vnd.docker.reference.digest']).toBe(arm64?.digest);
  },
);
