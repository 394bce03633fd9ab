import { mkdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { machineFacts } from '../../runtime/hosts/engine/facts.ts';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine, sharedRoot } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import { untar } from '../rig/tar.ts';

const TEST_MS = 120_000;

/** Lists the keys of the agent, asks it to forget them all, and lists them again; the types of the answers come out. */
const CLIENT = `
use IO::Socket::UNIX;
my $agent = IO::Socket::UNIX->new(Peer => $ENV{SSH_AUTH_SOCK}) or die "no agent: $!";
my @types;
for my $type (11, 19, 11) {
  syswrite $agent, pack("NC", 1, $type);
  my ($head, $body) = ("", "");
  sysread $agent, $head, 4 or die "hung up";
  my $length = unpack("N", $head);
  sysread $agent, $body, $length - length $body, length $body while length $body < $length;
  push @types, unpack("C", $body);
}
open my $out, ">", "/types"; print $out "@types\\n"; close $out;
`;

/** An agent without keys that notes what it is asked. */
interface PlayedAgent extends AsyncDisposable {
  readonly socket: string;
  readonly asked: number[];
}

let engine: TestEngine;
let folder: TempFolder;
let usr: string;

beforeAll(async () => {
  engine = await sharedEngine();
  usr = join(await sharedRoot(), 'usr');
  folder = await tempFolder('ssh');
  const arm = (await machineFacts()).architecture === 'arm64';
  const [libraries, loader] = arm
    ? ['lib/aarch64-linux-gnu', 'lib/ld-linux-aarch64.so.1']
    : ['lib/x86_64-linux-gnu', 'lib64/ld-linux-x86-64.so.2'];
  await mkdir(join(folder.path, 'work'));
  await writeFile(join(folder.path, 'work', 'client.pl'), CLIENT);
  await writeFile(
    join(folder.path, 'work', 'Dockerfile'),
    `FROM scratch AS run
COPY --from=usr bin/perl /usr/bin/perl
COPY --from=usr ${libraries} /usr/${libraries}
COPY --from=usr ${loader} /${loader}
COPY client.pl /
RUN --mount=type=ssh ["/usr/bin/perl", "/client.pl"]
FROM scratch
COPY --from=run /types /types
`,
  );
});

afterAll(() => folder[Symbol.asyncDispose]());

async function playedAgent(): Promise<PlayedAgent> {
  const socket = join(folder.path, 'agent.sock');
  const asked: number[] = [];
  const server = net.createServer((client) => {
    client.on('error', () => undefined);
    client.on('data', (data) => {
      asked.push(data[4] ?? 0);
      client.write(Buffer.from([0, 0, 0, 5, 12, 0, 0, 0, 0]));
    });
  });
  const listening = Promise.withResolvers<void>();
  server.listen(socket, listening.resolve);
  await listening.promise;
  return {
    socket,
    asked,
    [Symbol.asyncDispose]: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

async function bake(ssh: string, env: Readonly<Record<string, string>>, ...more: readonly string[]): Promise<DepotRun> {
  const cwd = join(folder.path, 'work');
  await writeFile(
    join(cwd, 'docker-bake.hcl'),
    `target "default" {\n  ssh = ["${ssh}"]\n  contexts = { usr = "${usr}" }\n  output = ["type=tar,dest=out.tar"]\n}\n`,
  );
  return depot(['bake', '--no-cache', ...more], { cwd, env: { DOCKER_HOST: engine.dockerHost, ...env } });
}

test.each(['default', 'default=../agent.sock'])(
  'a step uses the agent that ssh = ["%s"] means: it lists keys, and cannot change the agent',
  async (ssh) => {
    await using agent = await playedAgent();
    const run = await bake(ssh, { SSH_AUTH_SOCK: agent.socket, BUILDX_BAKE_ENTITLEMENTS_FS: '0' }, '--allow=ssh');
    expect(run.exitCode, run.stderr).toBe(0);
    expect(untar(await readFile(join(folder.path, 'work', 'out.tar')))).toEqual({ types: '12 5 12\n' });
    expect(agent.asked).toEqual([11, 11]);
  },
  TEST_MS,
);

test('forwarding the agent needs to be allowed', async () => {
  await using agent = await playedAgent();
  const refused = await bake('default', { SSH_AUTH_SOCK: agent.socket }, `--allow=fs.read=${usr}`);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain(' - Forwarding default SSH agent socket\n');
  expect(refused.stderr).toContain('"--allow=ssh"');
  expect(agent.asked).toEqual([]);
});

test('a definition over ssh needs an agent', async () => {
  const run = await depot(['bake', 'git@127.0.0.1:app.git', '--print', '--progress=quiet'], {
    cwd: folder.path,
    env: { DOCKER_HOST: engine.dockerHost },
  });
  expect(run).toMatchObject({ exitCode: 1, stdout: '' });
  expect(run.stderr).toBe(
    'ERROR: the definition git@127.0.0.1:app.git cannot be read: an ssh agent, "default": SSH_AUTH_SOCK is not set\n' +
      '  BUILDX_BAKE_GIT_SSH or SSH_AUTH_SOCK names the socket of an agent that holds the key\n',
  );
});

test('keys in files are refused by name', async () => {
  const key = join(folder.path, 'key');
  await writeFile(key, '-----BEGIN PRIVATE KEY-----\nnone\n-----END PRIVATE KEY-----\n');
  const run = await depot(['bake', 'git@127.0.0.1:app.git', '--print', '--progress=quiet'], {
    cwd: folder.path,
    env: { DOCKER_HOST: engine.dockerHost, BUILDX_BAKE_GIT_SSH: key },
  });
  expect(run).toMatchObject({ exitCode: 1, stdout: '' });
  expect(run.stderr).toContain('ssh keys in files, "default" (an agent that holds them can be forwarded)');
});
