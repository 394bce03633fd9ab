import { execFileSync } from 'node:child_process';
import { lstat, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { dockerOf, sharedEngine } from '../rig/engine.ts';
import type { Git } from '../rig/git.ts';
import { debianGit } from '../rig/git.ts';
import { busybox, shellContext } from '../rig/image.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import type { Peers } from '../rig/peers.ts';
import { peers } from '../rig/peers.ts';
import { tar } from '../rig/tar.ts';
import { tree } from '../rig/tree.ts';
import type { TestWeb } from '../rig/web.ts';
import { testWeb } from '../rig/web.ts';

const TEST_MS = 120_000;
const FILES = { Dockerfile: 'FROM scratch\nCOPY a /a\nLABEL of=build-test\n', a: 'a' };

let engine: TestEngine;
let peer: Peers;
let folder: TempFolder;
let git: Git;
let web: TestWeb;

beforeAll(async () => {
  engine = await sharedEngine();
  peer = await peers({ dockerHost: engine.dockerHost });
  folder = await tempFolder('build');
  git = await debianGit(folder.path);
  const repository = await git.repository({ 'sub/Dockerfile': 'FROM scratch\nCOPY b /b\n', 'sub/b': 'b' });
  web = await testWeb({
    git,
    repositories: { '/app.git': repository },
    files: {
      '/web.Dockerfile': 'FROM scratch\nCOPY a /from-url\n',
      '/bad.Dockerfile': 'FROM scratch\nCOPIE a /\n',
      '/file': 'of the web',
      '/context.tar': tar({ a: 'a' }),
    },
  });
});

afterAll(async () => {
  await web[Symbol.asyncDispose]();
  await peer[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function build(
  cwd: string,
  args: readonly string[],
  { env = {}, input }: { readonly env?: Readonly<Record<string, string>>; readonly input?: string | Buffer } = {},
): Promise<DepotRun> {
  const options = { cwd, env: { DOCKER_HOST: engine.dockerHost, ...env } };
  return depot(['build', ...args], input === undefined ? options : { ...options, input });
}

/** The ID by which the local Docker has an image; undefined when it has none of the name. */
async function imageId(name: string): Promise<string | undefined> {
  using docker = dockerOf(engine);
  return (await docker.inspectImage(name, { signal: AbortSignal.timeout(TEST_MS) }))?.id;
}

/** What two programs say of the same build, without what differs from one run to the next: times, ids, the machine's load. */
function comparable({
  'buildx.build.provenance': provenance,
  'buildx.build.warnings': warnings,
}: Readonly<Record<string, unknown>>): unknown {
  const { metadata = {}, ...rest } = (provenance ?? {}) as { readonly metadata?: object };
  const text = JSON.stringify({ ...rest, told: Object.keys(metadata), warnings });
  const steady = text
    .replaceAll(/"vertex":"[^"]*"/g, '"vertex":""')
    .replaceAll(/"digestMapping":\{[^}]*\}/g, '"digestMapping":{}');
  return JSON.parse(steady);
}

describe('the image that is built', { timeout: TEST_MS }, () => {
  test('is in the local Docker, and its ID is told in three ways', async () => {
    await using context = await tree(FILES);
    const run = await build(context.path, [
      '-q',
      ...['-t', 'build-test/told:1', '--iidfile', 'id', '--metadata-file', 'metadata.json', '.'],
    ]);
    expect(run, run.stderr).toMatchObject({ exitCode: 0, stderr: '' });
    const id = run.stdout.trim();
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await readFile(join(context.path, 'id'), 'utf8')).toBe(id);
    const metadata = JSON.parse(await readFile(join(context.path, 'metadata.json'), 'utf8')) as object;
    expect(metadata).toMatchObject({ 'containerimage.digest': id, 'image.name': 'docker.io/build-test/told:1' });
    expect(await imageId('build-test/told:1')).toBe(id);
  });

  test('is told of with its provenance and its warnings as docker buildx tells it', async () => {
    await using context = await tree({ Dockerfile: 'FROM scratch\ncopy Dockerfile /\n' });
    const read = async (name: string): Promise<Record<string, unknown>> =>
      JSON.parse(await readFile(join(context.path, name), 'utf8')) as Record<string, unknown>;
    const words = (name: string): readonly string[] => [`--metadata-file=${join(context.path, name)}`, context.path];
    for (const detail of ['', 'min', 'max', 'disabled', 'false']) {
      const env = { BUILDX_METADATA_PROVENANCE: detail, BUILDX_METADATA_WARNINGS: detail === 'max' ? '1' : '' };
      const theirs = await peer.run('buildx', ['build', ...words('theirs.json')], { env });
      expect(theirs.exitCode, theirs.stderr).toBe(0);
      const run = await build(context.path, words('ours.json'), { env });
      expect(run.exitCode, run.stderr).toBe(0);
      const [ours, other] = [await read('ours.json'), await read('theirs.json')];
      expect(Object.keys(ours)).toEqual(Object.keys(other));
      expect(comparable(ours), detail).toEqual(comparable(other));
      expect('buildx.build.provenance' in ours).toBe(detail !== 'disabled' && detail !== 'false');
      expect('buildx.build.warnings' in ours).toBe(detail === 'max');
    }
  });

  test.runIf(process.getuid?.() === 0)('replaces no device by its ID, and ignores files without a name', async () => {
    await using context = await tree({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' });
    const device = join(context.path, 'null');
    execFileSync('mknod', [device, 'c', '1', '3']);
    const nameless = await build(context.path, ['--iidfile=', '--metadata-file=', '-f', 'Dockerfile', '.']);
    expect(nameless.exitCode, nameless.stderr).toBe(0);
    const run = await build(context.path, ['--iidfile', device, '.']);
    expect(run.exitCode, run.stderr).toBe(0);
    expect((await lstat(device)).isCharacterDevice()).toBe(true);
  });

  test('is not begun where its cache cannot be kept', async () => {
    await using context = await tree({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n', file: '' });
    const run = await build(context.path, ['--cache-to=type=local,dest=file', '.']);
    expect(run).toMatchObject({
      exitCode: 1,
      stderr: 'ERROR: the cache folder file cannot be used: it is a file, and a folder is needed\n',
    });
  });

  test('names no revision of another build when it fails', async () => {
    await using context = await tree({ Dockerfile: 'FROM scratch\nCOPY gone /\n', id: 'sha256:old' });
    const run = await build(context.path, ['--iidfile', 'id', '.']);
    expect(run.exitCode).toBe(1);
    await expect(readFile(join(context.path, 'id'), 'utf8')).rejects.toThrow('ENOENT');
    expect(run.stderr).toMatch(/^ERROR: failed to build: failed to solve: .*"\/gone": not found$/m);
    expect(run.stderr).toContain('   2 | >>> COPY gone /');
  });

  test('has the labels of the repository, as buildx gives them', async () => {
    const repository = await git.repository(FILES);
    await git.run(repository, ['remote', 'add', 'origin', 'https://git.example.invalid/app.git']);
    const env = { BUILDX_GIT_LABELS: '1', BUILDX_NO_DEFAULT_ATTESTATIONS: '1' };
    const args = ['--output=type=oci,dest=out.tar', '--metadata-file=metadata.json', '.'];
    const digest = async (): Promise<unknown> =>
      (JSON.parse(await readFile(join(repository, 'metadata.json'), 'utf8')) as Record<string, unknown>)[
        'containerimage.config.digest'
      ] ?? 'none';
    const theirs = await peer.run('buildx', ['build', ...args], {
      cwd: repository,
      env: { ...env, PATH: await gitPath() },
    });
    expect(theirs.exitCode, theirs.stderr).toBe(0);
    const expected = await digest();
    const ours = await build(repository, args, { env: { ...env, PATH: await gitPath() } });
    expect(ours.exitCode, ours.stderr).toBe(0);
    expect(await digest()).toBe(expected);
  });
});

/** A search path with Debian's git in it. */
async function gitPath(): Promise<string> {
  return `${join(folder.path, 'git-programs')}:${process.env['PATH'] ?? ''}`;
}

describe('contexts and Dockerfiles from elsewhere', { timeout: TEST_MS }, () => {
  test('a folder of a repository', async () => {
    const run = await build(folder.path, ['-t', 'build-test/git:1', `${web.url}/app.git#main:sub`]);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(await imageId('build-test/git:1')).toBeDefined();
  });

  test('a Dockerfile behind a URL, over a local folder', async () => {
    await using context = await tree({ a: 'a' });
    const run = await build(context.path, ['-f', `${web.url}/web.Dockerfile`, '-o', 'type=tar,dest=out.tar', '.']);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(await readFile(join(context.path, 'out.tar'), 'latin1')).toContain('from-url');
  });

  test('what is told of a Dockerfile behind a URL does not show the password in it', async () => {
    await using context = await tree({ a: 'a' });
    const url = web.url.replace('http://', 'http://ada:s3cr3t-5f3a@');
    const archive = await build(context.path, ['-f', `${url}/context.tar`, '.']);
    expect(archive.exitCode).toBe(1);
    expect(archive.stderr).toContain(
      `ERROR: http://xxxxx:xxxxx@${web.host}/context.tar is no Dockerfile, but a repository or an archive\n`,
    );
    const bad = await build(context.path, ['-f', `${url}/bad.Dockerfile`, '.']);
    expect(bad.exitCode).toBe(1);
    expect(bad.stderr).toContain(`http://xxxxx:xxxxx@${web.host}/bad.Dockerfile:2\n`);
    for (const { stderr } of [archive, bad]) expect(stderr).not.toContain('s3cr3t-5f3a');
  });

  test('a Dockerfile behind a URL, over an archive from stdin, gives the same image as with buildx', async () => {
    await using out = await tempFolder('stdin');
    const input = gzipSync(tar({ a: 'of the archive', Dockerfile: 'FROM scratch\nCOPY a /of-the-archive\n' }));
    const args = ['-f', `${web.url}/web.Dockerfile`, '--provenance=false', '--metadata-file=m.json'];
    const words = [...args, '-o', 'type=oci,dest=out.tar', '-'];
    const digest = async (): Promise<unknown> =>
      (JSON.parse(await readFile(join(out.path, 'm.json'), 'utf8')) as object)['containerimage.digest' as never];
    const theirs = await peer.run('buildx', ['build', ...words], { cwd: out.path, input });
    expect(theirs.exitCode, theirs.stderr).toBe(0);
    const expected = await digest();
    const ours = await build(out.path, words, { input });
    expect(ours.exitCode, ours.stderr).toBe(0);
    expect(await digest()).toBe(expected);
  });

  test('a repository and a file that the Dockerfile adds give the same image as with buildx', async () => {
    await using context = await tree({
      Dockerfile: `FROM scratch\nADD ${web.url}/app.git#main:sub /repository/\nADD ${web.url}/file /file\n`,
    });
    const words = ['--provenance=false', '--metadata-file=m.json', '-o', 'type=oci,dest=out.tar', '.'];
    const digest = async (): Promise<unknown> =>
      (JSON.parse(await readFile(join(context.path, 'm.json'), 'utf8')) as object)['containerimage.digest' as never];
    expect((await peer.run('buildx', ['build', ...words], { cwd: context.path })).exitCode).toBe(0);
    const expected = await digest();
    expect((await build(context.path, words)).exitCode).toBe(0);
    expect(await digest()).toBe(expected);
  });

  test.each([
    ['a tar archive', tar({ Dockerfile: 'FROM scratch\nCOPY a /a\n', a: 'of tar' }), []],
    [
      'a packed archive whose Dockerfile has another name',
      gzipSync(tar({ 'sub/other.Dockerfile': 'FROM scratch\nCOPY a /a\n', a: 'of gzip' })),
      ['-f', 'sub/other.Dockerfile'],
    ],
  ])('%s from stdin gives the same image as with buildx', async (_what, archive, args) => {
    await using out = await tempFolder('stdin');
    const words = [
      'build',
      ...args,
      '--provenance=false',
      '--metadata-file=m.json',
      '-o',
      'type=oci,dest=out.tar',
      '-',
    ];
    const digest = async (): Promise<unknown> =>
      (JSON.parse(await readFile(join(out.path, 'm.json'), 'utf8')) as object)['containerimage.digest' as never];
    const theirs = await peer.run('buildx', words, { cwd: out.path, input: archive });
    expect(theirs.exitCode, theirs.stderr).toBe(0);
    const expected = await digest();
    const ours = await build(out.path, words.slice(1), { input: archive });
    expect(ours.exitCode, ours.stderr).toBe(0);
    expect(await digest()).toBe(expected);
  });

  test('an archive from stdin that ends too early is told', async () => {
    const archive = gzipSync(tar({ Dockerfile: 'FROM scratch\n' })).subarray(0, 60);
    const run = await build(folder.path, ['-'], { input: archive });
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/^ERROR: failed to build: failed to solve: failed to read dockerfile/m);
  });

  test.each([
    ['nothing at all', '-', '', /nothing came from stdin/],
    ['a Dockerfile that is named as well', '-', 'FROM scratch\n', /a Dockerfile is named by --file already/],
  ])('stdin with %s', async (what, context, input, expected) => {
    const args = what.startsWith('nothing') ? [context] : ['-f', 'Dockerfile', context];
    const run = await build(folder.path, args, { input });
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toMatch(expected);
  });

  test('stdin cannot be two things', async () => {
    expect((await build(folder.path, ['-f', '-', '-'])).stderr).toMatch(/cannot both come from stdin/);
  });
});

describe('questions instead of a build', { timeout: TEST_MS }, () => {
  test.each([['--call=outline'], ['--call=targets'], ['--check'], ['--call=outline,format=json']])(
    '%s answers as buildx does',
    async (flag) => {
      await using context = await tree({ Dockerfile: '# What it is\nFROM scratch AS one\nARG A=1\nMAINTAINER me\n' });
      const theirs = await peer.run('buildx', ['build', flag, '.'], { cwd: context.path });
      const ours = await build(context.path, [flag, '.']);
      expect(ours.stdout).toBe(theirs.stdout);
      expect(ours.exitCode).toBe(theirs.exitCode);
    },
  );
});

describe('progress', { timeout: TEST_MS }, () => {
  /** What is the same in two builds: without times, digests and the name of the builder. */
  function form(text: string): readonly string[] {
    return text
      .replaceAll(/\x1b\[[0-9;]*m/g, '')
      .replaceAll(/ ?\(use docker --debug to expand\)/g, '')
      .replaceAll(/sha256:[0-9a-f]{64}/g, 'DIGEST')
      .replaceAll(/"[^"]*" instance/g, 'instance')
      .split('\n')
      .filter((line) => !/^#\d+ (?:transferring|exporting|naming|unpacking|sending) /.test(line))
      .map((line) => line.replace(/ ?\d+\.\d+s?(?= |$)/g, '').trimEnd());
  }

  test('plain is line for line what docker writes', async () => {
    await using context = await shellContext('RUN echo one; echo two >&2', 'RUN sleep 0.5; exit 3');
    const words = ['build', '--no-cache', '--progress=plain', `--build-context=busybox=${await busybox()}`, '.'];
    const theirs = await peer.run('buildx', words, { cwd: context.path });
    const ours = await build(context.path, words.slice(1));
    expect([...form(ours.stderr)].sort()).toEqual([...form(theirs.stderr)].sort());
    expect(ours.exitCode).toBe(1);
  });

  test('rawjson has the same fields', async () => {
    await using context = await tree({ ...FILES, Dockerfile: `${FILES.Dockerfile}MAINTAINER me\n` });
    const words = ['build', '--no-cache', '--progress=rawjson', '.'];
    const fields = (text: string): readonly string[] => {
      const lines = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, readonly object[]>);
      const all = lines.flatMap((line) =>
        Object.entries(line).flatMap(([kind, items]) => items.map((item) => `${kind}: ${Object.keys(item).join(' ')}`)),
      );
      return [...new Set(all)].sort();
    };
    const theirs = await peer.run('buildx', words, { cwd: context.path });
    const ours = await build(context.path, words.slice(1));
    expect(fields(ours.stderr)).toEqual(fields(theirs.stderr));
  });
});

test('a build that is asked for wrongly is not begun', async () => {
  await writeFile(join(folder.path, 'Dockerfile'), 'FROM scratch\n');
  const none = await build(folder.path, []);
  expect(none).toMatchObject({ exitCode: 1, stdout: '' });
  expect(none.stderr).toContain('depot build takes one argument, the build context, and none is given');
  const both = await build(folder.path, ['-q', '--progress=plain', '.']);
  expect(both.stderr).toContain('--progress=plain and --quiet cannot be used together');
  const wrong = await build(folder.path, ['--platfrom', 'linux/amd64', '.']);
  expect(wrong.stderr).toContain('unknown flag: --platfrom; did you mean --platform?');
});
