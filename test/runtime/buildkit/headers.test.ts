import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secrets } from '../../../proto/gen/moby/buildkit/secrets/v1/secrets_pb.ts';
import { BuildkitClient } from '../../../runtime/buildkit/client.ts';
import type { Build } from '../../../runtime/buildkit/solve.ts';
import { solve } from '../../../runtime/buildkit/solve.ts';
import { GrpcError, status } from '../../../runtime/rpc/status.ts';
import { fileSendService } from '../../../runtime/session/file-send.ts';
import { fileSyncService } from '../../../runtime/session/file-sync.ts';
import type { Handler, ServerCall, SessionService } from '../../../runtime/session/server.ts';
import { unaryHandler } from '../../../runtime/session/server.ts';
import { randomId } from '../../../runtime/session/session.ts';
import { shellBuild } from '../../rig/build.ts';
import { sharedEngine } from '../../rig/engine.ts';
import { tree } from '../../rig/tree.ts';

const signal = AbortSignal.timeout(240_000);

let client: BuildkitClient;

beforeAll(async () => {
  client = new BuildkitClient((await sharedEngine()).docker);
});

afterAll(() => client[Symbol.dispose]());

/** A service that shows each call to a listener before it serves it. */
function overheard(service: SessionService, listener: (call: ServerCall) => void): SessionService {
  const heard = ([method, handler]: readonly [string, Handler]): readonly [string, Handler] => [
    method,
    (call) => {
      listener(call);
      return handler(call);
    },
  ];
  return Object.fromEntries(Object.entries(service).map(heard));
}

async function drained(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _chunk of chunks);
}

describe('headers of the calls that the daemon makes', () => {
  test('hold each pattern apart, whatever is in it', async () => {
    const patterns = ['a, b', 'c,d', '"e"', 'größe/*', '100%', 'x+y', '日本', '!c,d/keep'];
    await using folder = await tree({ Dockerfile: 'FROM scratch\nCOPY . /\n', '.dockerignore': patterns.join('\n') });
    let told: readonly string[] = [];
    let isEncoded: readonly string[] = [];
    let names: readonly string[] = [];
    const sync = fileSyncService(new Map([['context', folder.path]]).set('dockerfile', folder.path));
    const folders = overheard(sync, (call) => {
      const sent = call.metadata('exclude-patterns');
      if (sent.length === 0) return;
      told = sent.map((one) => decodeURIComponent(one.replaceAll('+', ' ')));
      isEncoded = call.metadata('exclude-patterns-encoded');
      names = call.metadata('dir-name');
    });
    await solve(client, { services: [folders] }, { signal });
    expect(told).toEqual(patterns);
    expect({ isEncoded, names }).toEqual({ isEncoded: ['1'], names: ['context'] });
  });

  test('hold what an export came to, however long its names are', async () => {
    const names = Array.from({ length: 4_000 }, (_, at) => `registry.test/${'n'.repeat(80)}/${at}:latest`).join(',');
    const told = new Map<string, readonly string[]>();
    const sink = overheard(fileSendService(new Map([[0, drained]])), ({ metadata }) => {
      for (const key of ['image.name', 'containerimage.digest']) told.set(key, metadata(`exporter-md-${key}`));
    });
    await using made = await shellBuild([], [sink]);
    const exporters = [{ type: 'oci', attrs: { name: names } }];
    const { response } = await solve(client, { ...made.build, exporters }, { signal });
    expect(names.length).toBeGreaterThan(400_000);
    expect(response['image.name']).toBe(names);
    expect(Object.fromEntries(told)).toEqual({
      'image.name': [names],
      'containerimage.digest': [response['containerimage.digest']],
    });
  });
});

describe('what we say in headers arrives, whatever letters it has:', () => {
  test('the key of the folders', async () => {
    await using made = await shellBuild([]);
    await solve(client, { ...made.build, sharedKey: 'größe 日本\u0001\ud800' }, { signal });
  });

  test('a refusal', async () => {
    const refusal = `größe 日本, ${'lang '.repeat(10_000)} 100% \ud800.`;
    const service = unaryHandler(Secrets.method.getSecret, async () => {
      throw new GrpcError(status.PERMISSION_DENIED, refusal);
    });
    await using made = await shellBuild(['RUN --mount=type=secret,id=x,required=true cat /run/secrets/x'], [service]);
    const refused = solve(client, made.build, { signal });
    await expect(refused).rejects.toThrow(refusal.toWellFormed());
  });
});

describe('a message larger than the 4 MB that gRPC takes of itself', () => {
  test('comes in as an answer', async () => {
    await using made = await shellBuild([]);
    await writeFile(join(made.path, 'Dockerfile'), 'FROM scratch\nCOPY large /\n');
    await writeFile(join(made.path, 'large'), Buffer.alloc(15_000_000, 'x'));
    const ref = randomId();
    let read = 0;
    const build: Build = {
      ...made.build,
      onResult: async (result) => {
        if (result.result.case !== 'ref') throw new Error('no result');
        read = (await client.gateway(ref).readFile(result.result.value.id, 'large', { signal })).length;
      },
    };
    await solve(client, { ...build, ref }, { signal });
    expect(read).toBe(15_000_000);
  });

  test('goes out as a question', async () => {
    await using made = await shellBuild(['ARG LONG']);
    // The answer has it three times.
    const long = 'x'.repeat(5_000_000);
    const attrs = { ...made.build.attrs, 'build-arg:LONG': long, requestid: 'frontend.outline' };
    let answer = '';
    await solve(
      client,
      {
        ...made.build,
        internal: true,
        attrs: { ...attrs, 'frontend.caps': 'moby.buildkit.frontend.subrequests+forward' },
        onResult: async ({ metadata }) => void (answer = Buffer.from(metadata['result.json'] ?? []).toString()),
      },
      { signal },
    );
    const { args } = JSON.parse(answer) as { readonly args: readonly { readonly value?: string }[] };
    expect(args.map(({ value }) => value)).toContain(long);
  });

  test('is refused where it is larger than 16 MB, in the words of the daemon', async () => {
    const attrs = { 'build-arg:LONG': 'x'.repeat(20_000_000) };
    const refused = solve(client, { attrs }, { signal });
    await expect(refused).rejects.toThrow(/^grpc: received message larger than max \(200000\d\d vs\. 16777216\)$/);
  });
});
