import { once } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http2';
import http2 from 'node:http2';
import net from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Control } from '../../../proto/gen/moby/buildkit/v1/control_pb.ts';
import { unary } from '../../../runtime/rpc/call.ts';
import { Channel } from '../../../runtime/rpc/channel.ts';
import { status } from '../../../runtime/rpc/status.ts';

/** A call of `Info` to a server that ends it with these trailers. */
async function endedWith(trailers: OutgoingHttpHeaders): Promise<unknown> {
  const server = http2.createServer();
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const channel = new Channel({
    connect: async () => net.connect({ host: '127.0.0.1', port }),
    authority: 'localhost',
    isSecure: false,
  });
  onTestFinished(() => channel.close());
  return unary(channel, Control.method.info, {}, { signal: AbortSignal.timeout(10_000) }).catch(
    (error: unknown) => error,
  );
}

test.each([
  ['with padding', 'AAEC/w==', [0, 1, 2, 255]],
  ['without padding', 'AAEC/w', [0, 1, 2, 255]],
  ['of several joined by commas the first', 'AAEC/w==,BBBB', [0, 1, 2, 255]],
  ['of several without padding the first', 'AAEC/w, BBBB', [0, 1, 2, 255]],
  ['of several apart the first', ['AAEC/w', 'BBBB'], [0, 1, 2, 255]],
])('the details of an error are bytes, %s', async (_how, value, expected) => {
  const error = await endedWith({ 'grpc-status': '5', 'grpc-message': 'no', 'grpc-status-details-bin': value });
  expect(error).toMatchObject({ code: status.NOT_FOUND, message: 'no', statusDetails: Buffer.from(expected) });
});

test.each([
  ['gr%C3%B6%C3%9Fe', 'größe'],
  ['100% sure', '100% sure'],
  ['%', '%'],
  ['%zz', '%zz'],
  ['%E2%82', '\ufffd'],
])('the words of an error are read from %j', async (sent, expected) => {
  expect(await endedWith({ 'grpc-status': '2', 'grpc-message': sent })).toMatchObject({ message: expected });
});
