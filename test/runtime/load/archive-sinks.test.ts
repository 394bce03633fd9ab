import { execFileSync } from 'node:child_process';
import { chown, lstat, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { metadataProblem, writeMetadata } from '../../../cli/metadata.ts';
import { archiveProblem, fileSink } from '../../../runtime/load/archive-sinks.ts';
import { tempFolder } from '../../rig/folder.ts';

const SIGNAL = AbortSignal.timeout(20_000);

async function* archive(): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from('whole');
}

const WRITERS = {
  'an archive': (file: string): Promise<void> => fileSink(file)(archive(), { signal: SIGNAL }),
  'a metadata file': (file: string): Promise<void> => writeMetadata(file, 'whole', { signal: SIGNAL }),
};

describe.each(Object.entries(WRITERS))('%s', (_name, write) => {
  test('is written where a symbolic link leads, whether or not something is there, and the link stays', async () => {
    await using folder = await tempFolder('sink');
    const [file, link, loose] = ['file', 'link', 'loose'].map((name) => join(folder.path, name)) as [
      string,
      ...string[],
    ];
    await writeFile(file, 'old');
    await symlink('file', link ?? '');
    await symlink('new', loose ?? '');
    await write(link ?? '');
    await write(loose ?? '');
    expect(await readFile(file, 'utf8')).toBe('whole');
    expect(await readFile(join(folder.path, 'new'), 'utf8')).toBe('whole');
    expect((await lstat(link ?? '')).isSymbolicLink() && (await lstat(loose ?? '')).isSymbolicLink()).toBe(true);
    expect((await readdir(folder.path)).sort()).toEqual(['file', 'link', 'loose', 'new']);
  });

  test('goes through a named pipe, which stays one, and waits for its reader', async () => {
    await using folder = await tempFolder('sink');
    const pipe = join(folder.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const written = write(pipe);
    expect(await readFile(pipe, 'utf8')).toBe('whole');
    await written;
    expect((await lstat(pipe)).isFIFO()).toBe(true);
  });

  test('waits for no reader when it is called off', async () => {
    await using folder = await tempFolder('sink');
    const pipe = join(folder.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const signal = AbortSignal.timeout(100);
    await expect(fileSink(pipe)(archive(), { signal })).rejects.toThrow(/abort/i);
    await expect(writeMetadata(pipe, 'x', { signal })).rejects.toThrow(/abort|timeout/i);
  });
});

describe('a character device', () => {
  test.runIf(process.getuid?.() === 0)('takes archives and metadata, and stays a device', async () => {
    await using folder = await tempFolder('sink');
    const device = join(folder.path, 'null');
    execFileSync('mknod', [device, 'c', '1', '3']);
    expect([await archiveProblem(device), await metadataProblem(device)]).toEqual([undefined, undefined]);
    await fileSink(device)(archive(), { signal: SIGNAL });
    await writeMetadata(device, 'x', { signal: SIGNAL });
    expect((await lstat(device)).isCharacterDevice()).toBe(true);
  });
});

describe.runIf(process.getuid?.() === 0)('a file that is there', () => {
  test.each(Object.entries(WRITERS))('keeps its owner and its mode: %s', async (_what, put) => {
    await using folder = await tempFolder('sink');
    const file = join(folder.path, 'file');
    await writeFile(file, 'before', { mode: 0o600 });
    await chown(file, 65_534, 65_534);
    await put(file);
    expect(await readFile(file, 'utf8')).toBe('whole');
    const { mode, uid, gid } = await lstat(file);
    expect([mode & 0o777, uid, gid]).toEqual([0o600, 65_534, 65_534]);
  });

  test.each(Object.entries(WRITERS))('and is a mount point is written into: %s', async (_what, put) => {
    await using folder = await tempFolder('sink');
    const [behind, file] = [join(folder.path, 'behind'), join(folder.path, 'file')];
    await writeFile(behind, 'longer than what comes');
    await writeFile(file, '');
    execFileSync('mount', ['--bind', behind, file]);
    try {
      await put(file);
    } finally {
      execFileSync('umount', [file]);
    }
    expect(await readFile(behind, 'utf8')).toBe('whole');
    expect((await readdir(folder.path)).toSorted()).toEqual(['behind', 'file']);
  });
});
