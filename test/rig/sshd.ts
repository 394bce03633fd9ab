import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { machineFacts } from '../../runtime/hosts/engine/facts.ts';
import { programOfRoot } from '../../runtime/hosts/engine/program.ts';
import { sharedRoot } from './engine.ts';
import { tempFolder, userDataDir } from './folder.ts';

const run = promisify(execFile);

const PACKAGES = ['openssh-server', 'openssh-client', 'libwrap0'] as const;

/** A real sshd on the loopback interface, behind which the docker command uses one engine. */
export interface TestSshd extends AsyncDisposable {
  /** `ssh://root@127.0.0.1:PORT`. */
  readonly address: string;
  /** A folder with an `ssh` that knows the key and the host. */
  readonly clientFolder: string;
  /** The same, with an `ssh` whose key nobody accepts. */
  readonly strangerFolder: string;
}

/** Starts Debian's sshd; `dockerHost` is where the docker command behind it goes. */
export async function testSshd({ dockerHost }: { readonly dockerHost: string }): Promise<TestSshd> {
  const tree = await openssh();
  const folder = await tempFolder('sshd');
  const file = (name: string): string => join(folder.path, name);
  const keygen = join(tree, 'usr/bin/ssh-keygen');
  for (const name of ['host', 'user', 'stranger']) {
    await run(keygen, ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)]);
  }
  const port = await freePort();
  const docker = await programOfRoot(await sharedRoot(), { path: 'usr/bin/docker', facts: await machineFacts() });
  await mkdir(file('bin'));
  await script(file('bin/docker'), `exec ${docker.map(quoted).join(' ')} "$@"`);
  await writeFile(
    file('sshd_config'),
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${file('host')}
AuthorizedKeysFile ${file('user.pub')}
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
SetEnv PATH=${file('bin')}:/usr/bin:/bin DOCKER_HOST=${dockerHost}
`,
  );
  // Its account for the part without privileges, and its folder, are there for it alone.
  const server = spawn(
    'unshare',
    [
      '--mount',
      'sh',
      '-c',
      `cp /etc/passwd "$1/passwd"; echo 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin' >>"$1/passwd"
mount --bind "$1/passwd" /etc/passwd && mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd &&
exec "$2/usr/sbin/sshd" -D -e -f "$1/sshd_config"`,
      'sh',
      folder.path,
      tree,
    ],
    {
      env: { PATH: process.env['PATH'] ?? '', LD_LIBRARY_PATH: await libraries(tree) },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4096)));
  const clientOf = async (key: string): Promise<string> => {
    const config = file(`${key}.config`);
    await writeFile(
      config,
      `Host *
IdentityFile ${file(key)}
IdentitiesOnly yes
StrictHostKeyChecking accept-new
UserKnownHostsFile ${file('known_hosts')}
BatchMode yes
`,
    );
    await mkdir(file(`${key}.bin`));
    await script(file(`${key}.bin/ssh`), `exec ${quoted(join(tree, 'usr/bin/ssh'))} -F ${quoted(config)} "$@"`);
    return file(`${key}.bin`);
  };
  const [clientFolder, strangerFolder] = [await clientOf('user'), await clientOf('stranger')];
  while (!(await listens(port))) {
    if (server.exitCode !== null) throw new Error(`sshd ended with exit code ${server.exitCode}: ${said}`);
    await sleep(20);
  }
  return {
    address: `ssh://root@127.0.0.1:${port}`,
    clientFolder,
    strangerFolder,
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => server.once('close', resolve));
      if (server.kill()) await ended;
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Debian's packages unpacked, kept in the user's data folder; nothing is installed. */
async function openssh(): Promise<string> {
  const tree = join(userDataDir(), 'test', 'openssh');
  if (await stat(tree).catch(() => undefined)) return tree;
  await mkdir(dirname(tree), { recursive: true });
  const made = await mkdtemp(`${tree}-`);
  const download = (): Promise<unknown> => run('apt-get', ['-q', 'download', ...PACKAGES], { cwd: made });
  await download().catch(async () => {
    await run('apt-get', ['-q', 'update']);
    await download();
  });
  for (const name of await readdir(made)) await run('dpkg-deb', ['-x', join(made, name), join(made, 'tree')]);
  await rename(join(made, 'tree'), tree).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  await rm(made, { recursive: true, force: true });
  return tree;
}

async function libraries(tree: string): Promise<string> {
  const [triple = ''] = await readdir(join(tree, 'usr/lib')).then((names) =>
    names.filter((one) => one.endsWith('-linux-gnu')),
  );
  return [join(tree, 'usr/lib', triple), join(tree, 'lib', triple)].join(':');
}

async function script(file: string, command: string): Promise<void> {
  await writeFile(file, `#!/bin/sh\n${command}\n`);
  await chmod(file, 0o755);
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
