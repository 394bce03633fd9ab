import { once } from 'node:events';
import net from 'node:net';
import { create, toBinary } from '@bufbuild/protobuf';
import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { Metadata as TheirMetadata, Server, ServerCredentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Control, InfoResponseSchema } from '../../../proto/gen/moby/buildkit/v1/control_pb.ts';
import { serverStream, unary } from '../../../runtime/rpc/call.ts';
import { Channel } from '../../../runtime/rpc/channel.ts';
import { Metadata } from '../../../runtime/rpc/metadata.ts';
import { GrpcError, status } from '../../../runtime/rpc/status.ts';

const asIs = (bytes: Buffer): Buffer => bytes;
const method = (name: string, responseStream: boolean) => ({
  path: `/moby.buildkit.v1.Control/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});

const cancelled = Promise.withResolvers<void>();
const { signal } = new AbortController();
let server: Server;
let port: number;

beforeAll(async () => {
  server = new Server({ 'grpc.max_send_message_length': -1 });
  server.addService(
    { Info: method('Info', false), Status: method('Status', true) },
    {
      Info: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
        const [wanted = ''] = call.metadata.get('want').map(String);
        if (wanted === 'nothing') return;
        if (wanted === 'error') {
          const metadata = new TheirMetadata();
          metadata.set('grpc-status-details-bin', Buffer.alloc(30_000, 'd'));
          return done({ code: status.NOT_FOUND, details: 'größe: nicht da %', metadata });
        }
        const version = 'x'.repeat(3_000_000);
        done(
          null,
          Buffer.from(toBinary(InfoResponseSchema, create(InfoResponseSchema, { buildkitVersion: { version } }))),
        );
      },
      Status: (call: ServerWritableStream<Buffer, Buffer>) => {
        for (let at = 0; at < 100; at++) call.write(Buffer.alloc(0));
        call.on('cancelled', () => cancelled.resolve());
      },
    },
  );
  port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
});

afterAll(() => server.forceShutdown());

function channel(to = port): Channel {
  const made = new Channel({
    connect: async () => {
      const socket = net.connect({ host: '127.0.0.1', port: to });
      await once(socket, 'connect');
      return socket;
    },
    authority: 'localhost',
    isSecure: false,
  });
  onTestFinished(() => made.close());
  return made;
}

const want = (what: string): Metadata => new Metadata().add('want', what);

describe('our client and a server of grpc-js', () => {
  test('an answer of 3 MB', async () => {
    const answer = await unary(channel(), Control.method.info, {}, { signal });
    expect(answer.buildkitVersion?.version).toHaveLength(3_000_000);
  });

  test('an error with its words and its details', async () => {
    const call = unary(channel(), Control.method.info, {}, { signal, metadata: want('error') });
    const error = await call.catch((one: unknown) => one);
    expect(error).toBeInstanceOf(GrpcError);
    expect(error).toMatchObject({ code: status.NOT_FOUND, message: 'größe: nicht da %' });
    expect(Buffer.from((error as GrpcError).statusDetails ?? []).toString()).toBe('d'.repeat(30_000));
  });

  test('a call that is not answered in time, and one that is cancelled', async () => {
    const late = { signal, metadata: want('nothing'), timeoutMs: 50 };
    await expect(unary(channel(), Control.method.info, {}, late)).rejects.toMatchObject({
      code: status.DEADLINE_EXCEEDED,
    });
    const own = new AbortController();
    const call = unary(channel(), Control.method.info, {}, { signal: own.signal, metadata: want('nothing') });
    setTimeout(() => own.abort(), 20);
    await expect(call).rejects.toMatchObject({ code: status.CANCELLED });
  });

  test('a stream that is left early is given up there', async () => {
    let count = 0;
    for await (const _message of serverStream(channel(), Control.method.status, {}, { signal })) {
      if (++count === 3) break;
    }
    await cancelled.promise;
    expect(count).toBe(3);
  });

  test('a method that is not there, and a port where nobody listens', async () => {
    await expect(unary(channel(), Control.method.listWorkers, {}, { signal })).rejects.toMatchObject({
      code: status.UNIMPLEMENTED,
    });
    const nobody = unary(channel(1), Control.method.info, {}, { signal });
    await expect(nobody).rejects.toMatchObject({ code: status.UNAVAILABLE });
    await expect(nobody).rejects.toThrow('ECONNREFUSED');
  });

  test('a connection that was lost is made again for the next call', async () => {
    const sockets: net.Socket[] = [];
    const relay = net.createServer((socket) => {
      const onward = net.connect({ host: '127.0.0.1', port });
      for (const one of [socket, onward]) one.on('error', () => undefined);
      sockets.push(socket);
      socket.pipe(onward).pipe(socket);
    });
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    onTestFinished(() => void relay.close());
    const address = relay.address();
    const made = channel(typeof address === 'object' ? address?.port : 0);
    await unary(made, Control.method.info, {}, { signal });
    const waiting = unary(made, Control.method.info, {}, { signal, metadata: want('nothing') });
    setTimeout(() => sockets[0]?.destroy(), 20);
    await expect(waiting).rejects.toMatchObject({ code: status.UNAVAILABLE });
    await unary(made, Control.method.info, {}, { signal });
    expect(sockets).toHaveLength(2);
  });
});
