import { PassThrough, Readable } from 'node:stream';
import { fromBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { BytesMessageSchema } from '../../../proto/gen/moby/upload/v1/upload_pb.ts';
import { GrpcError } from '../../../runtime/rpc/status.ts';
import { uploadService, uploadUrl } from '../../../runtime/session/upload.ts';
import type { PlayedCall } from '../../rig/server-call.ts';
import { playedCall } from '../../rig/server-call.ts';

const MIB = 1024 * 1024;

function pull(service: ReturnType<typeof uploadService>, call: PlayedCall): Promise<void> {
  return service['/moby.upload.v1.Upload/Pull']?.(call) ?? Promise.reject(new Error('there is no such method'));
}

function asks(id: string): PlayedCall {
  return playedCall([], { urlpath: new URL(uploadUrl(id)).pathname, urlhost: new URL(uploadUrl(id)).host });
}

test('a stream is handed over whole, in messages of bounded size, and once', async () => {
  const bytes = Buffer.alloc(3 * MIB + 5, 'abc');
  const service = uploadService(new Map([['id', Readable.from([bytes.subarray(0, 7), bytes.subarray(7)])]]));
  const call = asks('id');
  await pull(service, call);
  const parts = call.sent.map((one) => fromBinary(BytesMessageSchema, one).data);
  expect(Buffer.concat(parts).equals(bytes)).toBe(true);
  expect(Math.max(...parts.map(({ length }) => length))).toBeLessThanOrEqual(MIB);
  await expect(pull(service, asks('id'))).rejects.toMatchObject({
    code: 5,
    message: 'no http response from session for id',
  });
});

test('a stream that is not offered is not found', async () => {
  await expect(pull(uploadService(new Map()), asks('other'))).rejects.toMatchObject({ code: 5 });
});

test('a stream is read no faster than the daemon takes it, and let go of when it gives up', async () => {
  let read = 0;
  let isLetGo = false;
  async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        read++;
        yield Buffer.alloc(MIB);
      }
    } finally {
      isLetGo = true;
    }
  }
  const gone = Promise.withResolvers<void>();
  let taken = 0;
  const call: PlayedCall = {
    ...asks('id'),
    send: async () => {
      if (++taken === 3) await gone.promise;
    },
  };
  const pulled = pull(uploadService(new Map([['id', endless()]])), call);
  await expect.poll(() => taken).toBe(3);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(read).toBe(3);
  gone.reject(new GrpcError(1, 'the call was given up'));
  await expect(pulled).rejects.toThrow('given up');
  expect(isLetGo).toBe(true);
});

test('a stream that fails fails the pull', async () => {
  async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
    yield Buffer.from('x');
    throw new Error('standard input was closed');
  }
  await expect(pull(uploadService(new Map([['id', broken()]])), asks('id'))).rejects.toThrow(
    'standard input was closed',
  );
});

test('a stream that gives nothing more is given up with the call', async () => {
  const gone = new AbortController();
  const stalled = new PassThrough();
  stalled.write('some of it');
  const played = playedCall([], { urlpath: new URL(uploadUrl('id')).pathname }, gone.signal);
  const pulled = pull(uploadService(new Map([['id', stalled]])), played);
  await expect.poll(() => played.sent.length).toBe(1);
  gone.abort(new Error('the call was given up'));
  await expect(pulled).rejects.toThrow('the call was given up');
});
