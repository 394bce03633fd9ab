import { mkdir, readFile, writeFile } from 'node:fs/promises';
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
import { tar } from '../rig/tar.ts';
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
      '/large.hcl': `# ${'x'.repeat(5000)}\ntarget "default" {}\n`,
      '/huge.hcl': `# ${'x'.repeat(2 * 1024 * 1024)}\ntarget "default" {}\n`,
      '/page.html': '<html>nothing of that kind</html>\n',
      '/binary': Buffer.from([0xff, 0xfe, 0x00, 0x80]),
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

describe('a build of a remote definition', () => {
  test(
    'takes folders of the repository, the repository itself and local ones as contexts',
    async () => {
      const out = join(cwd, 'out');
      const args = at('URL/app.git root sub --set root.output=type=local,dest=out/root --set sub.output=type=local,dest=out/sub');
      const run = await bake(args, { WHO: 'f-of-root' });
      expect(run.exitCode, run.stderr).toBe(0);
      expect(await readFile(join(out, 'root', 'f-of-root'), 'utf8')).toBe('of the second\n');
      expect(await readFile(join(out, 'sub', 'g'), 'utf8')).toBe('of sub\n');
      expect(await readFile(join(out, 'sub', 'root'), 'utf8')).toBe('of the second\n');
      expect(await readFile(join(out, 'sub', 'other'), 'utf8')).toBe('of dir\n');
      expect(await readFile(join(out, 'sub', 'mine'), 'utf8')).toBe('FROM scratch\nCOPY f /own\n');
    },
    TEST_MS,
  );
});
