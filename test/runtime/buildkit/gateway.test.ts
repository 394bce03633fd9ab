import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { create } from '@bufbuild/protobuf';
import { anyPack, anyUnpack, StringValueSchema } from '@bufbuild/protobuf/wkt';
import { StatusSchema } from '../../../proto/gen/google/rpc/status_pb.ts';
import { BuildkitClient } from '../../../runtime/buildkit/client.ts';
import { BuildError, fromStatus, parseStatus, wireError } from '../../../runtime/buildkit/error.ts';
import type { Gateway } from '../../../runtime/buildkit/gateway.ts';
import { refIds } from '../../../runtime/buildkit/linked-inputs.ts';
import { solve } from '../../../runtime/buildkit/solve.ts';
import { status } from '../../../runtime/rpc/status.ts';
import { randomId } from '../../../runtime/session/session.ts';
import { shellBuild } from '../../rig/build.ts';
import { sharedEngine } from '../../rig/engine.ts';

const signal = AbortSignal.timeout(120_000);
let client: BuildkitClient;

beforeAll(async () => {
  client = new BuildkitClient((await sharedEngine()).docker);
});

afterAll(() => client[Symbol.dispose]());

/** A build that waits for what is done inside it. */
function openBuild(): { readonly gateway: Gateway; readonly ended: Promise<unknown> } {
  const ref = randomId();
  const ended = client.solve({ Ref: ref, Cache: {}, Internal: true }, { signal }).catch((error: unknown) => error);
  return { gateway: client.gateway(ref), ended };
}

describe('inside a build', () => {
  test('the daemon names its capabilities, those of its frontends, and its workers', async () => {
    const { gateway, ended } = openBuild();
    const { LLBCaps, FrontendAPICaps, Workers } = await gateway.ping({ signal });
    await gateway.return({ result: {} }, { signal });
    expect(LLBCaps.find(({ ID }) => ID === 'exporter.multiple')).toMatchObject({ Enabled: true });
    expect(FrontendAPICaps.map(({ ID }) => ID)).toContain('solve.base');
    expect(Workers[0]?.platforms[0]).toMatchObject({ OS: 'linux' });
    expect(await ended).toMatchObject({ ExporterResponse: {} });
  });

  test('a frontend is called, its result read, and given back to be exported', async () => {
    const mark = `mark ${Math.random()}`;
    await using made = await shellBuild([`RUN echo "${mark}" > /mark`]);
    const seen: (string | number | undefined)[] = [];
    const { response } = await solve(
      client,
      {
        ...made.build,
        exporters: [{ type: 'moby', attrs: {} }],
        work: async (gateway, inner) => {
          const options = { signal: inner };
          const request = { Frontend: 'dockerfile.v0', FrontendOpt: made.build.attrs, allowResultReturn: true };
          const result = await gateway.solve(request, options);
          if (result === undefined) throw new Error('no result');
          const [id = ''] = refIds(result);
          await gateway.evaluate(id, options);
          seen.push(Buffer.from(await gateway.readFile(id, '/mark', options)).toString());
          seen.push(Buffer.from(await gateway.readFile(id, '/mark', { ...options, firstBytes: 4 })).toString());
          seen.push(await gateway.fileSize(id, '/mark', options), await gateway.fileSize(id, '/nothing', options));
          return result;
        },
      },
      { signal },
    );
    expect(seen).toEqual([`${mark}\n`, 'mark', mark.length + 1, undefined]);
    expect(response['containerimage.digest']).toMatch(/^sha256:/);
  });

  test('an error given back ends the build with it: its code, its words, its details', async () => {
    const { gateway, ended } = openBuild();
    await gateway.ping({ signal });
    const detail = anyPack(StringValueSchema, create(StringValueSchema, { value: 'what is wanted' }));
    const error = { code: status.FAILED_PRECONDITION, message: 'größe: 100% wrong', details: [detail] };
    await gateway.return({ error }, { signal });
    const wire = wireError(await ended);
    expect(wire).toMatchObject({ code: status.FAILED_PRECONDITION, message: 'größe: 100% wrong' });
    const given = wire?.status.details.find(({ typeUrl }) => typeUrl === detail.typeUrl);
    expect(given && anyUnpack(given, StringValueSchema)).toMatchObject({ value: 'what is wanted' });
  });

  test("an error of the work, ours or the daemon's, comes out of the build, and the daemon keeps it", async () => {
    const [ours, theirs] = [randomId(), randomId()];
    const mistake = new TypeError('a mistake of ours');
    const work = async (): Promise<never> => {
      throw mistake;
    };
    await expect(solve(client, { ref: ours, work }, { signal })).rejects.toBe(mistake);
    expect(await client.history(ours, { signal })).toMatchObject({
      error: { message: 'TypeError: a mistake of ours' },
    });

    await using made = await shellBuild(['BOGUS']);
    const failed = await solve(client, { ...made.build, ref: theirs }, { signal }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(BuildError);
    const told = { code: status.UNKNOWN, message: expect.stringContaining('unknown instruction: BOGUS') };
    expect(wireError(failed)).toMatchObject({ ...told, sources: [{ ranges: [{ start: { line: 5 } }] }] });
    const record = await client.history(theirs, { signal });
    expect(record?.error).toMatchObject(told);
    const kept: Uint8Array[] = [];
    for await (const part of client.readBlob(record?.externalError?.digest ?? '', { signal })) kept.push(part);
    const whole = parseStatus(Buffer.concat(kept));
    expect(whole && fromStatus(whole)).toMatchObject({ ...told, sources: [{ ranges: [{ start: { line: 5 } }] }] });
  });

  test('an error with details that nobody can read is read without them', () => {
    const details = [
      { typeUrl: 'x/errdefs.Source+json', value: Buffer.from('{') },
      { typeUrl: 'y', value: Buffer.alloc(9) },
    ];
    expect(fromStatus(create(StatusSchema, { message: 'm', details }))).toMatchObject({ message: 'm', sources: [] });
  });
});
