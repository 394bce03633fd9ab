import net from 'node:net';
import { expect, test } from 'vitest';
import { Control } from '../../../proto/gen/moby/buildkit/v1/control_pb.ts';
import { frame, FrameType } from '../../../runtime/http2/frames.ts';
import { openStream, unary } from '../../../runtime/rpc/call.ts';
import { Channel } from '../../../runtime/rpc/channel.ts';
import { status } from '../../../runtime/rpc/status.ts';
import { tunnel } from '../../../runtime/session/tunnel.ts';
import type { RawServer } from '../../rig/http2-peer.ts';
import { headersFrame, rawServer, SETTINGS } from '../../rig/http2-peer.ts';

const { signal } = new AbortController();

const ANSWERED = headersFrame(1, [[':status', '200']]);

function channelTo({ port }: RawServer): Channel & Disposable {
  const channel = new Channel({
    connect: async () => net.connect({ host: '127.0.0.1', port }),
    authority: 'localhost',
    isSecure: false,
  });
  return Object.assign(channel, { [Symbol.dispose]: () => channel.close() });
}

/** A message as gRPC has it, in a DATA frame. */
function message(flag: number, length: number, content: readonly number[]): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return frame(FrameType.data, 0, 1, Buffer.concat([prefix, Buffer.from(content)]));
}

test.each<readonly [what: string, bytes: Buffer, code: number, said: string]>([
  ['is compressed', message(1, 3, [0x0a, 1, 97]), status.UNIMPLEMENTED, 'compressed messages are not taken'],
  ['is larger than any', message(0, 17_000_000, []), status.RESOURCE_EXHAUSTED, 'a message of 17000000 bytes'],
  ['has another field', message(0, 3, [0x12, 1, 97]), status.INTERNAL, 'something else than bytes'],
  ['has more than its bytes', message(0, 5, [0x0a, 1, 97, 98, 99]), status.INTERNAL, 'something else than bytes'],
  ['has fewer bytes than it says', message(0, 3, [0x0a, 9, 97]), status.INTERNAL, 'something else than bytes'],
  [
    'has a length without an end',
    message(0, 9_000, [0x0a, ...Array.from({ length: 300 }, () => 0x80)]),
    status.INTERNAL,
    'something else than bytes',
  ],
])('a message that %s ends the session, and nothing else', async (_what, bytes, code, said) => {
  await using server = await rawServer();
  using channel = channelTo(server);
  const ended = Promise.withResolvers<Error | undefined>();
  const received: Buffer[] = [];
  tunnel(openStream(channel, Control.method.session, { signal }), {
    received: (chunk) => received.push(chunk),
    drained: () => undefined,
    ended: ended.resolve,
  });
  const peer = await server.accept();
  await peer.hear(FrameType.headers);
  peer.say(SETTINGS, ANSWERED, message(0, 4, [0x0a, 2, 111, 107]), message(0, 0, []), bytes);
  const reason = await ended.promise;
  expect(reason).toMatchObject({ code });
  expect(reason?.message).toContain(said);
  expect(Buffer.concat(received).toString()).toBe('ok');
  expect(await peer.resetOf(1)).toBe(8);

  const call = unary(channel, Control.method.info, {}, { signal });
  await peer.hear(FrameType.headers, ({ id }) => id === 3);
  const empty = frame(FrameType.data, 0, 3, Buffer.alloc(5));
  peer.say(headersFrame(3, [[':status', '200']]), empty, headersFrame(3, [['grpc-status', '0']], 0x5));
  expect(await call).toBeDefined();
});

test('bytes come through however their messages are cut', async () => {
  await using server = await rawServer();
  using channel = channelTo(server);
  const received: Buffer[] = [];
  tunnel(openStream(channel, Control.method.session, { signal }), {
    received: (chunk) => received.push(chunk),
    drained: () => undefined,
    ended: () => undefined,
  });
  const peer = await server.accept();
  await peer.hear(FrameType.headers);
  const text = 'x'.repeat(300);
  const whole = Buffer.concat([
    Buffer.from([0, 0, 0, 1, 47, 0x0a, 0xac, 0x02]),
    Buffer.from(text),
    Buffer.from([0, 0, 0, 0, 3, 0x0a, 1, 33]),
  ]);
  const frames = [...whole].map((byte) => frame(FrameType.data, 0, 1, Uint8Array.from([byte])));
  peer.say(SETTINGS, ANSWERED, ...frames);
  await expect.poll(() => Buffer.concat(received).toString()).toBe(`${text}!`);
});
