import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { ownEngine, sharedEngine } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import { busybox } from '../rig/image.ts';
import { peers } from '../rig/peers.ts';

const MONOREPO = resolve(import.meta.dirname, '../../fixtures/monorepo');
const TARGETS = [
  'base',
  'service-api',
  'service-worker',
  'service-scheduler',
  'service-mailer',
  'web',
  'cli-full',
  'cli-slim',
];
const PLATFORMS = ['linux/amd64', 'linux/arm64'];
const EPOCH = '1700000000';

/** Two builds of everything on new engines, arm64 emulated. */
const BUILD_MS = 280_000;

let engine: TestEngine;

beforeAll(async () => {
  engine = await sharedEngine();
});

/** Of one image, by platform. */
type Digests = Readonly<Record<string, { readonly config: string; readonly layers: readonly string[] }>>;

/** The same words for both programs: every target as an archive of its own, with the times of its files set. */
async function arguments_(folder: string): Promise<readonly string[]> {
  const outputs = TARGETS.map(
    (name) => `--set=${name}.output=type=oci,dest=${join(folder, `${name}.tar`)},rewrite-timestamp=true`,
  );
  const allowed = [`--allow=fs.read=${await busybox()}`, `--allow=fs.write=${folder}`];
  return ['bake', ...allowed, '--provenance=false', ...outputs];
}

async function digestsOf(archive: string, folder: string): Promise<Digests> {
  const layout = join(folder, basename(archive, '.tar'));
  await mkdir(layout);
  await promisify(execFile)('tar', ['-xf', archive, '-C', layout]);
  const json = async <T>(path: string): Promise<T> => JSON.parse(await readFile(join(layout, path), 'utf8')) as T;
  const blob = <T>(digest: string): Promise<T> => json<T>(join('blobs', ...digest.split(':')));
  const { manifests } = await json<Index>('index.json');
  const platforms = await blob<Index>(manifests[0]?.digest ?? '');
  const found: Record<string, Digests[string]> = {};
  for (const { digest, platform } of platforms.manifests) {
    const { config, layers } = await blob<Manifest>(digest);
    found[`${platform?.os}/${platform?.architecture}`] = {
      config: config.digest,
      layers: layers.map((layer) => layer.digest),
    };
  }
  return found;
}

interface Index {
  readonly manifests: readonly {
    readonly digest: string;
    readonly platform?: { readonly os: string; readonly architecture: string };
  }[];
}

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

test(
  'images of depot and of buildx, each built on an engine of its own, have the same configurations and layers',
  async () => {
    await using other = await ownEngine();
    await using programs = await peers({ dockerHost: other.dockerHost });
    await using ours = await tempFolder('depot');
    await using theirs = await tempFolder('buildx');
    const env = { SOURCE_DATE_EPOCH: EPOCH, BUSYBOX: await busybox() };
    const [mine, peer] = await Promise.all([
      depot(await arguments_(ours.path), { cwd: MONOREPO, env: { ...env, DOCKER_HOST: engine.dockerHost } }),
      programs.run('buildx', await arguments_(theirs.path), { cwd: MONOREPO, env }),
    ]);
    expect(mine.exitCode, mine.stderr).toBe(0);
    expect(peer.exitCode, peer.stderr).toBe(0);
    expect((await readdir(ours.path)).sort()).toEqual(TARGETS.map((name) => `${name}.tar`).sort());

    for (const name of TARGETS) {
      const digests = await digestsOf(join(ours.path, `${name}.tar`), ours.path);
      expect(Object.keys(digests).sort()).toEqual(PLATFORMS);
      expect(digests, name).toEqual(await digestsOf(join(theirs.path, `${name}.tar`), theirs.path));
    }
  },
  BUILD_MS,
);
