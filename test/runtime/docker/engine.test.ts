import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DockerEngine } from '../../../runtime/docker/engine.ts';
import { DockerError } from '../../../runtime/docker/http.ts';
import { dockerOf, sharedEngine } from '../../rig/engine.ts';
import type { TempFolder } from '../../rig/folder.ts';
import { tempFolder } from '../../rig/folder.ts';
import { busybox, shellContext } from '../../rig/image.ts';
import { peers } from '../../rig/peers.ts';

const signal = AbortSignal.timeout(600_000);

let docker: DockerEngine;
let scratch: TempFolder;
let archive: string;
let image: string;

beforeAll(async () => {
  const engine = await sharedEngine();
  docker = dockerOf(engine);
  scratch = await tempFolder('docker-api');
  archive = join(scratch.path, 'image.tar');
  image = `docker-api-${process.pid}`;
  await using buildx = await peers(engine);
  await using context = await shellContext('ENV GREETING=hello');
  const built = await buildx.run('buildx', [
    ...['build', '--provenance=false', '--build-context', `busybox=${await busybox()}`],
    ...['--output', `type=docker,dest=${archive}`, '--tag', `${image}:built`, context.path],
  ]);
  expect(built.exitCode, built.stderr).toBe(0);
});

afterAll(async () => {
  for (const tag of ['built', 'again']) await docker.removeImage(`${image}:${tag}`, { signal, force: true });
  docker[Symbol.dispose]();
  await scratch[Symbol.asyncDispose]();
});

describe('a real Docker Engine', () => {
  test('says which version and which image store it has', async () => {
    const version = await docker.version({ signal });
    expect(await docker.ping({ signal })).toEqual({ engine: version.engine, api: version.api, os: version.os });
    const info = await docker.info({ signal });
    expect(info.serverVersion).toBe(version.engine);
    expect(info.os).toBe('linux');
    expect({ x86_64: 'amd64', aarch64: 'arm64' }[info.architecture]).toBe(version.architecture);
  });

  test('loads an archive, then has the image under its name and under another', async () => {
    const said: string[] = [];
    for await (const { text } of docker.loadImages(createReadStream(archive), { signal })) said.push(text ?? '');
    expect(said.join('')).toContain(`Loaded image: ${image}:built`);

    await docker.tagImage(`${image}:built`, { repository: image, tag: 'again' }, { signal });
    const found = await docker.inspectImage(`${image}:again`, { signal });
    expect(found).toMatchObject({ os: 'linux', tags: expect.arrayContaining([`${image}:built`, `${image}:again`]) });
  });

  test('runs a container and gives both its outputs and its exit code', async () => {
    const command = ['sh', '-c', 'echo out $GREETING; echo err >&2; exit 7'];
    const id = await docker.createContainer({ image: `${image}:built`, command, env: ['GREETING=hi'] }, { signal });
    await docker.startContainer(id, { signal });
    const outputs = { stdout: '', stderr: '' };
    for await (const { stream, data } of docker.containerLogs(id, { signal, follow: true })) {
      outputs[stream] += Buffer.from(data).toString();
    }
    expect(outputs).toEqual({ stdout: 'out hi\n', stderr: 'err\n' });
    expect(await docker.waitContainer(id, { signal })).toBe(7);
    expect(await docker.removeContainer(id, { signal })).toBe(true);
    expect(await docker.removeContainer(id, { signal })).toBe(false);
  });

  test('has no image of a name nobody gave', async () => {
    expect(await docker.inspectImage('nobody/gave:this', { signal })).toBeUndefined();
    expect(await docker.removeImage('nobody/gave:this', { signal })).toBe(false);
  });

  test('says in its own words why it refuses', async () => {
    const refused = docker.createContainer({ image: 'nobody/gave:this' }, { signal });
    await expect(refused).rejects.toThrow(/No such image: nobody\/gave:this/);
    await expect(refused).rejects.toMatchObject({ status: 404 });
  });

  test('an archive that is none fails the load', async () => {
    async function* rubbish(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('this is no archive'.repeat(1000));
    }
    await expect(Array.fromAsync(docker.loadImages(rubbish(), { signal }))).rejects.toBeInstanceOf(DockerError);
  });

  test('a load that is cancelled ends with the reason, however much is still to be sent', async () => {
    const canceling = new AbortController();
    const reason = new Error('enough');
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let block = 0; ; block++) {
        if (block === 3) canceling.abort(reason);
        yield new Uint8Array(1 << 16);
        await sleep(1);
      }
    }
    await expect(Array.fromAsync(docker.loadImages(endless(), { signal: canceling.signal }))).rejects.toBe(reason);
  });

  test('following a container is cancelled at once', async () => {
    const id = await docker.createContainer({ image: `${image}:built`, command: ['sleep', '600'] }, { signal });
    await docker.startContainer(id, { signal });
    const canceling = new AbortController();
    const reason = new Error('enough');
    const waiting = docker.waitContainer(id, { signal: canceling.signal });
    canceling.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await docker.removeContainer(id, { signal });
  });
});

test('a socket that is not there is named with the system code', async () => {
  using missing = new DockerEngine({ kind: 'docker-unix', path: join(scratch.path, 'none.sock') });
  await expect(missing.version({ signal })).rejects.toMatchObject({
    name: 'DockerError',
    code: 'ENOENT',
    status: undefined,
  });
});
