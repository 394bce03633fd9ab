import type { AddressInfo, Socket } from 'node:net';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { BuildkitClient } from '../../../runtime/buildkit/client.ts';
import type { Endpoint } from '../../../runtime/buildkit/endpoint.ts';
import { wireError } from '../../../runtime/buildkit/error.ts';
import { solve } from '../../../runtime/buildkit/solve.ts';
import { status } from '../../../runtime/rpc/status.ts';
import { fileSendService } from '../../../runtime/session/file-send.ts';
import { shellBuild } from '../../rig/build.ts';
import type { TestEngine } from '../../rig/engine.ts';
import { sharedEngine } from '../../rig/engine.ts';
import { untilItRuns } from '../../rig/processes.ts';

const signal = AbortSignal.timeout(120_000);

/** More than the engine takes to send the frames that follow its answer. */
const GATHER_MS = 100;

let engine: TestEngine;

beforeAll(async () => {
  engine = await sharedEngine();
});

/** The engine behind something of ours that gets each connection with the engine's own. */
async function engineBehind(join: (near: Socket, far: Socket) => void): Promise<Endpoint> {
  const { docker } = engine;
  const server = net.createServer((near) => {
    const far = docker.kind === 'docker-unix' ? net.connect(docker.path) : net.connect(docker.port, docker.host);
    const end = (): void => [near, far].forEach((socket) => socket.destroy());
    for (const socket of [near, far]) socket.on('error', end).once('close', end);
    join(near, far);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void server.close());
  return { kind: 'docker-tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

async function expectToBuildOn(endpoint: Endpoint): Promise<void> {
  await using made = await shellBuild([]);
  using client = new BuildkitClient(endpoint);
  await solve(client, made.build, { signal });
}

describe('the answer of a Docker Engine that opens its BuildKit', () => {
  test('may come in one piece with the first frames', async () => {
    const seen: string[] = [];
    const endpoint = await engineBehind((near, far) => {
      const first: Buffer[] = [];
      far.on('data', (chunk) => first.push(chunk));
      near.pipe(far);
      far.once('data', async () => {
        await delay(GATHER_MS);
        const piece = Buffer.concat(first);
        seen.push(piece.toString('latin1'));
        near.write(piece);
        far.removeAllListeners('data').pipe(near);
      });
    });
    await expectToBuildOn(endpoint);
    expect(seen[0]).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\n[^]/);
  });

  test('may come byte by byte', async () => {
    const endpoint = await engineBehind((near, far) => {
      near.setNoDelay(true).pipe(far);
      far.on('data', async (chunk) => {
        far.pause();
        const isHead = chunk.toString('latin1').startsWith('HTTP/1.1');
        for (let at = 0; at < chunk.length; at += isHead ? 1 : chunk.length) {
          near.write(isHead ? chunk.subarray(at, at + 1) : chunk);
          if (isHead) await delay(1);
        }
        far.resume();
      });
    });
    await expectToBuildOn(endpoint);
  });
});

describe('an engine with something before it that refuses', () => {
  /** Answers requests for a path itself, as filters before a Docker socket do. */
  function engineWithout(path: string): Promise<Endpoint> {
    return engineBehind((near, far) => {
      near.once('data', (head) => {
        if (head.toString('latin1').startsWith(`POST ${path} `)) near.end('HTTP/1.1 403 Forbidden\r\n\r\n');
        else {
          far.write(head);
          near.pipe(far).pipe(near);
        }
      });
    });
  }

  test.each(['/grpc', '/session'])('POST %s is told at once, by its name', async (path) => {
    await using made = await shellBuild([]);
    using client = new BuildkitClient(await engineWithout(path));
    const startedMs = performance.now();
    const refused = await solve(client, made.build, { signal }).catch((error: unknown) => error);
    expect(wireError(refused)).toMatchObject({
      code: status.UNAVAILABLE,
      message: expect.stringMatching(
        /^(?:its session was lost: )?the Docker Engine answered 403 instead of opening its BuildKit/,
      ),
    });
    expect(performance.now() - startedMs).toBeLessThan(4_000);
  });
});

describe('a session whose connection breaks while a step runs', () => {
  /** The engine, and what breaks the connections of sessions to it. */
  async function fragile(): Promise<{ readonly endpoint: Endpoint; readonly cut: () => void }> {
    const sessions: Socket[] = [];
    const endpoint = await engineBehind((near, far) => {
      near.once('data', (head) => {
        if (head.toString('latin1').startsWith('POST /session ')) sessions.push(near);
        far.write(head);
        near.pipe(far).pipe(near);
      });
    });
    return { endpoint, cut: () => sessions.forEach((socket) => socket.destroy()) };
  }

  /** Builds with one exporter; its session breaks while its step runs. */
  async function builtOver(exporter: string): Promise<unknown> {
    const { endpoint, cut } = await fragile();
    const command = `sleep 1.${process.pid}${performance.now().toFixed(0)}`;
    await using made = await shellBuild([`RUN ${command}`], [fileSendService(new Map([[0, drained]]))]);
    using client = new BuildkitClient(endpoint);
    const building = solve(client, { ...made.build, exporters: [{ type: exporter, attrs: {} }] }, { signal });
    const ended = building.catch((error: unknown) => error);
    await untilItRuns(command);
    cut();
    return await ended;
  }

  test('is missed only by who needs it', async () => {
    expect(await builtOver('moby')).toMatchObject({ response: { 'containerimage.digest': expect.any(String) } });
  });

  test('is told by its name where it is needed', async () => {
    const lost = { code: status.UNAVAILABLE, message: 'its session was lost: connection dropped' };
    expect(wireError(await builtOver('oci'))).toMatchObject(lost);
  });
});

async function drained(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _chunk of chunks);
}
