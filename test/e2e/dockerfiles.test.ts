import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import { busybox } from '../rig/image.ts';
import type { Peers } from '../rig/peers.ts';
import { peers } from '../rig/peers.ts';
import { tree } from '../rig/tree.ts';
import { CASES } from './dockerfiles.ts';

let engine: TestEngine;
let peer: Peers;
let base: string;

beforeAll(async () => {
  engine = await sharedEngine();
  base = await busybox();
  peer = await peers({ dockerHost: engine.dockerHost });
});

afterAll(() => peer[Symbol.asyncDispose]());

/** The digest of the image in an OCI archive: what its index names. */
async function imageDigest(archive: string, folder: string): Promise<unknown> {
  await mkdir(folder);
  await promisify(execFile)('tar', ['-xf', archive, '-C', folder, 'index.json']);
  const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as Index;
  return index.manifests.map(({ digest, size, annotations }) => ({
    digest,
    size,
    annotations: Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => !key.endsWith('.created'))),
  }));
}

interface Index {
  readonly manifests: readonly {
    readonly digest: string;
    readonly size: number;
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
}

// Both builds run on one engine: the second finds every step of the first in its cache, or comes to another digest.
describe.concurrent('depot build and docker buildx build make the same image', () => {
  test.each(CASES)('$name', { timeout: 120_000 }, async ({ files, args = [], env = {}, context = '.', input = '' }) => {
    await using folder = await tree(files);
    await using out = await tempFolder('images');
    const words = (name: string): readonly string[] => [
      'build',
      ...['--provenance=false', '--progress=plain', `--output=type=oci,dest=${join(out.path, name)}`],
      ...[`--build-context=busybox=${base}`, ...args, context],
    ];
    const own = { cwd: folder.path, input, env: { ...env, DOCKER_HOST: engine.dockerHost } };
    const theirs = await peer.run('buildx', words('peer.tar'), { cwd: folder.path, input, env });
    expect(theirs.exitCode, theirs.stderr).toBe(0);
    const ours = await depot(words('depot.tar'), own);
    expect(ours.exitCode, ours.stderr).toBe(0);
    expect(await imageDigest(join(out.path, 'depot.tar'), join(out.path, 'depot'))).toEqual(
      await imageDigest(join(out.path, 'peer.tar'), join(out.path, 'peer')),
    );
  });
});
