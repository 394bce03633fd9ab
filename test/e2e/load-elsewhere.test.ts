import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DockerEngine } from '../../runtime/docker/engine.ts';
import type { DockerEndpoint } from '../../runtime/docker/http.ts';
import type { Relay } from '../../runtime/load/relay/relay.ts';
import { openRelay } from '../../runtime/load/relay/relay.ts';
import { relayImage } from '../../runtime/load/relay/relay-image.ts';
import type { BytePipe } from '../rig/byte-pipe.ts';
import { remoteBuildkit, remoteDocker } from '../rig/byte-pipe.ts';
import { testCertificates } from '../rig/certificates.ts';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import { runningContainers } from '../rig/docker-state.ts';
import { engineElsewhere } from '../rig/elsewhere.ts';
import type { TestEngine } from '../rig/engine.ts';
import { dockerOf, sharedEngine, sharedRoot } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import { busybox, shellContext } from '../rig/image.ts';
import { relayFolder } from '../rig/relay-image.ts';
import { testSshd } from '../rig/sshd.ts';

const TEST_MS = 120_000;
const UP_MS = 300_000;
const LARGE_BYTES = 20_000_000;

let builder: TestEngine;
let pipe: BytePipe;
let image: TempFolder;

beforeAll(async () => {
  builder = await sharedEngine();
  [pipe, image] = await Promise.all([remoteBuildkit(builder.docker), relayFolder(builder)]);
}, UP_MS);

afterAll(async () => {
  await Promise.all([pipe, image].map((part) => part[Symbol.asyncDispose]()));
}, UP_MS);

const signal = (): AbortSignal => AbortSignal.timeout(TEST_MS);
const uniqueName = (): string => `elsewhere-${randomBytes(6).toString('hex')}`;

async function project(): Promise<TempFolder> {
  const folder = await shellContext('COPY large /large', 'COPY small /small');
  await writeFile(join(folder.path, 'large'), randomBytes(LARGE_BYTES));
  await writeFile(join(folder.path, 'small'), randomBytes(100));
  return folder;
}

async function load(
  folder: TempFolder,
  name: string,
  env: Readonly<Record<string, string>>,
  options: { readonly interrupt?: AbortSignal } = {},
): Promise<DepotRun> {
  const args = ['--load', '-t', name, `--build-context=busybox=${await busybox()}`, '--progress=plain', folder.path];
  return depot(['build', ...args], {
    cwd: folder.path,
    env: { BUILDKIT_HOST: pipe.address, DEPOT_RELAY_IMAGE: image.path, ...env },
    ...options,
  });
}

describe.each([{ imageStore: 'containerd' as const }, { imageStore: 'classic' as const }])(
  'a Docker Engine that does not reach our loopback interface ($imageStore store)',
  ({ imageStore }) => {
    let docker: Awaited<ReturnType<typeof engineElsewhere>>;

    beforeAll(async () => {
      docker = await engineElsewhere(imageStore === 'classic' ? { imageStore } : {});
    }, UP_MS);

    afterAll(async () => {
      await docker[Symbol.asyncDispose]();
    }, UP_MS);

    test('pulls what it lacks through a helper, of which nothing is left', { timeout: TEST_MS }, async () => {
      await using folder = await project();
      using api = new DockerEngine(docker.docker);
      const name = uniqueName();
      const run = await load(folder, name, { DOCKER_HOST: docker.dockerHost });
      expect(run.exitCode, run.stderr).toBe(0);
      expect(run.stderr).toContain('importing to docker: pulled through a helper container beside it, since');
      expect(run.stderr).not.toContain('as an archive');
      const loaded = await api.inspectImage(name, { signal: signal() });
      expect(loaded?.tags).toEqual([`${name}:latest`]);
      await expect.poll(() => runningContainers(docker.docker), { timeout: 10_000 }).toEqual([]);
      await writeFile(join(folder.path, 'small'), randomBytes(100));
      const before = pipe.sentBytes();
      const again = await load(folder, name, { DOCKER_HOST: docker.dockerHost });
      expect(again.exitCode, again.stderr).toBe(0);
      expect(again.stderr).not.toContain('as an archive');
      expect(pipe.sentBytes() - before).toBeLessThan(LARGE_BYTES / 10);
      expect((await api.inspectImage(name, { signal: signal() }))?.id).not.toBe(loaded?.id);
    });
  },
);

describe('a Docker Engine elsewhere', () => {
  let docker: Awaited<ReturnType<typeof engineElsewhere>>;

  beforeAll(async () => {
    docker = await engineElsewhere();
  }, UP_MS);

  afterAll(async () => {
    await docker[Symbol.asyncDispose]();
  }, UP_MS);

  test('is reached by mutual TLS', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    const certificates = await testCertificates();
    await using files = await tempFolder('tls');
    const { ca, client } = certificates;
    for (const [name, pem] of Object.entries({ ca, cert: client.cert, key: client.key })) {
      await writeFile(join(files.path, `${name}.pem`), pem);
    }
    await using secure = await remoteDocker(docker.docker, { mutualTls: certificates, protocol: 'http/1.1' });
    const run = await load(folder, uniqueName(), {
      DOCKER_HOST: secure.address,
      DOCKER_TLS_VERIFY: '1',
      DOCKER_CERT_PATH: files.path,
    });
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toContain('pulled through a helper container beside it');
    expect(run.stderr).not.toContain('as an archive');
  });

  test('is reached by ssh', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    await using sshd = await testSshd(docker);
    using api = new DockerEngine(docker.docker);
    const name = uniqueName();
    const env = { DOCKER_HOST: sshd.address, PATH: `${sshd.clientFolder}:${process.env['PATH'] ?? ''}` };
    const run = await load(folder, name, env);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toMatch(/importing to docker\n/);
    expect(run.stderr, run.stderr).not.toContain('as an archive');
    expect((await api.inspectImage(name, { signal: signal() }))?.tags).toEqual([`${name}:latest`]);
    const stranger = { ...env, PATH: `${sshd.strangerFolder}:${process.env['PATH'] ?? ''}`, BUILDKIT_HOST: '' };
    const refused = await load(folder, name, stranger);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(
      `${sshd.address} cannot be reached: ssh 127.0.0.1: root@127.0.0.1: Permission denied (publickey)`,
    );
  });

  test('builds by ssh as well', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    await using sshd = await testSshd(docker);
    using api = new DockerEngine(docker.docker);
    const name = uniqueName();
    const env = { DOCKER_HOST: sshd.address, PATH: `${sshd.clientFolder}:${process.env['PATH'] ?? ''}` };
    const run = await load(folder, name, { ...env, BUILDKIT_HOST: '' });
    expect(run.exitCode, run.stderr).toBe(0);
    expect((await api.inspectImage(name, { signal: signal() }))?.tags).toEqual([`${name}:latest`]);
  });

  test(
    'gets an archive where there is no image of a helper, and what would make it is said',
    { timeout: TEST_MS },
    async () => {
      await using folder = await project();
      await using empty = await tempFolder('empty');
      using api = new DockerEngine(docker.docker);
      const name = uniqueName();
      const run = await load(folder, name, { DOCKER_HOST: docker.dockerHost, DEPOT_RELAY_IMAGE: empty.path });
      expect(run.exitCode, run.stderr).toBe(0);
      expect(run.stderr).toMatch(/sent as an archive, since the image of the helper is not built.*npm run relay/);
      expect((await api.inspectImage(name, { signal: signal() }))?.tags).toEqual([`${name}:latest`]);
    },
  );

  test('gets an archive where the helper is killed', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    using api = new DockerEngine(docker.docker);
    const name = uniqueName();
    const killed = killHelper(docker.docker);
    const run = await load(folder, name, { DOCKER_HOST: docker.dockerHost });
    await killed;
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toContain('sent as an archive, since');
    expect((await api.inspectImage(name, { signal: signal() }))?.tags).toEqual([`${name}:latest`]);
    await expect.poll(() => runningContainers(docker.docker), { timeout: 10_000 }).toEqual([]);
  });

  test('keeps no helper of a build that is killed', { timeout: TEST_MS }, async () => {
    await using folder = await project();
    await writeFile(join(folder.path, 'large'), randomBytes(LARGE_BYTES * 5));
    let pid = 0;
    const args = ['--load', '-t', uniqueName(), `--build-context=busybox=${await busybox()}`, folder.path];
    const run = depot(['build', ...args], {
      cwd: folder.path,
      env: { BUILDKIT_HOST: pipe.address, DEPOT_RELAY_IMAGE: image.path, DOCKER_HOST: docker.dockerHost },
      onStart: (started) => (pid = started),
    });
    while ((await runningContainers(docker.docker)).length === 0) await sleep(20);
    process.kill(pid, 'SIGKILL');
    await run;
    while ((await runningContainers(docker.docker)).length > 0) await sleep(50);
  });
});

describe('the helper', () => {
  let relay: Relay;
  let api: DockerEngine;

  beforeAll(async () => {
    api = dockerOf(builder);
    relay = await openRelay(api, await relayImage(api, { folder: image.path }, { signal: signal() }), {
      signal: signal(),
    });
  }, UP_MS);

  afterAll(async () => {
    await relay[Symbol.asyncDispose]();
    api[Symbol.dispose]();
  }, UP_MS);

  test('hands on many connections at a time, whole and in both ways', { timeout: TEST_MS }, async () => {
    const bytes = randomBytes(300_000);
    const root = { digest: 'sha256:0', mediaType: 'x/y', bytes, manifests: [], blobs: [] };
    const source = { read: neverRead, has: async () => true };
    await using served = relay.server.serve(root as never, source, { signal: signal() });
    const [host = '', name = ''] = served.repository.split('/');
    const bodies = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const answer = await fetch(`http://${host}/v2/${name}/manifests/${served.tag}`, {
          headers: { connection: 'close' },
        });
        return Buffer.from(await answer.arrayBuffer());
      }),
    );
    expect(bodies.every((body) => body.equals(bytes))).toBe(true);
  });

  test('hangs up on whoever does not come from its own machine', { timeout: TEST_MS }, async () => {
    await using served = relay.server.serve(
      { digest: 'sha256:0', mediaType: 'x/y', bytes: Buffer.from('x'), manifests: [], blobs: [] } as never,
      { read: neverRead, has: async () => true },
      { signal: signal() },
    );
    const [, port = '', name = ''] = /^[^:]*:(\d+)\/(.*)$/.exec(served.repository) ?? [];
    // Node lists no bridge that nothing is plugged into.
    const addresses = execFileSync('chroot', [await sharedRoot(), 'ip', '-4', '-o', 'address', 'show'], {
      encoding: 'utf8',
    });
    const [, outside] = /^\d+: (?:depot-|docker0)\S*\s+inet ([\d.]+)/m.exec(addresses) ?? [];
    expect(outside).toBeDefined();
    const path = `/v2/${name}/manifests/${served.tag}`;
    expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(200);
    await expect(fetch(`http://${outside}:${port}${path}`)).rejects.toThrow('fetch failed');
  });
});

async function* neverRead(): AsyncGenerator<Uint8Array> {}

/** Ends the first helper that there is as soon as it is there. */
async function killHelper(docker: DockerEndpoint): Promise<void> {
  using api = new DockerEngine(docker);
  for (;;) {
    const [helper] = await runningContainers(docker);
    if (helper !== undefined) {
      await api.removeContainer(helper, { signal: signal() });
      return;
    }
    await sleep(10);
  }
}
