import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { FrameType, MAX_WINDOW_BYTES } from '../../../runtime/http2/frames.ts';
import type { Http2Stream } from '../../../runtime/http2/stream.ts';
import type { Wire, WireEvents } from '../../../runtime/http2/wire.ts';
import { streamWire } from '../../../runtime/http2/wire.ts';
import type { RawPeer } from '../../rig/http2-peer.ts';
import { settings, windowUpdate } from '../../rig/http2-peer.ts';
import { playedServer, REQUEST } from '../../rig/own-http2.ts';

const MB = 1024 * 1024;

/** Room for everything on each stream. */
const WIDE_STREAMS = settings([4, MAX_WINDOW_BYTES]);
const WIDE_CONNECTION = windowUpdate(0, MAX_WINDOW_BYTES - 65_535);

/** Writes on and on, up to so much, and stops when the stream is lost. */
async function fill(stream: Http2Stream, bytes: number): Promise<void> {
  const piece = Buffer.alloc(65_536);
  try {
    for (let left = bytes; left > 0; left -= piece.length) await stream.write(piece);
  } catch {
    return;
  }
}

/** A wire that takes one batch after the other, each in its own time, as TLS does. */
function batchWire(socket: Socket, events: WireEvents): Wire {
  return {
    ...streamWire(socket, events),
    write: (buffers, sent) => {
      socket.write(Buffer.concat(buffers), () => setImmediate(() => events.drained()));
      sent();
      return false;
    },
  };
}

function untilEnd(peer: RawPeer, id: number): Promise<unknown> {
  return peer.hear(FrameType.data, (frame) => frame.id === id && (frame.flags & 1) !== 0);
}

describe('a stream that always has more to send', () => {
  test('lets the others have their turns', async () => {
    await using played = await playedServer({ open: batchWire });
    const { own, peer } = played;
    peer.say(WIDE_STREAMS, WIDE_CONNECTION);
    const busy = own.request(REQUEST);
    void fill(busy, 64 * MB);
    await expect.poll(() => peer.dataOf(busy.id)).toBeGreaterThan(2 * MB);
    const before = peer.dataOf(busy.id);
    const other = own.request(REQUEST);
    void other.write(Buffer.alloc(MB));
    other.end();
    await untilEnd(peer, other.id);
    expect(peer.dataOf(other.id)).toBe(MB);
    // What it had queued, and as many turns as the other.
    expect(peer.dataOf(busy.id) - before).toBeLessThan(16 * MB);
  });

  test('shares the room on the connection with the others, however little that is', async () => {
    await using played = await playedServer();
    const { own, peer } = played;
    peer.say(WIDE_STREAMS);
    const busy = own.request(REQUEST);
    void fill(busy, 256 * MB);
    await expect.poll(() => peer.dataOf(busy.id)).toBe(65_535);
    const others = [own.request(REQUEST), own.request(REQUEST)];
    for (const other of others) {
      void other.write(Buffer.alloc(100_000));
      other.end();
    }
    let given = 65_535;
    for (let count = 0; count < 40; count++) {
      peer.say(windowUpdate(0, 10_000));
      given += 10_000;
      await expect
        .poll(() => [busy, ...others].reduce((sum, { id }) => sum + peer.dataOf(id), 0), { interval: 1 })
        .toBe(given);
    }
    expect(others.map(({ id }) => peer.dataOf(id))).toEqual([100_000, 100_000]);
  });

  test('and waits for room on the connection, does not hold up the end of another', async () => {
    await using played = await playedServer();
    const { own, peer } = played;
    peer.say(WIDE_STREAMS);
    const busy = own.request(REQUEST);
    void fill(busy, 2 * MB);
    await expect.poll(() => peer.dataOf(busy.id)).toBe(65_535);
    own.request(REQUEST).end();
    await untilEnd(peer, 3);
    own.request(REQUEST).end([['grpc-status', '0']]);
    await peer.hear(FrameType.headers, ({ id, flags }) => id === 5 && (flags & 1) !== 0);
    expect(peer.dataOf(busy.id)).toBe(65_535);
  });

  test('sends frames as large as the other side takes, but no larger than its turn', async () => {
    await using played = await playedServer();
    const { own, peer } = played;
    peer.say(settings([4, MAX_WINDOW_BYTES], [5, MB]), WIDE_CONNECTION);
    await peer.hear(FrameType.settings, ({ flags }) => flags === 1);
    const busy = own.request(REQUEST);
    void fill(busy, 4 * MB);
    await expect.poll(() => peer.dataOf(busy.id)).toBeGreaterThan(2 * MB);
    const sizes = peer.heard.filter(({ type }) => type === FrameType.data).map(({ content }) => content.length);
    expect(Math.max(...sizes)).toBe(65_536);
  });
});

test('streams that have waited for their own room take turns in the order in which they got it', async () => {
  await using played = await playedServer();
  const { own, peer } = played;
  peer.say(settings([4, 0]), WIDE_CONNECTION);
  await peer.hear(FrameType.settings, ({ flags }) => flags === 1);
  const streams = [1, 3, 5].map(() => own.request(REQUEST));
  for (const stream of streams) void stream.write(Buffer.alloc(1_000));
  await peer.hear(FrameType.headers, ({ id }) => id === 5);
  peer.say(windowUpdate(5, 1_000), windowUpdate(1, 1_000), windowUpdate(3, 1_000));
  await peer.hear(FrameType.data, ({ id }) => id === 3);
  expect(peer.heard.filter(({ type }) => type === FrameType.data).map(({ id }) => id)).toEqual([5, 1, 3]);
});
