import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import { ownEngine } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import { busybox } from '../rig/image.ts';
import type { PeerRun } from '../rig/peers.ts';
import { peers } from '../rig/peers.ts';

const BUILD_MS = 120_000;

let engine: Awaited<ReturnType<typeof ownEngine>>;
let shell: string;

/** An engine of its own: its build cache is thrown away here, to see what a cache in a folder is worth. */
beforeAll(async () => {
  engine = await ownEngine();
  shell = await busybox();
});

afterAll(() => engine[Symbol.asyncDispose]());

type Program = (cwd: string, args: readonly string[]) => Promise<DepotRun | PeerRun>;

const FLAGS = ['bake', '--progress=plain', '--allow=fs=*', '--provenance=false'];

const ours: Program = (cwd, args) => depot([...FLAGS, ...args], { cwd, env: environment() });

const theirs: Program = async (cwd, args) => {
  await using programs = await peers({ dockerHost: engine.dockerHost });
  return programs.run('buildx', [...FLAGS, ...args], { cwd, env: environment() });
};

const PROGRAMS: readonly (readonly [name: string, other: string, run: Program, then: Program])[] = [
  ['depot', 'docker buildx', ours, theirs],
  ['docker buildx', 'depot', theirs, ours],
  ['depot', 'depot', ours, ours],
];

function environment(): Readonly<Record<string, string>> {
  return { DOCKER_HOST: engine.dockerHost, BUSYBOX: shell };
}

async function succeeds(run: ReturnType<Program>): Promise<string> {
  const { exitCode, stderr } = await run;
  expect(exitCode, stderr).toBe(0);
  return stderr;
}

/** A target with a shell that makes something new each time it is really run. */
async function project(unique: string): Promise<TempFolder> {
  const folder = await tempFolder('project');
  await writeFile(
    join(folder.path, 'Dockerfile'),
    `FROM scratch
COPY --from=busybox amd64/busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "(echo ${unique}; /bin/busybox cat /proc/sys/kernel/random/uuid) > /made"]
`,
  );
  await writeFile(
    join(folder.path, 'docker-bake.hcl'),
    'variable "BUSYBOX" {}\ntarget "default" {\n  contexts = { busybox = BUSYBOX }\n  platforms = ["linux/amd64"]\n}\n',
  );
  return folder;
}

/** Throws the engine's build cache away. */
async function forgetSteps(): Promise<void> {
  await using programs = await peers({ dockerHost: engine.dockerHost });
  await succeeds(programs.run('buildx', ['prune', '--all', '--force']));
}

interface Index {
  readonly manifests: readonly { readonly digest: string; readonly annotations?: Record<string, string> }[];
}

async function index(layout: string): Promise<Index> {
  return JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as Index;
}

async function filesOf(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}

describe('type=oci,tar=false', () => {
  test(
    'gives the layout that docker buildx gives, and a second image has its place beside the first',
    async () => {
      await using folder = await project('layout');
      const epoch = ['--set=*.args.SOURCE_DATE_EPOCH=1700000000'];
      const tags = ['--set=*.tags=a.example/app:1', '--set=*.tags=a.example/other:2'];
      for (const [run, name] of [
        [ours, 'depot'],
        [theirs, 'buildx'],
      ] as const) {
        const output = `--set=*.output=type=oci,dest=${name},tar=false,rewrite-timestamp=true`;
        await succeeds(run(folder.path, [...epoch, output]));
        await succeeds(run(folder.path, [...epoch, ...tags, output]));
        await succeeds(run(folder.path, [...epoch, ...tags, output, '--set=*.args.MORE=x', '--set=*.labels.a=b']));
      }
      const [mine, other] = ['depot', 'buildx'].map((name) => join(folder.path, name)) as [string, string];
      expect(await filesOf(mine)).toEqual(await filesOf(other));
      expect(await index(mine)).toEqual(await index(other));
      expect(await readFile(join(mine, 'oci-layout'), 'utf8')).toBe(await readFile(join(other, 'oci-layout'), 'utf8'));
      expect((await index(mine)).manifests.map(({ annotations }) => annotations?.['io.containerd.image.name'])).toEqual(
        [undefined, 'a.example/app:1', 'a.example/other:2'],
      );
    },
    BUILD_MS,
  );
});

describe('a folder on a full disk', () => {
  test.runIf(process.getuid?.() === 0).each(['output=type=oci,tar=false,dest=full', 'cache-to=type=local,dest=full'])(
    'is named, and nothing of the blob is left: %s',
    async (says) => {
      await using folder = await project(`full ${says}`);
      const full = join(folder.path, 'full');
      await mkdir(full);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', full]);
      try {
        const run = await ours(folder.path, ['--set=*.output=type=cacheonly', `--set=*.${says}`]);
        expect(run.exitCode).toBe(1);
        expect(run.stderr).toContain(`${full} cannot be used: ENOSPC: no space left on device`);
        expect(await readdir(join(full, 'ingest'))).toEqual([]);
      } finally {
        execFileSync('umount', [full]);
      }
    },
    BUILD_MS,
  );
});

describe('a cache in a folder', () => {
  test.each(PROGRAMS)(
    'that %s exports is one that %s imports',
    async (name, other, run, then) => {
      await using folder = await project(`cache of ${name} for ${other} ${process.pid}`);
      const [first, second] = ['first', 'second'].map((out) => `--set=*.output=type=local,dest=${out}`) as [
        string,
        string,
      ];
      await succeeds(run(folder.path, [first, '--set=*.cache-to=type=local,dest=cache,mode=max']));
      await forgetSteps();
      const log = await succeeds(then(folder.path, [second, '--set=*.cache-from=type=local,src=cache']));
      expect(log).toMatch(/COPY .*\n#\d+ CACHED/);
      const made = (out: string): Promise<string> => readFile(join(folder.path, out, 'made'), 'utf8');
      expect(await made('second')).toBe(await made('first'));
    },
    BUILD_MS,
  );

  test(
    'keeps what has other tags, replaces what has the same, and resets to what is named',
    async () => {
      await using folder = await project('tags');
      const cache = join(folder.path, 'cache');
      const build = (to: string, ...args: readonly string[]): Promise<string> =>
        succeeds(
          ours(folder.path, ['--set=*.output=type=cacheonly', `--set=*.cache-to=type=local,dest=cache,${to}`, ...args]),
        );
      await build('tag=one');
      await build('tag=two');
      await build('tag=two', '--set=*.args.MORE=x');
      const names = (await index(cache)).manifests.map((one) => one.annotations?.['org.opencontainers.image.ref.name']);
      expect(names).toEqual(['one', 'two']);
      await copyFile(join(cache, 'oci-layout'), join(cache, 'blobs', 'sha256', 'a'.repeat(64)));
      const before = await filesOf(cache);
      await build('tag=two,reset=true');
      expect((await filesOf(cache)).length).toBe(before.length - 1);
      expect(await readdir(join(cache, 'ingest'))).toEqual([]);
    },
    BUILD_MS,
  );

  test(
    'that is not there, or lacks what is asked of it, is shown as a step that failed, and the build goes on',
    async () => {
      await using folder = await project('absent');
      await mkdir(join(folder.path, 'empty'));
      const log = await succeeds(
        ours(folder.path, [
          '--set=*.output=type=cacheonly',
          '--set=*.cache-from=type=local,src=nowhere',
          '--set=*.cache-from+=type=local,src=empty',
          `--set=*.cache-from+=type=local,src=empty,digest=sha256:${'0'.repeat(64)}`,
        ]),
      );
      expect(log).toMatch(/importing cache manifest from local:nowhere\n#\d+ ERROR: there is no cache yet/);
      expect(log).toContain('ERROR: there is no cache yet');
      expect(log).toContain(`ERROR: there is no blob sha256:${'0'.repeat(64)}`);
    },
    BUILD_MS,
  );

  test(
    'is written whole by several targets at once',
    async () => {
      await using folder = await project('many');
      const targets = ['a', 'b', 'c', 'd'];
      await writeFile(
        join(folder.path, 'docker-bake.hcl'),
        `variable "BUSYBOX" {}
target "default" {
  name = t
  matrix = { t = ${JSON.stringify(targets)} }
  contexts = { busybox = BUSYBOX }
  output = ["type=cacheonly"]
  labels = { t = t }
  cache-to = ["type=local,dest=cache,tag=${'${t}'},mode=max"]
}
`,
      );
      await succeeds(ours(folder.path, []));
      const { manifests } = await index(join(folder.path, 'cache'));
      const names = manifests.map((one) => one.annotations?.['org.opencontainers.image.ref.name']);
      expect(names.sort()).toEqual(targets);
      expect(await readdir(join(folder.path, 'cache', 'ingest'))).toEqual([]);
    },
    BUILD_MS,
  );
});

test(
  'what GitHub and AWS give for their caches reaches the builder, and is shown nowhere',
  async () => {
    await using folder = await project('secrets');
    const words = { ACTIONS_RUNTIME_TOKEN: 'token-never-shown', ACTIONS_CACHE_URL: 'http://127.0.0.1:9/' };
    const keys = { AWS_ACCESS_KEY_ID: 'AKIAXXXXXXXX', AWS_SECRET_ACCESS_KEY: 'key-never-shown' };
    const set = ['type=gha', 'type=s3,bucket=b,region=r,endpoint_url=http://127.0.0.1:9/,use_path_style=true'];
    for (const entry of set) {
      const args = ['bake', '--progress=rawjson', '--allow=fs=*', '--provenance=mode=max', '--metadata-file=metadata'];
      const run = await depot(
        [...args, '--set=*.output=type=oci,dest=layout,tar=false', `--set=*.cache-from=${entry}`],
        { cwd: folder.path, env: { ...environment(), ...words, ...keys } },
      );
      expect(run.stderr + run.stdout).toMatch(/importing cache manifest from (?:gha|s3)/);
      const kept = await readFile(join(folder.path, 'metadata'), 'utf8').catch(() => '');
      expect(run.stderr + run.stdout + kept).not.toContain('never-shown');
    }
  },
  BUILD_MS,
);

describe('a context that is an OCI layout', () => {
  test.each(PROGRAMS)(
    'made by %s is a base for %s',
    async (_name, _other, run, then) => {
      await using folder = await project('base');
      await succeeds(run(folder.path, ['--set=*.output=type=oci,dest=layout,tar=false']));
      await writeFile(
        join(folder.path, 'child.Dockerfile'),
        'FROM base\nRUN ["/bin/busybox", "sh", "-c", "echo child of $(/bin/busybox head -n1 /made) > /child"]\n',
      );
      const digest = (await index(join(folder.path, 'layout'))).manifests[0]?.digest;
      for (const context of ['oci-layout://layout', 'oci-layout://./layout:latest', `oci-layout://layout@${digest}`]) {
        await rm(join(folder.path, 'out'), { recursive: true, force: true });
        await succeeds(
          then(folder.path, [
            '--set=*.dockerfile=child.Dockerfile',
            `--set=*.contexts.base=${context}`,
            '--set=*.output=type=local,dest=out',
          ]),
        );
        expect(await readFile(join(folder.path, 'out', 'child'), 'utf8')).toBe('child of base\n');
      }
    },
    BUILD_MS,
  );

  test.each([
    ['nowhere', 'it is no OCI layout: there is no index.json'],
    ['layout:other', 'nothing in it is tagged "other"\n  there is one, two'],
    [`layout@sha256:${'0'.repeat(64)}`, `it has no blob sha256:${'0'.repeat(64)}`],
  ])('%s is refused before anything is built', async (layout, cause) => {
    await using folder = await project('refused');
    await mkdir(join(folder.path, 'layout'));
    const entry = (name: string): object => ({
      digest: `sha256:${name}`,
      annotations: { 'org.opencontainers.image.ref.name': name },
    });
    await writeFile(
      join(folder.path, 'layout', 'index.json'),
      JSON.stringify({ manifests: [entry('one'), entry('two')] }),
    );
    const { exitCode, stderr } = await ours(folder.path, [`--set=*.contexts.base=oci-layout://${layout}`]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`context "base" oci-layout://${layout} cannot be used: ${cause}`);
  });
});
