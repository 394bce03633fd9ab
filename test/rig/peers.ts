import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { machineFacts } from '../../runtime/hosts/engine/facts.ts';
import { programOfRoot } from '../../runtime/hosts/engine/program.ts';
import { sharedRoot } from './engine.ts';
import { tempFolder } from './folder.ts';

/** The real programs we stand beside. */
export type Peer = 'docker' | 'buildx' | 'compose' | 'skopeo';

const PATHS: Readonly<Record<Peer, string>> = {
  docker: 'usr/bin/docker',
  buildx: 'usr/libexec/docker/cli-plugins/docker-buildx',
  compose: 'usr/libexec/docker/cli-plugins/docker-compose',
  skopeo: 'usr/bin/skopeo',
};

/** How a peer ended, with all it wrote. */
export interface PeerRun {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a peer is run. */
export interface PeerOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
}

/** docker, buildx, compose and skopeo of Debian, with a Docker configuration of their own. */
export interface Peers extends AsyncDisposable {
  /** Their `DOCKER_CONFIG`; put a config.json with credentials there. */
  readonly config: string;
  /** The command line of a peer up to its first argument: for who must start it in a way of its own. */
  argv(peer: Peer): readonly [string, ...string[]];
  run(peer: Peer, args: readonly string[], options?: PeerOptions): Promise<PeerRun>;
}

/** The peers, talking to the Docker at `dockerHost` (`unix:///…`); without one they only plan and print. */
export async function peers({ dockerHost }: { readonly dockerHost?: string } = {}): Promise<Peers> {
  const root = await sharedRoot();
  const facts = await machineFacts();
  const folder = await tempFolder('peers');
  const argv = (peer: Peer): readonly [string, ...string[]] => programOfRoot(root, { path: PATHS[peer], facts });
  // docker and compose look for their plugins here before they look in the system's folders.
  await mkdir(join(folder.path, 'cli-plugins'));
  for (const peer of ['buildx', 'compose'] as const) {
    const wrapper = `#!/bin/sh\nexec ${argv(peer).map(quoted).join(' ')} "$@"\n`;
    await writeFile(join(folder.path, 'cli-plugins', `docker-${peer}`), wrapper, { mode: 0o755 });
  }
  const own = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder.path,
    DOCKER_CONFIG: folder.path,
    ...(dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost }),
  };
  return {
    config: folder.path,
    argv,
    run: (peer, args, options = {}) => start([...argv(peer), ...args], { ...options, env: { ...own, ...options.env } }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function start(argv: readonly string[], { cwd, env, input }: PeerOptions): Promise<PeerRun> {
  const [program, ...args] = argv;
  const child = spawn(program ?? '', args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  const ended = Promise.withResolvers<number | undefined>();
  child.once('error', ended.reject);
  child.once('close', (code) => ended.resolve(code ?? undefined));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended.promise]);
  return { exitCode, stdout, stderr };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
