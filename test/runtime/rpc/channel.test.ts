import net from 'node:net';
import { describe, expect, test } from 'vitest';
import { Control } from '../../../proto/gen/moby/buildkit/v1/control_pb.ts';
import { dial } from '../../../runtime/buildkit/dial.ts';
import { frame, FrameType, Setting, uint32 } from '../../../runtime/http2/frames.ts';
import type { Http2Stream } from '../../../runtime/http2/stream.ts';
import { openStream, unary } from '../../../runtime/rpc/call.ts';
import { Channel } from '../../../runtime/rpc/channel.ts';
import { status } from '../../../runtime/rpc/status.ts';
import { sharedEngine } from '../../rig/engine.ts';
import type { RawServer } from '../../rig/http2-peer.ts';
import { rawServer, settings } from '../../rig/http2-peer.ts';

const { signal } = new AbortController();

function channelTo({ port }: RawServer): Channel & Disposable {
  const channel = new Channel({
    connect: async () => net.connect({ host: '127.0.0.1', port }),
    authority: 'localhost',
    isSecure: false,
  });
  return Object.assign(channel, { [Symbol.dispose]: () => channel.close() });
}

const open = (channel: Channel): Promise<Http2Stream> => channel.open('/x', [], { signal });

describe('a server that takes few calls at once', () => {
  const TWO = settings([Setting.maxStreams, 2]);

  test('gets the others on a further connection, and on the first again when there is room', async () => {
    await using server = await rawServer();
    using channel = channelTo(server);
    const first = await open(channel);
    const peer = await server.accept();
    peer.say(TWO);
    await peer.hear(FrameType.settings, ({ flags }) => flags === 1);
    const [, third] = await Promise.all([open(channel), open(channel)]);
    const other = await server.accept();
    other.say(TWO);
    await other.hear(FrameType.headers, ({ id }) => id === third.id);
    first.reset(8);
    await first.closed;
    const fourth = await open(channel);
    await peer.hear(FrameType.headers, ({ id }) => id === 5);
    expect(fourth.id).toBe(5);
    expect(peer.heard.filter(({ type }) => type === FrameType.headers).map(({ id }) => id)).toEqual([1, 3, 5]);
    expect(other.heard.filter(({ type }) => type === FrameType.headers).map(({ id }) => id)).toEqual([1]);
  });

  test('gets no more than a hundred on one before it has said so', async () => {
    await using server = await rawServer();
    using channel = channelTo(server);
    await Promise.all(Array.from({ length: 250 }, () => open(channel)));
    const peers = await Promise.all([server.accept(), server.accept(), server.accept()]);
    const last = [199, 199, 99];
    for (const [at, peer] of peers.entries()) await peer.hear(FrameType.headers, ({ id }) => id === last[at]);
    expect(peers.map((peer) => peer.heard.filter(({ type }) => type === FrameType.headers).length)).toEqual([
      100, 100, 50,
    ]);
  });

  test('loses the calls of all connections when the channel is closed', async () => {
    await using server = await rawServer();
    const channel = channelTo(server);
    const streams = await Promise.all(Array.from({ length: 101 }, () => open(channel)));
    const gone = await server.accept();
    gone.say(settings(), frame(FrameType.goAway, 0, 0, uint32(0x7fff_ffff, 0)));
    await expect.poll(async () => (await open(channel)).id).toBe(5);
    expect(channel.isConnected).toBe(true);
    channel.close();
    for (const stream of streams) expect(stream.error).toBeDefined();
    await gone.goAway();
    expect(channel.isConnected).toBe(false);
    await expect(open(channel)).rejects.toMatchObject({ code: status.CANCELLED });
  });
});

test('a call is cancelled while its connection is made', async () => {
  using channel: Channel & Disposable = Object.assign(
    new Channel({ connect: () => new Promise(() => undefined), authority: 'localhost', isSecure: false }),
    { [Symbol.dispose]: () => undefined },
  );
  const abort = new AbortController();
  const call = channel.open('/x', [], { signal: abort.signal });
  abort.abort();
  await expect(call).rejects.toMatchObject({ code: status.CANCELLED });
  await expect(channel.open('/x', [], { signal: abort.signal })).rejects.toMatchObject({ code: status.CANCELLED });
});

test('a Docker Engine is asked more at once than it takes on one connection', async () => {
  const engine = await sharedEngine();
  const channel = dial(engine.docker);
  await unary(channel, Control.method.info, {}, { signal });
  const abort = new AbortController();
  const following = await Promise.all(
    Array.from({ length: 300 }, () => openStream(channel, Control.method.session, { signal: abort.signal })),
  );
  const answer = unary(channel, Control.method.info, {}, { signal: AbortSignal.timeout(10_000) });
  expect((await answer).buildkitVersion).toBeDefined();
  expect(following.map(({ error }) => error)).toEqual(following.map(() => undefined));
  abort.abort();
  channel.close();
});
