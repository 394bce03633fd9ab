import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { BuildkitClient } from '../../../runtime/buildkit/client.ts';
import type { Endpoint } from '../../../runtime/buildkit/endpoint.ts';
import { solve } from '../../../runtime/buildkit/solve.ts';
import type { ArchiveSink } from '../../../runtime/session/file-send.ts';
import { fileSendService } from '../../../runtime/session/file-send.ts';
import { shellBuild } from '../../rig/build.ts';
import { remoteBuildkit } from '../../rig/byte-pipe.ts';
import type { TestEngine } from '../../rig/engine.ts';
import { sharedEngine } from '../../rig/engine.ts';

const TEST_MS = 120_000;

/** Many times our windows (8 MB), and the daemon's. */
const LARGE_BYTES = 64 * 1024 * 1024;

/** Longer than the daemon bears a session that does not answer: two checks in a row, 5 s apart. */
const PAUSE_MS = 20_000;

let engine: TestEngine;

beforeAll(async () => {
  engine = await sharedEngine();
});

/** How fast another call must be answered meanwhile. */
async function expectToAnswer(client: BuildkitClient): Promise<void> {
  expect(await client.info({ signal: AbortSignal.timeout(5_000) })).toBeDefined();
}

/** A session of its own connection (`POST /session`), and one in a call among the others (`Control.Session`). */
const WAYS: readonly (readonly [string, (use: (endpoint: Endpoint) => Promise<void>) => Promise<void>])[] = [
  ['in a Docker Engine', (use) => use(engine.docker)],
  [
    'behind tcp',
    async (use) => {
      await using pipe = await remoteBuildkit(engine.docker);
      await use({ kind: 'tcp', host: '127.0.0.1', port: Number(new URL(pipe.address).port) });
    },
  ],
];

describe.concurrent.each(WAYS)('%s', (_where, at) => {
  test(
    'a large file goes in and comes out whole; who takes it slowly holds nobody up, and the session lives',
    async () => {
      await at(async (endpoint) => {
        const taken: Uint8Array[] = [];
        const sink: ArchiveSink = async (chunks) => {
          for await (const chunk of chunks) {
            if (taken.length === 0) {
              await delay(PAUSE_MS);
              await expectToAnswer(client);
            }
            taken.push(chunk);
          }
        };
        await using made = await shellBuild(['COPY large /'], [fileSendService(new Map([[0, sink]]))]);
        const large = randomBytes(LARGE_BYTES);
        await writeFile(join(made.path, 'large'), large);
        using client = new BuildkitClient(endpoint);
        const exporters = [{ type: 'tar', attrs: {} }];
        await solve(client, { ...made.build, exporters }, { signal: AbortSignal.timeout(TEST_MS) });
        expect(Buffer.concat(taken).includes(large)).toBe(true);
      });
    },
    TEST_MS,
  );

  test(
    'a large blob is read whole; who reads it slowly holds nobody up, and who leaves it gives it up',
    async () => {
      await at(async (endpoint) => {
        const signal = AbortSignal.timeout(TEST_MS);
        await using made = await shellBuild(['COPY large /']);
        await writeFile(join(made.path, 'large'), randomBytes(LARGE_BYTES));
        using client = new BuildkitClient(endpoint);
        const build = { ...made.build, exporters: [{ type: 'moby', attrs: {} }] };
        const { response } = await solve(client, build, { signal });
        const manifest = await blob(client, response['containerimage.digest'] ?? '');
        const { layers } = JSON.parse(manifest.toString()) as {
          readonly layers: readonly { readonly digest: string }[];
        };
        const digest = layers.at(-1)?.digest ?? '';
        const hash = createHash('sha256');
        let read = 0;
        for await (const part of client.readBlob(digest, { signal })) {
          if (read === 0) {
            await delay(1_000);
            await expectToAnswer(client);
            for await (const _again of client.readBlob(digest, { signal })) break;
            await shellRuns(client);
          }
          read += part.length;
          hash.update(part);
        }
        expect(read).toBeGreaterThan(LARGE_BYTES);
        expect(`sha256:${hash.digest('hex')}`).toBe(digest);
      });
    },
    TEST_MS,
  );
});

async function blob(client: BuildkitClient, digest: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of client.readBlob(digest, { signal: AbortSignal.timeout(30_000) })) parts.push(part);
  return Buffer.concat(parts);
}

/** A whole build, with what it tells of itself. */
async function shellRuns(client: BuildkitClient): Promise<void> {
  await using made = await shellBuild([`RUN echo ${Math.random()}`]);
  const names: string[] = [];
  await solve(client, made.build, {
    onStatus: ({ vertexes }) => names.push(...vertexes.map(({ name }) => name)),
    signal: AbortSignal.timeout(30_000),
  });
  expect(names.join()).toContain('RUN echo');
}
