import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import type { Git } from '../rig/git.ts';
import { debianGit } from '../rig/git.ts';
import type { PeerRun, Peers } from '../rig/peers.ts';
import { peers } from '../rig/peers.ts';
import { tar, untar } from '../rig/tar.ts';
import type { TestWeb } from '../rig/web.ts';
import { testWeb } from '../rig/web.ts';

const TEST_MS = 120_000;

const TREE = {
  'docker-bake.hcl': `
group "default" { targets = ["root", "sub"] }
variable "WHO" { default = "nobody" }
target "root" {
  args = { WHO = WHO }
}
target "sub" {
  context = "sub"
  contexts = { root = ".", other = "sub/dir", mine = "cwd://mine" }
}
target "local" {
  context = BAKE_CMD_CONTEXT
}
target "local-inline" {
  context = BAKE_CMD_CONTEXT
  dockerfile-inline = "FROM scratch\\nCOPY here /here\\n"
}
target "local-file" {
  dockerfile = "cwd://mine/own.Dockerfile"
}
`,
  'stack.yaml':
    'services:\n  whole:\n    build: .\n  part:\n    build:\n      context: ./sub\n      args: { WHO: a }\n',
  'other.hcl': 'target "other" {\n  context = "./sub/"\n}\n',
  Dockerfile: 'FROM scratch\nARG WHO\nCOPY f /$WHO\n',
  f: 'of the root\n',
  'sub/Dockerfile': `FROM scratch
COPY g /g
COPY --from=root f /root
COPY --from=other d /other
COPY --from=mine own.Dockerfile /mine
`,
  'sub/g': 'of sub\n',
  'sub/dir/d': 'of dir\n',
  'sub/docker-bake.hcl': 'target "default" {}\n',
};

let engine: TestEngine;
let peer: Peers;
let folder: TempFolder;
let cwd: string;
let git: Git;
let repository: string;
let web: TestWeb;

beforeAll(async () => {
  engine = await sharedEngine();
  peer = await peers({ dockerHost: engine.dockerHost });
  folder = await tempFolder('remote');
  cwd = join(folder.path, 'work');
  await mkdir(join(cwd, 'mine'), { recursive: true });
  await writeFile(join(cwd, 'here'), 'here\n');
  await writeFile(join(cwd, 'Dockerfile'), 'FROM scratch\nCOPY here /here\n');
  await writeFile(join(cwd, 'mine', 'own.Dockerfile'), 'FROM scratch\nCOPY f /own\n');
  await writeFile(join(cwd, 'local.hcl'), 'target "root" { labels = { added = "here" } }\n');
  git = await debianGit(folder.path);
  repository = await git.repository(TREE);
  await git.run(repository, ['tag', 'v1']);
  await writeFile(join(repository, 'f'), 'of the second\n');
  await git.run(repository, ['commit', '--quiet', '--all', '--message=two']);
  web = await testWeb({
    git,
    repositories: { '/app.git': repository },
    files: {
      '/tree.tar': tar(TREE),
      '/tree.tar.gz': gzipSync(tar(TREE)),
      '/tree.tar.bz2': Buffer.from(BZIP2_TREE, 'base64'),
      '/one.hcl': 'target "default" {\n  context = "."\n  tags = ["one"]\n}\n',
      '/command.hcl': 'target "default" {\n  context = BAKE_CMD_CONTEXT\n  args = { WHO = "a" }\n}\n',
      '/outside.hcl':
        'target "default" {\n  context = ".."\n  dockerfile = "work/Dockerfile"\n  dockerfile-inline = "FROM scratch\\nCOPY beside /\\n"\n}\n',
      '/large.hcl': `# ${'x'.repeat(5000)}\ntarget "default" {}\n`,
      '/huge.hcl': `# ${'x'.repeat(2 * 1024 * 1024)}\ntarget "default" {}\n`,
      '/page.html': '<html>nothing of that kind</html>\n',
      '/binary': Buffer.from([0xff, 0xfe, 0x00, 0x80]),
      '/broken.tar.xz': Buffer.from('fd377a585a000000000000', 'hex'),
      '/half.tar.gz': gzipSync(tar(TREE)).subarray(0, 300),
    },
  });
});

afterAll(async () => {
  await web[Symbol.asyncDispose]();
  await peer[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** A `docker-bake.hcl` and a Dockerfile that copies it, packed by tar and bzip2. */
const BZIP2_TREE =
  'QlpoOTFBWSZTWY5qVLsAAKX/hsqQAEBQA/8CDQLxKn/snhoAAIBAAEgwALpsJSmpk9EANDTJkHpGmNQaPU0DUgGgJiYTABDABPTSCUkTTR6m1BtNQBkZGEyAGnctpyj5eY1AArCIIg5sgsHDBZCGYUIgPAOqd3qwiy4z6Y4D3R2ZFNC6x/ITCkjERLK8whI+MFU7yg4iiDguExyX32NrUu15sUuAlYPJuubaLg+p1KX+2vhwZAnV3gG6/B9IJEB+2AcoD4CwYBUEYwcNusgoIc+BpKsvNsHJgiB/F3JFOFCQjmpUuw==';

function bake(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<DepotRun> {
  return depot(['bake', ...args], { cwd, env: { DOCKER_HOST: engine.dockerHost, ...env } });
}

function buildx(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<PeerRun> {
  return peer.run('buildx', ['bake', ...args], { cwd, env });
}

function at(line: string): readonly string[] {
  return line.split(' ').map((word) => word.replaceAll('URL', web.url));
}

describe('--print of a remote definition is what buildx prints:', () => {
  test.each([
    'URL/app.git',
    'URL/app.git sub',
    'URL/app.git#v1',
    'URL/app.git#main:sub',
    'URL/app.git?ref=v1',
    'URL/app.git?branch=main&subdir=sub',
    'URL/app.git URL/other.git local',
    'URL/app.git local-file',
    'URL/app.git -f other.hcl other',
    'URL/app.git -f stack.yaml',
    'URL/app.git -f stack.yaml -f other.hcl part other',
    'URL/app.git --call=check,format=json root',
    'URL/app.git -f docker-bake.hcl -f cwd://local.hcl root',
    'URL/app.git -f cwd://local.hcl root',
    'URL/app.git --set sub.context=. sub',
    'URL/one.hcl',
  ])(
    '%s',
    async (line) => {
      const args = ['--print', '--progress=quiet', ...at(line)];
      const [ours, theirs] = [await bake(args), await buildx(args)];
      expect(theirs.exitCode, theirs.stderr).toBe(0);
      expect(ours.stdout, ours.stderr).toBe(theirs.stdout);
      expect(ours.exitCode).toBe(0);
    },
    TEST_MS,
  );

  test.each([
    'URL/app.git --list=targets',
    'URL/app.git --list=type=variables,format=json',
    'URL/one.hcl --list=targets',
  ])(
    '%s',
    async (line) => {
      const args = ['--progress=quiet', ...at(line)];
      const [ours, theirs] = [await bake(args, { WHO: 'me' }), await buildx(args, { WHO: 'me' })];
      expect(theirs.exitCode, theirs.stderr).toBe(0);
      expect(ours, ours.stderr).toEqual({ exitCode: 0, stdout: theirs.stdout, stderr: '' });
    },
    TEST_MS,
  );
});

/** Builds targets into archives; what is in them, by target. */
async function built(
  line: string,
  targets: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  await using out = await tempFolder('out');
  const outputs = targets.map((name) => `--set=${name}.output=type=tar,dest=${join(out.path, `${name}.tar`)}`);
  const run = await bake([...at(line), ...targets, ...outputs], { ...env, BUILDX_BAKE_ENTITLEMENTS_FS: '0' });
  expect(run.exitCode, run.stderr).toBe(0);
  const trees = targets.map(async (name) => [name, untar(await readFile(join(out.path, `${name}.tar`)))] as const);
  return Object.fromEntries(await Promise.all(trees));
}

const SUB = { g: 'of sub\n', other: 'of dir\n', mine: 'FROM scratch\nCOPY f /own\n' };

describe('a build of a remote definition', () => {
  test(
    'takes the repository, folders of it and local folders as contexts',
    async () => {
      expect(await built('URL/app.git', ['root', 'sub'], { WHO: 'f-of-root' })).toEqual({
        root: { 'f-of-root': 'of the second\n' },
        sub: { ...SUB, root: 'of the second\n' },
      });
    },
    TEST_MS,
  );

  test(
    'takes a tag and the query form as well',
    async () => {
      expect(await built('URL/app.git?ref=v1', ['root', 'sub'], { WHO: 'a' })).toEqual({
        root: { a: 'of the root\n' },
        sub: { ...SUB, root: 'of the root\n' },
      });
    },
    TEST_MS,
  );

  test.each(['URL/tree.tar', 'URL/tree.tar.gz'])(
    'takes folders of the archive %s, and its root',
    async (line) => {
      expect(await built(line, ['root', 'sub'], { WHO: 'a' })).toEqual({
        root: { a: 'of the root\n' },
        sub: { ...SUB, root: 'of the root\n' },
      });
    },
    TEST_MS,
  );

  test('unpacks what bzip2 packed', async () => {
    const { default: files } = await built('URL/tree.tar.bz2', ['default']);
    expect(files).toEqual({ b: 'target "default" {\n  tags = ["bz"]\n}\n' });
  });

  test('takes the local folder where the definition asks for it, or the second URL', async () => {
    expect(await built('URL/app.git', ['local-inline'])).toEqual({ 'local-inline': { here: 'here\n' } });
    const second = await built('URL/command.hcl URL/app.git#v1', ['default'], { WHO: 'a' });
    expect(second).toEqual({ default: { a: 'of the root\n' } });
  });

  test('takes a local Dockerfile with a remote context', async () => {
    expect(await built('URL/app.git', ['local-file'])).toEqual({ 'local-file': { own: 'of the second\n' } });
  });

  test('finds the local folder beside a single file', async () => {
    expect(await built('URL/one.hcl', ['default'])).toEqual({ default: { here: 'here\n' } });
  });

  test('needs to be allowed what lies outside of the working directory', async () => {
    await writeFile(join(folder.path, 'beside'), 'beside\n');
    const line = '--set=*.output=type=cacheonly URL/outside.hcl';
    const refused = await bake(at(line));
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(' - Read access to path ..\n');
    expect(refused.stderr).toMatch(/^ERROR: additional privileges requested$/m);
    expect((await bake(at(line), { BAKE_ALLOW_REMOTE_FS_ACCESS: '1' })).exitCode).toBe(0);
    const both = { BAKE_ALLOW_REMOTE_FS_ACCESS: '1', BUILDX_BAKE_ENTITLEMENTS_FS: '1' };
    expect((await bake(at(line), both)).exitCode).toBe(1);
    expect((await bake([...at(line), '--progress=quiet'], { BAKE_ALLOW_REMOTE_FS_ACCESS: 'perhaps' })).stderr).toBe(
      'ERROR: BAKE_ALLOW_REMOTE_FS_ACCESS="perhaps" is no boolean; write 1 or 0\n',
    );
  });

  test(
    'is checked as buildx checks it',
    async () => {
      const args = ['--check', '--progress=quiet', ...at('URL/app.git root sub'), '--allow=fs.read=*'];
      const [ours, theirs] = [await bake(args), await buildx(args)];
      expect(ours.stdout, ours.stderr).toBe(theirs.stdout);
      expect(ours.exitCode).toBe(theirs.exitCode);
    },
    TEST_MS,
  );
});

describe('a private repository', () => {
  const TOKEN = 'ghx-0123456789';

  test.each([
    ['BUILDX_BAKE_GIT_AUTH_TOKEN', TOKEN, `basic ${Buffer.from(`x-access-token:${TOKEN}`).toString('base64')}`],
    ['buildx_bake_git_auth_header', `bearer ${TOKEN}`, `bearer ${TOKEN}`],
  ])(
    'is opened by %s, for the definition and for its contexts, and tells nobody',
    async (name, value, authorization) => {
      await using guarded = await testWeb({ git, repositories: { '/app.git': repository }, authorization });
      const line = [`${guarded.url}/app.git`, 'root', 'sub', '--set=*.output=type=cacheonly', '--progress=rawjson'];
      const run = await bake(line, { [name]: value, WHO: 'a' });
      expect(run.exitCode, run.stderr).toBe(0);
      expect(guarded.authorizations.filter((one) => one !== '')).not.toEqual([]);
      expect(`${run.stdout}${run.stderr}`).not.toContain(TOKEN);
      expect(`${run.stdout}${run.stderr}`).not.toContain(authorization);
    },
  );

  test('stays shut without, and says what would open it', async () => {
    await using guarded = await testWeb({ git, repositories: { '/app.git': repository }, authorization: 'Basic x' });
    const run = await bake([`${guarded.url}/app.git`, '--print', '--progress=quiet']);
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toMatch(
      /^ERROR: the definition http:\/\/.*app\.git cannot be read: .*\n(?:.*\n)*? {2}BUILDX_BAKE_GIT_AUTH_TOKEN/,
    );
  });

  test('is not offered the token of another host', async () => {
    await using other = await testWeb({ git, repositories: { '/app.git': repository } });
    await using guarded = await testWeb({
      git,
      repositories: { '/app.git': repository },
      authorization: `basic ${Buffer.from(`x-access-token:${TOKEN}`).toString('base64')}`,
    });
    const line = [`${other.url}/app.git`, 'root', `--set=*.context=${guarded.url}/app.git`];
    const run = await bake([...line, '--set=*.output=type=cacheonly'], { BUILDX_BAKE_GIT_AUTH_TOKEN: TOKEN, WHO: 'a' });
    expect(run.exitCode).toBe(1);
    expect(guarded.authorizations.filter((one) => one !== '')).toEqual([]);
  });

  test('has a password in its URL that no message repeats', async () => {
    const url = `http://someone:${TOKEN}@127.0.0.1:1/app.git`;
    const run = await bake([url, '--print', '--progress=rawjson']);
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toContain('http://xxxxx:xxxxx@127.0.0.1:1/app.git');
    expect(run.stderr).not.toContain(TOKEN);
  });
});

describe('a remote definition that cannot be read', () => {
  test.each<[string, string, RegExp]>([
    ['an unreachable host', 'http://127.0.0.1:1/tree.tar', /connection refused\n {2}the builder fetches it/],
    ['an unreachable repository', 'http://127.0.0.1:1/app.git', /(?:onnect)[^]*\n {2}the builder fetches it/],
    ['a URL that is not there', 'URL/gone.tar', /status 404[^]*\n {2}is the URL right\?\n$/],
    ['a repository that is not there', 'URL/gone.git', /not found[^]*\n {2}is the URL right\?\n$/],
    ['a branch that is not there', 'URL/app.git#gone', /gone/],
    ['a folder that is not there', 'URL/app.git#main:gone', /gone/],
    ['a query that says nothing', 'URL/app.git?colour=red', /: unexpected query "colour"\n$/],
    [
      'a file that is not in it',
      'URL/app.git -f gone.hcl',
      /: open gone\.hcl: no such file or directory\n {2}names given with -f are looked up inside of it; cwd:\/\/NAME is a local file\n$/,
    ],
    ['a folder where a file is named', 'URL/app.git -f sub', /sub/],
    ['what is no text', 'URL/binary', /: it is neither an archive nor valid UTF-8 text\n$/],
    [
      'more than 2 MB',
      'URL/huge.hcl',
      /: it is bigger than the maximum size of a definition \(2 MB\) and no archive\n$/,
    ],
    ['an archive that the builder cannot unpack', 'URL/broken.tar.xz', /broken\.tar\.xz cannot be read/],
    ['a broken archive', 'URL/half.tar.gz', /half\.tar\.gz/],
    [
      'a tree without a definition',
      'URL/app.git#main:sub/dir',
      /^ERROR: couldn't find a bake definition; there is no docker-bake\.hcl, or name a file with -f\n$/,
    ],
    ['a target that is not in it', 'URL/app.git wrong', /failed to find target wrong/],
    [
      'a Dockerfile of it with a local context',
      'URL/app.git local',
      /docker-bake\.hcl:12:13:.*reading a dockerfile for a remote build invocation is currently not supported/,
    ],
  ])('%s: one message, exit code 1, and nothing left behind', async (_, line, stderr) => {
    await using temporary = await tempFolder('tmp');
    const before = await readdir(cwd, { recursive: true });
    const run = await bake(['--print', '--progress=quiet', ...at(line)], { TMPDIR: temporary.path });
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toMatch(stderr);
    expect(run.stderr.match(/^ERROR: /gm)).toHaveLength(1);
    expect(await readdir(cwd, { recursive: true })).toEqual(before);
    expect(await readdir(temporary.path)).toEqual([]);
  });

  test('can be given up while the builder waits for it', async () => {
    const asked = new AbortController();
    await using silent = await testWeb({ files: {}, onRequest: () => asked.abort() });
    const run = await depot(['bake', `${silent.url}/one.hcl`, '--progress=quiet'], {
      cwd,
      env: { DOCKER_HOST: engine.dockerHost },
      interrupt: asked.signal,
    });
    expect(run).toMatchObject({ exitCode: 130, stdout: '' });
    expect(run.stderr).toMatch(/^ERROR: canceled\n$/m);
  });

  test('a page of another kind is told as a mistake in it', async () => {
    const run = await bake(['--print', '--progress=quiet', ...at('URL/page.html')]);
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toMatch(/^ERROR: http:\/\/.*\/page\.html:1:1: /);
  });

  test('a mistake in a single file names its URL without the password in it', async () => {
    const line = at('URL/page.html').map((one) => one.replace('://', '://someone:open-sesame@'));
    const run = await bake(['--print', '--progress=quiet', ...line]);
    expect(run.stderr).toMatch(/^ERROR: http:\/\/xxxxx:xxxxx@.*\/page\.html:1:1: /);
    expect(run.stderr).not.toContain('sesame');
  });

  test('a definition above 1 KiB is read whole', async () => {
    const run = await bake(['--print', '--progress=quiet', ...at('URL/large.hcl')]);
    expect(run.exitCode, run.stderr).toBe(0);
  });
});
