import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { machineFacts } from '../../runtime/hosts/engine/facts.ts';
import { programOfRoot } from '../../runtime/hosts/engine/program.ts';
import { sharedRoot } from './engine.ts';

/** Debian's git, and repositories that it keeps in a folder. */
export interface Git {
  /** Runs git in a repository; throws what it complains of. Gives what it printed. */
  run(repository: string, args: readonly string[]): Promise<string>;
  /** Makes a repository with one commit on `main` that holds these files. Gives its path. */
  repository(files: Readonly<Record<string, string>>): Promise<string>;
  /** One side of git's protocol over http: `git upload-pack`, fed with a request and piped to its answer. */
  uploadPack(repository: string, args: readonly string[], options: UploadOptions): Readable;
}

/** How a request to git's protocol came. */
export interface UploadOptions {
  readonly body: Readable | undefined;
  /** The header `Git-Protocol`. */
  readonly protocol: string | undefined;
}

/** The git of the Debian root; what it calls by itself (`git pack-objects`) it finds in `folder`. */
export async function debianGit(folder: string): Promise<Git> {
  const argv = programOfRoot(await sharedRoot(), { path: 'usr/bin/git', facts: await machineFacts() });
  const programs = join(folder, 'git-programs');
  await mkdir(programs, { recursive: true });
  await writeFile(join(programs, 'git'), `#!/bin/sh\nexec ${argv.join(' ')} "$@"\n`, { mode: 0o755 });
  const env = {
    PATH: `${programs}:${process.env['PATH'] ?? ''}`,
    HOME: folder,
    GIT_EXEC_PATH: programs,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.invalid',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.invalid',
  };
  const start = (repository: string, args: readonly string[], more: Readonly<Record<string, string>> = {}) => {
    const [program, ...own] = argv;
    const config = ['-c', 'init.defaultBranch=main', '-c', 'gc.auto=0', '-c', 'maintenance.auto=false'];
    return spawn(program, [...own, ...config, ...args], { cwd: repository, env: { ...env, ...more } });
  };
  const run = async (repository: string, args: readonly string[]): Promise<string> => {
    const child = start(repository, args);
    child.stdin.end();
    const ended = Promise.withResolvers<number | null>();
    child.once('error', ended.reject);
    child.once('close', ended.resolve);
    const [out, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), ended.promise]);
    if (code !== 0) throw new Error(`git ${args.join(' ')}: ${complaint}`);
    return out;
  };
  let count = 0;
  return {
    run,
    repository: async (files) => {
      const repository = join(folder, `repository-${++count}`);
      await mkdir(repository);
      await run(repository, ['init', '--quiet']);
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(repository, name)), { recursive: true });
        await writeFile(join(repository, name), content);
      }
      await run(repository, ['add', '.']);
      await run(repository, ['commit', '--quiet', '--message=one']);
      return repository;
    },
    uploadPack: (repository, args, { body, protocol }) => {
      const child = start(
        repository,
        ['upload-pack', '--stateless-rpc', ...args, '.git'],
        protocol === undefined ? {} : { GIT_PROTOCOL: protocol },
      );
      child.stdin.on('error', () => undefined);
      if (body === undefined) child.stdin.end();
      else body.pipe(child.stdin);
      return child.stdout;
    },
  };
}
