import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { BytePipe } from '../rig/byte-pipe.ts';
import { remoteBuildkit, remoteDocker } from '../rig/byte-pipe.ts';
import type { TestCertificates } from '../rig/certificates.ts';
import { testCertificates } from '../rig/certificates.ts';
import type { DepotRun } from '../rig/depot.ts';
import { depot } from '../rig/depot.ts';
import type { TestEngine } from '../rig/engine.ts';
import { sharedEngine } from '../rig/engine.ts';
import type { TempFolder } from '../rig/folder.ts';
import { tempFolder } from '../rig/folder.ts';
import { busybox, shellContext } from '../rig/image.ts';
import { peers } from '../rig/peers.ts';

let engine: TestEngine;
let certificates: TestCertificates;
let other: TestCertificates;

beforeAll(async () => {
  engine = await sharedEngine();
  [certificates, other] = await Promise.all([testCertificates(), testCertificates()]);
});

/** A folder with the client's files under the names that buildctl and docker know. */
async function tlsFolder(files: Readonly<Record<string, string>>): Promise<TempFolder> {
  const folder = await tempFolder('tls');
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text);
  return folder;
}

/** Bakes one image with a step that runs, and a file of the context, to an archive. */
async function bakeArchive(
  env: Readonly<Record<string, string>>,
): Promise<DepotRun & { readonly archiveBytes: number }> {
  await using context = await shellContext('COPY mark /mark', 'RUN cat /mark');
  const mark = `mark ${Math.random()}`;
  await writeFile(join(context.path, 'mark'), mark);
  await writeFile(
    join(context.path, 'docker-bake.hcl'),
    `target "web" {\n  contexts = { busybox = "${await busybox()}" }\n  output = ["type=oci,dest=web.tar"]\n}\n`,
  );
  const run = await depot(['bake', `--allow=fs.read=${await busybox()}`, 'web'], { cwd: context.path, env });
  if (run.exitCode === 0) expect(run.stderr).toContain(mark);
  const archive = await readFile(join(context.path, 'web.tar')).catch(() => Buffer.alloc(0));
  return { ...run, archiveBytes: archive.length };
}

async function expectToBuild(env: Readonly<Record<string, string>>, pipe: BytePipe): Promise<void> {
  const run = await bakeArchive(env);
  expect(run.exitCode, run.stderr).toBe(0);
  expect(run.archiveBytes).toBeGreaterThan(500_000);
  expect(run.stderr).not.toContain('Warning');
  expect(pipe.taken()).toBeGreaterThan(0);
}

describe('a remote BuildKit', () => {
  test('that is not there is told with what would help', async () => {
    const run = await bakeArchive({ BUILDKIT_HOST: 'tcp://127.0.0.1:1' });
    expect(run.stderr.trimEnd().split('\n').slice(-2)).toEqual([
      'ERROR: the builder at tcp://127.0.0.1:1 cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
      '  start that BuildKit; or unset BUILDKIT_HOST, if it is set, to build on another engine',
    ]);
  });

  test('that takes the connection and says nothing is told in plain words', { timeout: 60_000 }, async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => void sockets.push(socket.resume()));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const run = await bakeArchive({ BUILDKIT_HOST: `tcp://127.0.0.1:${port}` });
    for (const socket of sockets) socket.destroy();
    server.close();
    expect(run.stderr).toContain(
      `ERROR: the builder at tcp://127.0.0.1:${port} cannot be reached: it did not answer in 20 seconds\n`,
    );
  });

  test('on a unix socket builds', async () => {
    await using pipe = await remoteBuildkit(engine.docker, { unix: true });
    await expectToBuild({ BUILDKIT_HOST: pipe.address, DOCKER_HOST: engine.dockerHost }, pipe);
  });

  test('on tcp builds', async () => {
    await using pipe = await remoteBuildkit(engine.docker);
    await expectToBuild({ BUILDKIT_HOST: pipe.address, DOCKER_HOST: engine.dockerHost }, pipe);
  });

  test('on tcp with mutual TLS builds, the files named by their folder or one by one', async () => {
    await using pipe = await remoteBuildkit(engine.docker, { mutualTls: certificates });
    const { ca, client } = certificates;
    await using folder = await tlsFolder({ 'ca.pem': ca, 'cert.pem': client.cert, 'key.pem': client.key });
    const env = { BUILDKIT_HOST: pipe.address, DOCKER_HOST: engine.dockerHost };
    await expectToBuild({ ...env, BUILDKIT_TLS_DIR: folder.path }, pipe);
    const byOne = { BUILDKIT_TLS_CA: 'ca.pem', BUILDKIT_TLS_CERT: 'cert.pem', BUILDKIT_TLS_KEY: 'key.pem' };
    const named = Object.entries(byOne).map(([name, file]) => [name, join(folder.path, file)] as const);
    await expectToBuild({ ...env, ...Object.fromEntries(named), BUILDKIT_TLS_SERVER_NAME: 'localhost' }, pipe);
  });

  test('on tcp with TLS and no authority named is trusted where the system trusts it', async () => {
    await using pipe = await remoteBuildkit(engine.docker, { mutualTls: certificates });
    const { ca, client } = certificates;
    await using folder = await tlsFolder({ 'ca.pem': ca, 'cert.pem': client.cert, 'key.pem': client.key });
    const env = {
      BUILDKIT_HOST: pipe.address,
      BUILDKIT_TLS_CERT: join(folder.path, 'cert.pem'),
      BUILDKIT_TLS_KEY: join(folder.path, 'key.pem'),
    };
    await expectToBuild({ ...env, SSL_CERT_FILE: join(folder.path, 'ca.pem') }, pipe);
    await expectRefusal(env, /an authority that is not trusted/, 'BUILDKIT_TLS_CA');
  });
});

/** A refusal: one message, one hint, no trace of a stack, and no waiting. */
async function expectRefusal(env: Readonly<Record<string, string>>, message: RegExp, hint: string): Promise<void> {
  const startedMs = performance.now();
  const run = await bakeArchive(env);
  expect(performance.now() - startedMs).toBeLessThan(8_000);
  const [error = '', help = '', ...more] = run.stderr.trimEnd().split('\n');
  expect(error).toMatch(message);
  expect(help).toContain(hint);
  expect({ exitCode: run.exitCode, more }).toEqual({ exitCode: 1, more: [] });
}

describe('a remote BuildKit with mutual TLS is not built on', () => {
  /** The client's own files, some of them replaced or left out. */
  async function withFiles(
    files: Readonly<Record<string, string>>,
    check: (env: Readonly<Record<string, string>>) => Promise<void>,
  ): Promise<void> {
    await using pipe = await remoteBuildkit(engine.docker, { mutualTls: certificates });
    await using folder = await tlsFolder(files);
    const variables = { BUILDKIT_TLS_CA: 'ca.pem', BUILDKIT_TLS_CERT: 'cert.pem', BUILDKIT_TLS_KEY: 'key.pem' };
    const named = Object.entries(variables).filter(([, file]) => file in files);
    await check({
      BUILDKIT_HOST: pipe.address,
      DOCKER_HOST: engine.dockerHost,
      ...Object.fromEntries(named.map(([name, file]) => [name, join(folder.path, file)])),
    });
  }

  test('when another authority than ours vouches for it', async () => {
    const { client } = certificates;
    await withFiles({ 'ca.pem': other.ca, 'cert.pem': client.cert, 'key.pem': client.key }, (env) =>
      expectRefusal(env, /its certificate comes from an authority that is not trusted/, 'BUILDKIT_TLS_CA'),
    );
  });

  test('when its certificate is for another host', async () => {
    const { ca, client } = certificates;
    await withFiles({ 'ca.pem': ca, 'cert.pem': client.cert, 'key.pem': client.key }, (env) =>
      expectRefusal(
        { ...env, BUILDKIT_TLS_SERVER_NAME: 'elsewhere.test' },
        /elsewhere\.test\. is not in the cert's altnames/,
        'BUILDKIT_TLS_SERVER_NAME',
      ),
    );
  });

  test('when the client has no certificate', async () => {
    await withFiles({ 'ca.pem': certificates.ca }, (env) =>
      expectRefusal(env, /it refuses this client \("certificate required"\)/, 'BUILDKIT_TLS_CERT'),
    );
  });

  test("when it does not know the authority of the client's certificate", async () => {
    const { client } = other;
    await withFiles({ 'ca.pem': certificates.ca, 'cert.pem': client.cert, 'key.pem': client.key }, (env) =>
      expectRefusal(env, /tcp:\/\/127\.0\.0\.1:\d+ cannot be reached: it (?:hung up|refuses)/, 'BUILDKIT_TLS_CERT'),
    );
  });

  test('when we speak without TLS', async () => {
    await withFiles({}, (env) => expectRefusal(env, /it hung up on us/, 'if it wants TLS, set BUILDKIT_TLS_DIR'));
  });
});

test('TLS to a BuildKit without it is refused', async () => {
  await using pipe = await remoteBuildkit(engine.docker);
  await using folder = await tlsFolder({ 'ca.pem': certificates.ca });
  const env = { BUILDKIT_HOST: pipe.address, DOCKER_HOST: engine.dockerHost };
  await expectRefusal(
    { ...env, BUILDKIT_TLS_CA: join(folder.path, 'ca.pem') },
    /it does not speak TLS/,
    'unset BUILDKIT_TLS_DIR',
  );
});

test('a Docker socket in BUILDKIT_HOST is known for what it is', async () => {
  await expectRefusal({ BUILDKIT_HOST: engine.dockerHost }, /what answers there is no BuildKit/, 'DOCKER_HOST');
});

describe('a Docker Engine elsewhere', () => {
  test('on tcp builds', async () => {
    await using pipe = await remoteDocker(engine.docker);
    await expectToBuild({ DOCKER_HOST: pipe.address }, pipe);
  });

  test('on tcp with mutual TLS builds, and refuses who is not its client', async () => {
    await using pipe = await remoteDocker(engine.docker, { mutualTls: certificates });
    const { ca, client } = certificates;
    await using folder = await tlsFolder({ 'ca.pem': ca, 'cert.pem': client.cert, 'key.pem': client.key });
    const env = { DOCKER_HOST: pipe.address, DOCKER_TLS_VERIFY: '1' };
    await expectToBuild({ ...env, DOCKER_CERT_PATH: folder.path }, pipe);
    await writeFile(join(folder.path, 'ca.pem'), other.ca);
    await expectRefusal({ ...env, DOCKER_CERT_PATH: folder.path }, /an authority that is not trusted/, 'ca.pem');
    await expectRefusal({ DOCKER_HOST: pipe.address }, /it hung up on us/, 'DOCKER_TLS_VERIFY=1');
  });
});

describe('a builder that docker buildx made', () => {
  test('is the one that --builder or BUILDX_BUILDER names, with its TLS', async () => {
    await using pipe = await remoteBuildkit(engine.docker, { mutualTls: certificates });
    const { ca, client } = certificates;
    await using folder = await tlsFolder({ 'ca.pem': ca, 'cert.pem': client.cert, 'key.pem': client.key });
    await using programs = await peers({ dockerHost: engine.dockerHost });
    const files = ['cacert=ca', 'cert=cert', 'key=key'].map((one) => one.replace(/=(.*)/, `=${folder.path}/$1.pem`));
    const made = await programs.run('buildx', [
      ...['create', '--name=mine', '--driver=remote', `--driver-opt=${files.join(',')}`, pipe.address],
    ]);
    expect(made.exitCode, made.stderr).toBe(0);
    const env = { DOCKER_CONFIG: programs.config, DOCKER_HOST: engine.dockerHost };
    await expectToBuild({ ...env, BUILDX_BUILDER: 'mine' }, pipe);
    const taken = pipe.taken();
    const used = await depot(['du', '--builder=mine'], { cwd: '/', env: { ...env, BUILDX_BUILDER: 'none' } });
    expect(used.exitCode, used.stderr).toBe(0);
    expect(pipe.taken()).toBeGreaterThan(taken);
  });

  test('is refused by name where it is no BuildKit by itself, where it is not there, and where it is no name', async () => {
    await using programs = await peers({ dockerHost: engine.dockerHost });
    const made = await programs.run('buildx', ['create', '--name=boxed', '--driver=docker-container']);
    expect(made.exitCode, made.stderr).toBe(0);
    const env = { DOCKER_CONFIG: programs.config, DOCKER_HOST: engine.dockerHost };
    const refused = async (name: string): Promise<string> => {
      const run = await depot(['build', `--builder=${name}`, '-'], { cwd: '/', env, input: 'FROM scratch' });
      expect(run.exitCode).toBe(1);
      return run.stderr;
    };
    expect(await refused('boxed')).toContain('the builder "boxed" of --builder, whose driver is "docker-container"');
    expect(await refused('gone')).toContain('Neither a builder nor a Docker context has that name');
    expect(await refused('../x')).toContain('That is no name of a builder');
    const meant = await depot(['build', '--builder=default', '-o', 'type=cacheonly', '-'], {
      ...{ cwd: '/', env: { ...env, BUILDX_BUILDER: 'gone' }, input: 'FROM scratch\nLABEL a=b' },
    });
    expect(meant.exitCode, meant.stderr).toBe(0);
  });
});
