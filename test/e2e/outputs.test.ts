import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import { busybox } from '../rig/image.ts';
import { differentTimes, listing } from '../rig/listing.ts';
import type { PeerRun } from '../rig/peers.ts';
import { peers } from '../rig/peers.ts';

const BUILD_MS = 120_000;

let engine: TestEngine;
let shell: string;

beforeAll(async () => {
  engine = await sharedEngine();
  shell = await busybox();
});

/** A result with everything that a tree can hold. */
const TREE = `FROM scratch AS made
ARG TARGETARCH
COPY --from=busybox \${TARGETARCH}/busybox /bin/busybox
SHELL ["/bin/busybox", "sh", "-euc"]
ENV PATH=/bin
RUN busybox --install -s /bin; mkdir -p /out/empty /out/deep/er /out/closed /out/foo
WORKDIR /out
ARG WORD=first
RUN echo $WORD > word; echo $TARGETARCH > arch; echo x > foo/x; echo dash > foo-bar; touch zero; \\
  echo one > deep/er/one; ln deep/er/one two; ln two three; ln -s ../two deep/link; ln -s /nowhere/at/all loose; \\
  chmod 4755 word; chmod 1777 empty; chmod 2750 deep; chmod 400 zero; mkfifo pipe; \\
  echo ünï > "name with ünï"; touch -d @1 old; touch -h -d @86400 loose; \\
  dd if=/dev/urandom of=big bs=1M count=5 2>/dev/null; touch -d @1700000000 closed deep; chmod 555 closed
FROM scratch
COPY --from=made /out /
`;

const BAKE = `
variable "OUT" { default = "" }
target "default" {
  contexts = { busybox = "${'${BUSYBOX}'}" }
  output = ["type=local,dest=${'${OUT}'}"]
}
variable "BUSYBOX" {}
`;

function project(dockerfile = TREE): Promise<TempFolder> {
  return folderOf({ Dockerfile: dockerfile, 'docker-bake.hcl': BAKE });
}

async function folderOf(files: Readonly<Record<string, string>>): Promise<TempFolder> {
  const folder = await tempFolder('project');
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text);
  return folder;
}

function ours(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<DepotRun> {
  return depot(['bake', '--progress=plain', '--allow=fs=*', ...args], {
    cwd,
    env: { DOCKER_HOST: engine.dockerHost, BUSYBOX: shell, ...env },
  });
}

async function theirs(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<PeerRun> {
  await using programs = await peers({ dockerHost: engine.dockerHost });
  return programs.run('buildx', ['bake', '--progress=plain', '--allow=fs=*', ...args], {
    cwd,
    env: { BUSYBOX: shell, ...env },
  });
}

async function succeeds(run: Promise<DepotRun | PeerRun>): Promise<string> {
  const { exitCode, stderr } = await run;
  expect(exitCode, stderr).toBe(0);
  return stderr;
}

describe('type=local', () => {
  test(
    'gives the tree that docker buildx gives: names, modes, times, links, pipes and contents',
    async () => {
      await using folder = await project();
      await succeeds(ours(folder.path, [], { OUT: 'depot' }));
      await succeeds(theirs(folder.path, [], { OUT: 'buildx' }));
      const [mine, other] = [await listing(join(folder.path, 'depot')), await listing(join(folder.path, 'buildx'))];
      expect(mine.lines).toEqual(other.lines);
      expect(differentTimes(mine, other)).toEqual([]);
      expect(mine.lines.length).toBe(19);
      expect((await stat(join(folder.path, 'depot'))).mode & 0o777).toBe(0o700);
    },
    BUILD_MS,
  );

  test(
    'over a folder that was changed gives what docker buildx gives, and what is only there stays',
    async () => {
      await using folder = await project();
      for (const [run, name] of [
        [ours, 'depot'],
        [theirs, 'buildx'],
      ] as const) {
        await succeeds(run(folder.path, [], { OUT: name }));
        const out = join(folder.path, name);
        await writeFile(join(out, 'word'), 'changed by somebody');
        await writeFile(join(out, 'own'), 'mine');
        await symlink('/etc', join(out, 'own-link'));
        await chmod(join(out, 'big'), 0o600);
        await chmod(join(out, 'empty'), 0o700);
        await writeFile(join(out, 'empty', 'more'), 'mine');
        await succeeds(run(folder.path, ['--set=*.args.WORD=second'], { OUT: name }));
      }
      const [mine, other] = [await listing(join(folder.path, 'depot')), await listing(join(folder.path, 'buildx'))];
      expect(mine.lines).toEqual(other.lines);
      const mineAlone = /^(?:own|own-link|empty\/more)$/;
      // docker buildx leaves the time of its own writing on folders that were there.
      const apart = differentTimes(mine, other).filter((name) => !name.endsWith('/') && !mineAlone.test(name));
      expect(apart).toEqual([]);
      expect(await readFile(join(folder.path, 'depot', 'word'), 'utf8')).toBe('second\n');
      expect(await readFile(join(folder.path, 'depot', 'own'), 'utf8')).toBe('mine');
      expect(await readdir(join(folder.path, 'depot', 'empty'))).toEqual(['more']);
    },
    BUILD_MS,
  );

  test(
    'replaces whatever stands in the way, and never goes through a symbolic link',
    async () => {
      await using folder = await project();
      await using outside = await tempFolder('outside');
      const out = join(folder.path, 'out');
      await mkdir(join(out, 'word'), { recursive: true });
      await writeFile(join(out, 'word', 'x'), 'x');
      await writeFile(join(out, 'empty'), 'a file where a folder goes');
      await symlink(outside.path, join(out, 'deep'));
      await symlink(join(outside.path, 'new'), join(out, 'arch'));
      await succeeds(ours(folder.path, [], { OUT: 'out' }));
      expect(await readdir(outside.path)).toEqual([]);
      expect((await lstat(join(out, 'deep'))).isDirectory()).toBe(true);
      expect(await readFile(join(out, 'arch'), 'utf8')).toBe('amd64\n');
      expect(await readFile(join(out, 'word'), 'utf8')).toBe('first\n');
    },
    BUILD_MS,
  );

  test(
    'of several platforms fills a folder for each, as docker buildx does',
    async () => {
      await using folder = await project(
        'FROM scratch\nCOPY Dockerfile /file\nARG TARGETARCH\nADD $TARGETARCH.txt /\n',
      );
      for (const one of ['amd64', 'arm64']) await writeFile(join(folder.path, `${one}.txt`), one);
      const set = ['--set=*.platform=linux/amd64,linux/arm64'];
      await succeeds(ours(folder.path, set, { OUT: 'depot' }));
      await succeeds(theirs(folder.path, set, { OUT: 'buildx' }));
      const [mine, other] = [await listing(join(folder.path, 'depot')), await listing(join(folder.path, 'buildx'))];
      expect(mine.lines).toEqual(other.lines);
      expect(differentTimes(mine, other).filter((name) => !/^linux_\w+\/$/.test(name))).toEqual([]);
      expect(mine.lines.map((line) => line.split(' ')[0])).toEqual([
        'linux_amd64',
        'linux_amd64/amd64.txt',
        'linux_amd64/file',
        'linux_arm64',
        'linux_arm64/arm64.txt',
        'linux_arm64/file',
      ]);
    },
    BUILD_MS,
  );

  test('needs a folder, and says so before anything is built', async () => {
    await using folder = await project('FROM scratch\nCOPY nothing /\n');
    const isFile = await ours(folder.path, [], { OUT: 'Dockerfile' });
    expect(isFile.stderr).toContain('destination directory Dockerfile is a file');
    const nowhere = await ours(folder.path, ['--set=*.output=type=local']);
    expect(nowhere.stderr).toContain('dest is required for local exporter');
    const mode = await ours(folder.path, ['--set=*.output=type=local,dest=x,mode=mirror']);
    expect(mode.stderr).toContain('mode=mirror');
    expect([isFile.exitCode, nowhere.exitCode, mode.exitCode]).toEqual([1, 1, 1]);
  });

  test.runIf(process.getuid?.() === 0)(
    'says which file a full disk has no room for, and leaves no part of it',
    async () => {
      await using folder = await project();
      const out = join(folder.path, 'out');
      await mkdir(out);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', out]);
      try {
        const run = await ours(folder.path, [], { OUT: 'out' });
        expect(run.exitCode).toBe(1);
        expect(run.stderr).toContain(`${out}/big cannot be written: no space left on device (ENOSPC)`);
        expect((await readdir(out)).filter((name) => name === 'big' || name.startsWith('.tmp'))).toEqual([]);
      } finally {
        execFileSync('umount', [out]);
      }
    },
    BUILD_MS,
  );

  test(
    'that is interrupted leaves no half of a file',
    async () => {
      await using folder = await project(TREE.replace('count=5', 'count=400').replace('/dev/urandom', '/dev/zero'));
      const out = join(folder.path, 'out');
      await mkdir(out);
      const interrupt = new AbortController();
      const poll = setInterval(() => {
        if (readdirSync(out).some((name) => name.startsWith('.tmp.'))) interrupt.abort();
      }, 1);
      const run = await depot(['bake', '--progress=plain', '--allow=fs=*'], {
        cwd: folder.path,
        env: { DOCKER_HOST: engine.dockerHost, BUSYBOX: shell, OUT: 'out' },
        interrupt: interrupt.signal,
      });
      clearInterval(poll);
      expect(interrupt.signal.aborted).toBe(true);
      expect(run.exitCode).not.toBe(0);
      expect((await readdir(out)).filter((name) => name === 'big' || name.startsWith('.tmp'))).toEqual([]);
    },
    BUILD_MS,
  );

  test(
    'with mode=delete removes what is not of the result, where the builder tells that it sends all of it',
    async () => {
      await using folder = await project('FROM scratch\nCOPY Dockerfile /file\n');
      await mkdir(join(folder.path, 'out'));
      await writeFile(join(folder.path, 'out', 'other'), '');
      const run = await ours(folder.path, ['--set=*.output=type=local,dest=out,mode=delete']);
      const isNew = run.exitCode === 0;
      expect(await readdir(join(folder.path, 'out'))).toEqual(isNew ? ['file'] : ['other']);
      if (isNew) return;
      expect(run.stderr).toContain('ERROR: not supported: mode=delete of a local output on this builder');
      expect(run.stderr).toContain('\n  BuildKit 0.31 (Docker 29.6) or newer is needed');
    },
    BUILD_MS,
  );

  test(
    'goes beside other outputs',
    async () => {
      await using folder = await project('FROM scratch\nCOPY Dockerfile /file\n');
      const outputs = ['type=local,dest=out', 'type=tar,dest=out.tar', 'type=oci,dest=layout,tar=false'];
      await succeeds(
        ours(
          folder.path,
          outputs.map((one) => `--set=*.output+=${one}`),
          { OUT: 'first' },
        ),
      );
      expect(await readdir(join(folder.path, 'out'))).toEqual(['file']);
      expect(await readdir(join(folder.path, 'first'))).toEqual(['file']);
      expect((await stat(join(folder.path, 'out.tar'))).size).toBeGreaterThan(0);
      expect((await readdir(join(folder.path, 'layout'))).sort()).toEqual([
        'blobs',
        'index.json',
        'ingest',
        'oci-layout',
      ]);
    },
    BUILD_MS,
  );
});

test('depot build empties no folder that is not below the working directory', async () => {
  await using folder = await project('FROM scratch\nCOPY Dockerfile /file\n');
  await mkdir(join(folder.path, 'in'));
  for (const dest of ['.', '..', 'in/..']) {
    const run = await depot(['build', '-q', '-f', '../Dockerfile', '-o', `type=local,dest=${dest},mode=delete`, '..'], {
      cwd: join(folder.path, 'in'),
      env: { DOCKER_HOST: engine.dockerHost },
    });
    expect(run.stderr).toBe(
      `ERROR: mode=delete removes other files, and ${dest} is not below the working directory; ` +
        '--allow=buildx.local.delete allows it\n',
    );
    expect(run.exitCode).toBe(1);
  }
  expect((await readdir(folder.path)).sort()).toEqual(['Dockerfile', 'docker-bake.hcl', 'in']);
});
