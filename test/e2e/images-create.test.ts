import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { depot } from '../rig/depot.ts';
import { sharedEngine } from '../rig/engine.ts';
import { tempFolder } from '../rig/folder.ts';
import type { Peers } from '../rig/peers.ts';
import { peers } from '../rig/peers.ts';
import { ImageMaker } from '../rig/registry-image.ts';
import type { TestRegistry } from '../rig/registry.ts';
import { testRegistry } from '../rig/registry.ts';

let first: TestRegistry;
let second: TestRegistry;
let programs: Peers;
let made: Made;

interface Made {
  readonly amd64: string;
  readonly arm64: string;
  readonly proof: string;
  readonly size: number;
  readonly armSize: number;
}

beforeAll(async () => {
  const engine = await sharedEngine();
  programs = await peers({ dockerHost: engine.dockerHost });
  [first, second] = await Promise.all([testRegistry(), testRegistry()]);
  made = await images(first.host);
}, 600_000);

afterAll(async () => {
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
  await programs[Symbol.asyncDispose]();
});

async function images(host: string): Promise<Made> {
  await using maker = new ImageMaker(host, 'app');
  const config = (architecture: string): object => ({
    architecture,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers' },
  });
  const shared = await maker.layer(200_000);
  const layers = [shared, await maker.layer()];
  const amd64 = await maker.image(config('amd64'), { tag: 'amd64', layers });
  const arm64 = await maker.image({ ...config('arm64'), variant: 'v8' }, { tag: 'arm64', layers: [shared] });
  await maker.image(config('amd64'), { tag: 'docker', isDocker: true });
  const docker = await maker.image(config('s390x'), { isDocker: true });
  const proof = await maker.attestation(amd64.digest, [{ type: 'https://slsa.dev/provenance/v1', predicate: {} }]);
  const platform = { architecture: 'amd64', os: 'linux' };
  await maker.index([{ ...amd64, platform, annotations: { a: 'b' } }, proof], {
    tag: 'proven',
    annotations: { c: 'd' },
  });
  await maker.index([{ ...docker, platform: { architecture: 's390x', os: 'linux' } }], { tag: 'list', isDocker: true });
  await using other = new ImageMaker(host, 'other');
  await other.image(config('riscv64'), { tag: 'riscv' });
  return { amd64: amd64.digest, arm64: arm64.digest, proof: proof.digest, size: amd64.size, armSize: arm64.size };
}

/** What is made of sources in one repository; `%` stands for it, `@NAME` for the digest of an image. */
const CASES: readonly (readonly string[])[] = [
  ['%:proven'],
  ['%:amd64'],
  ['--prefer-index=false', '%:amd64'],
  ['--prefer-index=false', '%:amd64', '%:arm64'],
  ['%:amd64', '%:arm64', '%:proven'],
  ['%:proven', '%:amd64', '%:arm64'],
  ['%:amd64', '%:amd64'],
  ['%:docker', '%:list'],
  ['%:docker', '%:arm64'],
  ['%:list'],
  ['@amd64', '@arm64'],
  ['@amd64', '@proof'],
  ['%@amd64', '%:arm64@arm64'],
  ['--annotation', 'index:org.example.a=b=c<>', '%:proven'],
  ['--annotation', 'index:x=1', '--annotation', 'manifest-descriptor:y=2', '%:amd64', '%:proven'],
  ['--annotation', 'index,manifest-descriptor[linux/arm64]:z:z=3', '--annotation', '', '%:amd64', '%:arm64'],
  ['--annotation', 'index:x=1', '%:docker', '%:list'],
  ['--annotation', 'x=1', '%:amd64'],
  ['--annotation', 'manifest:x=1', '%:amd64', '%:arm64'],
  ['--annotation', 'nobody:x=1', '%:amd64'],
  ['--annotation', 'x', '%:amd64'],
  ['--platform', 'linux/amd64', '%:proven', '%:arm64'],
  ['--platform', 'linux/arm64/v8', '%:proven', '%:arm64'],
  ['-p', 'linux/arm64,linux/amd64', '%:proven', '%:arm64'],
  ['--platform', 'amd64', '%:proven', '%:arm64', '%:docker', '%:list'],
  ['--platform', 'linux/arm64', '--prefer-index=false', '%:arm64'],
  ['--platform', 'linux/amd64', '--prefer-index=false', '%:arm64'],
  ['--platform', 'linux/riscv64', '%:proven'],
  ['--platform', 'nobody', '%:proven'],
  ['--file', 'digest', '%:arm64'],
  ['--file', 'descriptor'],
  ['--file', 'descriptor', '--file', 'bare'],
  ['--file', 'nobody'],
  ['--file', 'broken'],
  ['%:nobody'],
  ['sha256:abc'],
  ['%:BAD?'],
  [],
];

function written(word: string): string {
  const digest = word.replace(/@(amd64|arm64|proof)$/, (_all, name: keyof Made) => `@${made[name]}`).replace(/^@/, '');
  return digest.replace('%', `${first.host}/app`);
}

describe.each([true, false])('with --dry-run: %s', (isDry) => {
  test.each(CASES.map((args) => [args.join(' '), args] as const))(
    'create %s makes what docker buildx makes',
    async (_name, args) => {
      await using folder = await tempFolder('sources');
      await writeFile(join(folder.path, 'digest'), made.amd64);
      const platform = { architecture: 'amd64', os: 'linux', 'os.version': '10.1', 'os.features': ['f'] };
      const descriptor = {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        size: made.size,
        digest: made.amd64,
        platform,
      };
      await writeFile(
        join(folder.path, 'descriptor'),
        JSON.stringify({ ...descriptor, annotations: { q: 'r' }, nobody: 1 }),
      );
      const bare = { mediaType: descriptor.mediaType, digest: made.arm64, size: made.armSize };
      await writeFile(join(folder.path, 'bare'), JSON.stringify(bare));
      await writeFile(join(folder.path, 'broken'), '{"digest":');
      const words = args.map(written);
      const taggedAs = (tag: string): readonly string[] => [
        ...(isDry ? ['--dry-run'] : []),
        '-t',
        `${first.host}/app:${tag}`,
        ...words,
      ];
      const at = CASES.indexOf(args);
      const ours = await depot(['images', 'create', ...taggedAs(`ours-${at}`)], { cwd: folder.path });
      const theirs = await programs.run('buildx', ['imagetools', 'create', ...taggedAs(`theirs-${at}`)], {
        cwd: folder.path,
      });
      expect({ stdout: ours.stdout, exitCode: ours.exitCode }, `depot: ${ours.stderr}buildx: ${theirs.stderr}`).toEqual(
        { stdout: theirs.stdout, exitCode: theirs.exitCode },
      );
      if (isDry || ours.exitCode !== 0) return;
      const raw = async (tag: string): Promise<string> => {
        const shown = await programs.run('buildx', ['imagetools', 'inspect', '--raw', `${first.host}/app:${tag}`]);
        return shown.stdout;
      };
      expect(await raw(`ours-${at}`)).toEqual(await raw(`theirs-${at}`));
    },
  );
});

test('create --append adds to what the first name has', async () => {
  for (const [program, tag] of [
    ['depot', 'a-ours'],
    ['buildx', 'a-theirs'],
  ] as const) {
    const name = `${first.host}/app:${tag}`;
    for (const args of [
      ['-t', name, written('%:proven')],
      ['--append', '-t', name, written('%:arm64')],
    ]) {
      const run =
        program === 'depot'
          ? await depot(['images', 'create', ...args], { cwd: '/' })
          : await programs.run('buildx', ['imagetools', 'create', ...args]);
      expect(run.exitCode, run.stderr).toBe(0);
    }
  }
  const raw = (tag: string) => programs.run('buildx', ['imagetools', 'inspect', '--raw', `${first.host}/app:${tag}`]);
  expect((await raw('a-ours')).stdout).toBe((await raw('a-theirs')).stdout);
});

test('an image goes to other registries with all that it names, and is the same there', async () => {
  await using folder = await tempFolder('copied');
  const names = [`${first.host}/copied:1`, `${second.host}/deep/copied:1`, `${second.host}/deep/copied:2`];
  const sources = [written('%:proven'), written('%:arm64'), `${first.host}/other:riscv`];
  const run = await depot(
    ['images', 'create', ...names.flatMap((name) => ['-t', name]), '--metadata-file', 'made.json', ...sources],
    { cwd: folder.path },
  );
  expect(run.exitCode, run.stderr).toBe(0);
  const metadata = JSON.parse(await readFile(join(folder.path, 'made.json'), 'utf8')) as {
    readonly [name: string]: { readonly digest: string };
  };
  expect(metadata['image.name']).toBe([`${first.host}/copied`, `${second.host}/deep/copied`].sort().join(','));
  for (const name of names) {
    const shown = await programs.run('buildx', [
      'imagetools',
      'inspect',
      '--format',
      '{{json .Manifest.Digest}}',
      name,
    ]);
    expect(shown.stdout).toContain(metadata['containerimage.descriptor']?.digest);
    const whole = await programs.run('skopeo', [
      '--insecure-policy',
      'copy',
      '--all',
      '--src-tls-verify=false',
      `docker://${name}`,
      `oci:${join(folder.path, name.replaceAll(/\W/g, '-'))}`,
    ]);
    expect(whole.exitCode, whole.stderr).toBe(0);
  }
  expect(run.stderr).toContain(`[internal] pushing ${second.host}/deep/copied`);
  expect(run.stderr).toContain(
    `pushing ${metadata['containerimage.descriptor']?.digest} to ${second.host}/deep/copied:2`,
  );
});

test('a digest is not looked for in two repositories', async () => {
  const run = await depot(
    ['images', 'create', '-t', `${first.host}/app:x`, '-t', `${first.host}/other:x`, made.amd64],
    { cwd: '/' },
  );
  expect(run).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `ERROR: ${made.amd64} could be in any of ${first.host}/app, ${first.host}/other; name it as REPOSITORY@${made.amd64}\n`,
  });
});

test.each([
  [
    'a file that is no JSON',
    '{"digest":\n "sha256:12",}',
    'ERROR: source:2:14: what begins with { is to be a descriptor in JSON, and is no JSON\n  2 |  "sha256:12",}\n    |              ^\n',
  ],
  [
    'a file with a whole manifest',
    '{"schemaVersion":2}\n',
    'ERROR: source:1:1: this is a manifest or an index itself; what is wanted is a descriptor of one, or its name or digest\n  1 | {"schemaVersion":2}\n    | ^^^^^^^^^^^^^^^^^^^\n',
  ],
  [
    'a file with half a digest',
    '\nsha256:12\n',
    'ERROR: source:2:1: "sha256:12" is no digest: it has another length than its algorithm gives\n  2 | sha256:12\n    | ^^^^^^^^^\n',
  ],
])('%s is told with its place', async (_what, text, told) => {
  await using folder = await tempFolder('sources');
  await writeFile(join(folder.path, 'source'), text);
  const run = await depot(['images', 'create', '-t', 'app', '-f', 'source'], { cwd: folder.path });
  expect(run).toEqual({ exitCode: 1, stdout: '', stderr: told });
});

test('a large layer goes to two registries without being held in memory', { timeout: 60_000 }, async () => {
  await using folder = await tempFolder('memory');
  await using maker = new ImageMaker(first.host, 'large');
  await maker.image({ architecture: 'amd64', os: 'linux' }, { tag: '1', layers: [await maker.layer(200_000_000)] });
  // Says at the end how much the process had at most.
  const meter = join(folder.path, 'meter.cjs');
  await writeFile(
    meter,
    "const fs = require('fs'); process.on('exit', () => fs.writeFileSync(__dirname + '/status', fs.readFileSync('/proc/self/status')));",
  );
  const names = [first, second].flatMap(({ host }) => ['-t', `${host}/elsewhere:1`]);
  const run = await depot(['images', 'create', ...names, `${first.host}/large:1`], {
    cwd: '/',
    program: ['/bin/sh', resolve(import.meta.dirname, '../../cli/depot')],
    env: { NODE_OPTIONS: `--require=${meter}` },
  });
  expect(run.exitCode, run.stderr).toBe(0);
  const [, kilobytes] = /VmHWM:\s*(\d+) kB/.exec(await readFile(join(folder.path, 'status'), 'utf8')) ?? [];
  expect(Number(kilobytes)).toBeLessThan(150_000);
});
