import { mkdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { machineFacts } from '../../runtime/hosts/engine/facts.ts';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine, sharedRoot } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import { FAILURE, keysOf, LIST_KEYS, NO_KEYS, signRequest, verified } from '../rig/ssh-client.ts';
import { untar } from '../rig/tar.ts';

const TEST_MS = 120_000;

/** Sends every line of `requests` to the agent, in hex, and notes the answers in the same way. */
const CLIENT = `
use IO::Socket::UNIX;
my $agent = IO::Socket::UNIX->new(Peer => $ENV{SSH_AUTH_SOCK}) or die "no agent: $!";
open my $requests, "<", "/requests"; open my $answers, ">", "/answers";
while (my $request = <$requests>) {
  chomp $request;
  syswrite $agent, pack("H*", $request);
  my ($head, $body) = ("", "");
  sysread $agent, $head, 4 or die "hung up";
  my $length = unpack("N", $head);
  sysread $agent, $body, $length - length $body, length $body or die "hung up" while length $body < $length;
  print $answers unpack("H*", $head . $body), "\\n";
}
close $answers;
`;

/** What asks an agent to forget all keys. */
const REMOVE_ALL = Buffer.from([0, 0, 0, 1, 19]);

const KEYS = resolve(import.meta.dirname, '../../fixtures/ssh-keys');

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
COPY client.pl requests /
RUN --mount=type=ssh ["/usr/bin/perl", "/client.pl"]
FROM scratch
COPY --from=run /answers /answers
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
      client.write(NO_KEYS);
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

/** What the step is to ask the agent. */
async function ask(...requests: readonly Buffer[]): Promise<void> {
  const lines = requests.map((request) => `${request.toString('hex')}\n`);
  await writeFile(join(folder.path, 'work', 'requests'), lines.join(''));
}

/** What the step heard. */
async function answers(): Promise<readonly Buffer[]> {
  const { answers: lines = '' } = untar(await readFile(join(folder.path, 'work', 'out.tar')));
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => Buffer.from(line, 'hex'));
}

test.each(['default', 'default=../agent.sock'])(
  'a step uses the agent that ssh = ["%s"] means: it lists keys, and cannot change the agent',
  async (ssh) => {
    await using agent = await playedAgent();
    await ask(LIST_KEYS, REMOVE_ALL, LIST_KEYS);
    const run = await bake(ssh, { SSH_AUTH_SOCK: agent.socket, BUILDX_BAKE_ENTITLEMENTS_FS: '0' }, '--allow=ssh');
    expect(run.exitCode, run.stderr).toBe(0);
    expect(await answers()).toEqual([NO_KEYS, FAILURE, NO_KEYS]);
    expect(agent.asked).toEqual([11, 11]);
  },
  TEST_MS,
);

interface Given {
  readonly what: string;
  readonly run: () => Promise<DepotRun>;
}

/** Every way to name two keys in files. */
const WAYS: readonly Given[] = [
  {
    what: 'bake with ssh = ["default=KEY,KEY"]',
    run: () => bake(`default=${KEYS}/rsa,${KEYS}/ecdsa384`, {}, '--allow=fs.read=/'),
  },
  {
    what: 'build --ssh default=KEY,KEY',
    run: () =>
      depot(
        [
          ...[
            'build',
            '--no-cache',
            '--progress=plain',
            `--build-context=usr=${usr}`,
            '--output=type=tar,dest=out.tar',
          ],
          ...[`--ssh=default=${KEYS}/rsa,${KEYS}/ecdsa384`, '.'],
        ],
        { cwd: join(folder.path, 'work'), env: { DOCKER_HOST: engine.dockerHost } },
      ),
  },
];

test.each(WAYS)(
  'a step signs with keys in files: $what',
  async ({ run }) => {
    const data = Buffer.from('what a server wants to have signed');
    const blobs = await Promise.all(
      ['rsa', 'ecdsa384'].map(async (name) => {
        const [, blob = ''] = (await readFile(join(KEYS, `${name}.pub`), 'utf8')).split(' ');
        return Buffer.from(blob, 'base64');
      }),
    );
    const [rsa = data, ecdsa = data] = blobs;
    await ask(LIST_KEYS, signRequest(rsa, data, 4), signRequest(ecdsa, data), REMOVE_ALL, LIST_KEYS);
    const ended = await run();
    expect(ended.exitCode, ended.stderr).toBe(0);
    const [listed, first, second, removed, again] = await answers();
    expect(keysOf(listed ?? data)).toEqual(blobs.map((blob) => ({ blob: blob.toString('base64'), comment: '' })));
    expect(verified(first ?? data, { blob: rsa, data })).toBe('rsa-sha2-512');
    expect(verified(second ?? data, { blob: ecdsa, data })).toBe('ecdsa-sha2-nistp384');
    expect(removed).toEqual(FAILURE);
    expect(again).toEqual(listed);
    const key = await readFile(join(KEYS, 'rsa'), 'utf8');
    for (const line of key.split('\n').slice(1, -2)) expect(ended.stderr + ended.stdout).not.toContain(line);
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
    'ERROR: the definition git@127.0.0.1:app.git cannot be read: ssh "default": SSH_AUTH_SOCK cannot be used: it is not set\n' +
      '  BUILDX_BAKE_GIT_SSH or SSH_AUTH_SOCK names the socket of an agent that holds the key, or a key without a passphrase; on a terminal, it is asked for\n',
  );
});

test.each([
  ['locked', 'ssh: this private key is passphrase protected'],
  ['rsa.pub', 'ssh: no key found; this is a public key'],
])('a definition over ssh with a key that cannot be used: %s', async (name, cause) => {
  const run = await depot(['bake', 'git@127.0.0.1:app.git', '--print', '--progress=quiet'], {
    cwd: folder.path,
    env: { DOCKER_HOST: engine.dockerHost, BUILDX_BAKE_GIT_SSH: join(KEYS, name) },
  });
  expect(run).toMatchObject({ exitCode: 1, stdout: '' });
  expect(run.stderr).toContain(`cannot be read: ssh "default": ${join(KEYS, name)} cannot be used: ${cause}\n`);
});

test('keys in files, and not an agent, are what a build may read', async () => {
  await ask(LIST_KEYS);
  const refused = await bake(`default=${KEYS}/rsa`, {}, `--allow=fs.read=${usr}`);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain(` - Read access to path ${join(KEYS, 'rsa')}\n`);
  expect(refused.stderr).not.toContain('agent');
});
