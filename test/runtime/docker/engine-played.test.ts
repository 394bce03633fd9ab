import { beforeAll, describe, expect, test } from 'vitest';
import type { TlsFiles } from '../../../runtime/buildkit/endpoint.ts';
import { compareApi } from '../../../runtime/docker/api-version.ts';
import { DockerEngine } from '../../../runtime/docker/engine.ts';
import type { DockerEndpoint } from '../../../runtime/docker/http.ts';
import { demultiplex, jsonLines } from '../../../runtime/docker/stream.ts';
import { testCertificates } from '../../rig/certificates.ts';
import { sharedRoot } from '../../rig/engine.ts';
import type { PlayedDocker } from '../../rig/played-docker.ts';
import { playDocker } from '../../rig/played-docker.ts';

// Setting it up on a new machine takes a minute, which no test's own time allows for.
beforeAll(async () => void (await sharedRoot()));

const signal = AbortSignal.timeout(600_000);

describe('the API version', () => {
  test("is the engine's own where that is older than ours", async () => {
    await using played = await playDocker({ version: { Version: '24.0.7', ApiVersion: '1.43' } });
    using docker = new DockerEngine(played.endpoint);
    await docker.inspectImage('x', { signal });
    expect(played.requests).toEqual(['GET /_ping', 'GET /v1.43/images/x/json']);
  });

  test('is ours where the engine is newer, and is asked for once', async () => {
    await using played = await playDocker({ version: { Version: '40.0.0', ApiVersion: '1.99' } });
    using docker = new DockerEngine(played.endpoint);
    await docker.inspectImage('x', { signal });
    await docker.inspectImage('y', { signal });
    expect(played.requests).toEqual(['GET /_ping', 'GET /v1.51/images/x/json', 'GET /v1.51/images/y/json']);
  });

  test('1.9 is older than 1.41', () => {
    expect(compareApi('1.9', '1.41')).toBeLessThan(0);
  });
});

test('a name cannot leave its place in the path', async () => {
  await using played = await playDocker({ version: { Version: '28.0.0', ApiVersion: '1.51' } });
  using docker = new DockerEngine(played.endpoint);
  await docker.inspectImage('registry:5000/a/b@sha256:00?force=1#x', { signal });
  expect(played.requests[1]).toBe('GET /v1.51/images/registry:5000/a/b@sha256:00%3Fforce%3D1%23x/json');
});

test('an engine that refuses an upload in its midst is heard', async () => {
  await using played = await playDocker({
    version: { Version: '28.0.0', ApiVersion: '1.51' },
    play: (request, response) => {
      if (request.method !== 'POST') return false;
      request.once('data', () => {
        response.writeHead(507, { Connection: 'close' }).end(JSON.stringify({ message: 'no space left on device' }));
        response.once('close', () => request.destroy());
      });
      return true;
    },
  });
  using docker = new DockerEngine(played.endpoint);
  async function* much(): AsyncGenerator<Uint8Array> {
    for (let block = 0; block < 10_000; block++) yield new Uint8Array(1 << 16);
  }
  await expect(Array.fromAsync(docker.loadImages(much(), { signal }))).rejects.toMatchObject({
    status: 507,
    message: 'no space left on device',
  });
});

test('a failure inside the progress of a load is a failure', async () => {
  await using played = await playDocker({
    version: { Version: '28.0.0', ApiVersion: '1.51' },
    play: (request, response) => {
      if (request.method !== 'POST') return false;
      request.resume();
      response.write('{"stream":"Loading"}\n');
      response.end('{"errorDetail":{"message":"layer is broken"},"error":"layer is broken"}\n');
      return true;
    },
  });
  using docker = new DockerEngine(played.endpoint);
  const load = docker.loadImages(one(new Uint8Array(10)), { signal });
  expect((await load.next()).value).toEqual({ text: 'Loading' });
  await expect(load.next()).rejects.toThrow('layer is broken');
});

test('what answers, but is no Docker Engine, is told apart', async () => {
  await using played = await playDocker({
    version: { Version: '1', ApiVersion: '1' },
    play: (request, response) => {
      request.resume();
      response.end('<html>');
      return true;
    },
  });
  using docker = new DockerEngine(played.endpoint);
  await expect(docker.ping({ signal })).rejects.toThrow('it answers, but not as a Docker Engine does');
});

test('an engine whose answer never ends is given up after the time allowed', async () => {
  await using played = await playDocker({
    version: { Version: '28.0.0', ApiVersion: '1.51' },
    play: (_request, response) => {
      response.writeHead(200, { 'Api-Version': '1.51' });
      const more = setInterval(() => response.write('x'.repeat(10_000)), 5);
      response.once('close', () => clearInterval(more));
      return true;
    },
  });
  using docker = new DockerEngine(played.endpoint);
  await expect(docker.ping({ signal, timeoutMs: 200 })).rejects.toThrow('the Docker Engine does not answer');
});

test('an engine that accepts and says nothing is given up after the time allowed', async () => {
  await using played = await playDocker({ version: { Version: '28.0.0', ApiVersion: '1.51' }, play: () => true });
  using docker = new DockerEngine(played.endpoint);
  await expect(docker.ping({ signal, timeoutMs: 50 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
});

describe('over TLS', () => {
  test('the engine sees our certificate and we check its own', async () => {
    const certificates = await testCertificates();
    await using played = await playDocker({
      version: { Version: '28.0.0', ApiVersion: '1.51' },
      tls: { ca: certificates.ca, ...certificates.server, requestCert: true, rejectUnauthorized: true },
    });
    const tls = { ca: certificates.ca, ...certificates.client };
    using docker = new DockerEngine(overTls(played, tls));
    expect(await docker.ping({ signal })).toEqual({ engine: '28.0.0', api: '1.51', os: 'linux' });

    using stranger = new DockerEngine(overTls(played, { ca: certificates.ca }));
    await expect(stranger.ping({ signal })).rejects.toMatchObject({ name: 'DockerError', status: undefined });
    using doubtful = new DockerEngine(overTls(played, certificates.client));
    await expect(doubtful.ping({ signal })).rejects.toMatchObject({ code: 'SELF_SIGNED_CERT_IN_CHAIN' });
  });
});

describe('what comes in pieces', () => {
  test('lines of JSON are put together across them, whatever characters are cut', async () => {
    const bytes = new TextEncoder().encode('{"a":"é"}\n\n{"b":2}\r\n{"c":3}');
    for (let size = 1; size < 9; size++) {
      expect(await Array.fromAsync(jsonLines(pieces(bytes, size)))).toEqual([{ a: 'é' }, { b: 2 }, { c: 3 }]);
    }
  });

  test('frames of output are put together across them', async () => {
    const frame = (stream: number, text: string): number[] => [
      stream,
      0,
      0,
      0,
      0,
      0,
      0,
      text.length,
      ...Buffer.from(text),
    ];
    const bytes = Uint8Array.from([...frame(1, 'abc'), ...frame(2, ''), ...frame(2, 'xy')]);
    for (let size = 1; size < 12; size++) {
      const frames = (await Array.fromAsync(demultiplex(pieces(bytes, size)))).map(
        ({ stream, data }) => `${stream} ${Buffer.from(data).toString()}`,
      );
      expect(frames).toEqual(['stdout abc', 'stderr ', 'stderr xy']);
    }
  });
});

function overTls({ endpoint }: PlayedDocker, tls: TlsFiles): DockerEndpoint {
  if (endpoint.kind !== 'docker-tcp') throw new Error('it is played on a socket');
  return { ...endpoint, tls };
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}
