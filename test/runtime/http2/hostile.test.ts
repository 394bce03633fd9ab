import { describe, expect, test } from 'vitest';
import { ErrorCode, frame, FrameType, MAX_WINDOW_BYTES, uint32 } from '../../../runtime/http2/frames.ts';
import { encodeHeaders } from '../../../runtime/http2/hpack.ts';
import { dataFrames, headersFrame, settings, SETTINGS, windowUpdate } from '../../rig/http2-peer.ts';
import type { Played } from '../../rig/own-http2.ts';
import { playedClient, playedServer, REQUEST } from '../../rig/own-http2.ts';

const { protocol, flowControl, frameSize, calm, compression } = ErrorCode;
const STREAM_WINDOW_BYTES = 8 * 1024 * 1024;
const OK = headersFrame(1, [[':status', '200']]);
const of = (type: number, id: number, bytes: number, flags = 0): Buffer => frame(type, flags, id, Buffer.alloc(bytes));
const padded = (type: number, content: readonly number[], flags = 0): Buffer =>
  frame(type, 0x8 | flags, 1, Uint8Array.from(content));

/** A connection of ours as a client, on which stream 1 is open, and the peer knows it. */
async function opened(): Promise<Played> {
  const played = await playedServer();
  played.own.request(REQUEST);
  await played.peer.hear(FrameType.headers);
  return played;
}

describe('a server ends the connection, and no more, by', () => {
  test.each<readonly [what: string, bytes: Uint8Array, code: number, said: string]>([
    ['a reset that is too short', of(FrameType.resetStream, 1, 3), frameSize, 'a RST_STREAM frame of 3 bytes'],
    ['a reset that is empty', of(FrameType.resetStream, 1, 0), frameSize, 'a RST_STREAM frame of 0 bytes'],
    ['a reset that is too long', of(FrameType.resetStream, 1, 5), frameSize, 'a RST_STREAM frame of 5 bytes'],
    ['a window that is too short', of(FrameType.windowUpdate, 1, 3), frameSize, 'a WINDOW_UPDATE frame of 3 bytes'],
    ['a window of all that is too short', of(FrameType.windowUpdate, 0, 0), frameSize, 'WINDOW_UPDATE frame of 0'],
    ['a farewell that is too short', of(FrameType.goAway, 0, 7), frameSize, 'a GOAWAY frame of 7 bytes'],
    ['a farewell that is empty', of(FrameType.goAway, 0, 0), frameSize, 'a GOAWAY frame of 0 bytes'],
    ['a priority that is too short', of(FrameType.priority, 1, 4), frameSize, 'a PRIORITY frame of 4 bytes'],
    ['a ping that is too short', of(FrameType.ping, 0, 7), frameSize, 'a PING frame of 7 bytes'],
    ['a ping that is too long', of(FrameType.ping, 0, 9), frameSize, 'a PING frame of 9 bytes'],
    ['half a setting', of(FrameType.settings, 0, 5), frameSize, 'a SETTINGS frame of 5 bytes'],
    ['settings in an answer to ours', of(FrameType.settings, 0, 6, 1), frameSize, 'a SETTINGS frame of 6 bytes'],
    ['a frame larger than we take', of(FrameType.data, 1, 16_385), frameSize, 'a frame of 16385 bytes'],
    ['an unknown frame that is larger', of(0xfa, 1, 16_385), frameSize, 'a frame of 16385 bytes'],
    ['data without a stream', of(FrameType.data, 0, 1), protocol, 'a DATA frame without a stream'],
    ['headers without a stream', of(FrameType.headers, 0, 1, 4), protocol, 'a HEADERS frame without a stream'],
    ['a reset without a stream', of(FrameType.resetStream, 0, 4), protocol, 'a RST_STREAM frame without a stream'],
    ['a priority without a stream', of(FrameType.priority, 0, 5), protocol, 'a PRIORITY frame without a stream'],
    ['settings on a stream', of(FrameType.settings, 1, 0), protocol, 'a SETTINGS frame on a stream'],
    ['a ping on a stream', of(FrameType.ping, 1, 8), protocol, 'a PING frame on a stream'],
    ['a farewell on a stream', of(FrameType.goAway, 1, 8), protocol, 'a GOAWAY frame on a stream'],
    ['a push', of(FrameType.pushPromise, 1, 8, 4), protocol, 'a push that nobody asked for'],
    ['data on a stream that never was', of(FrameType.data, 3, 1), protocol, 'a stream that never was'],
    ['a reset of one that never was', of(FrameType.resetStream, 3, 4), protocol, 'a stream that never was'],
    ['a window of one that never was', windowUpdate(3, 1), protocol, 'a stream that never was'],
    ['headers on one that never was', headersFrame(3, []), protocol, 'a stream that never was'],
    ['headers on a stream of its own', headersFrame(2, []), protocol, 'a stream that never was'],
    ['data on a stream of its own', of(FrameType.data, 2, 1), protocol, 'a stream that never was'],
    [
      'headers that go on with those of another stream',
      Buffer.concat([headersFrame(1, [], 0), of(FrameType.continuation, 3, 0, 4)]),
      protocol,
      'headers were not finished',
    ],
    ['more padding than content', padded(FrameType.data, [2, 0]), protocol, 'more padding than content'],
    ['more padding than headers', padded(FrameType.headers, [9, 0], 4), protocol, 'more padding than content'],
    ['padding of unknown length', padded(FrameType.data, []), frameSize, 'too short for its flags'],
    ['headers without the priority they have', of(FrameType.headers, 1, 4, 0x24), frameSize, 'too short for its flags'],
    ['a limit for frames of 0', settings([5, 0]), protocol, 'a limit for frames of 0 bytes'],
    ['a limit for frames that is too low', settings([5, 16_383]), protocol, 'a limit for frames of 16383 bytes'],
    ['a limit for frames that is too high', settings([5, 1 << 24]), protocol, 'a limit for frames of 16777216 bytes'],
    ['a first window that is too large', settings([4, 2 ** 31]), flowControl, 'a window of 2147483648 bytes'],
    ['a wish to push', settings([2, 1]), protocol, 'ENABLE_PUSH of 1'],
    [
      'a window of all that grows too large',
      windowUpdate(0, MAX_WINDOW_BYTES),
      flowControl,
      'a window that is too large',
    ],
    [
      'a window that settings make too large',
      Buffer.concat([windowUpdate(1, MAX_WINDOW_BYTES - 65_535), settings([4, 65_536])]),
      flowControl,
      'a window that is too large',
    ],
    ['a window of all that grows by nothing', windowUpdate(0, 0), protocol, 'a window that grows by nothing'],
    [
      'headers in many parts that are empty',
      Buffer.concat([headersFrame(1, [], 0), ...Array.from({ length: 5000 }, () => of(FrameType.continuation, 1, 0))]),
      calm,
      'headers in too many parts',
    ],
    [
      'headers of few bytes that stand for many',
      Buffer.concat([
        frame(FrameType.headers, 0, 1, Buffer.concat([Buffer.from([0x40]), bigField(), Buffer.alloc(10_000, 0xbe)])),
        frame(FrameType.continuation, 4, 1, Buffer.alloc(1_000, 0xbe)),
      ]),
      calm,
      'headers are too large',
    ],
    [
      'a number in its headers that never ends',
      frame(FrameType.headers, 4, 1, endlessSize()),
      compression,
      'too large',
    ],
  ])('%s', async (_what, bytes, code, said) => {
    await using played = await opened();
    played.peer.say(bytes);
    const [toldCode, told] = await played.peer.goAway();
    expect(toldCode).toBe(code);
    expect(told).toContain(said);
    expect((await played.own.closed)?.message).toBe(told);
    expect(played.own.isUsable).toBe(false);
  });

  test('saying something else before its settings', async () => {
    await using played = await playedServer({ greeting: Buffer.concat([of(FrameType.ping, 0, 8), SETTINGS]) });
    const { own, peer } = played;
    expect(await peer.goAway()).toEqual([protocol, 'no settings come first']);
    expect((await own.closed)?.message).toBe('no settings come first');
  });

  test('asking on and on, and taking no answer', async () => {
    await using played = await opened();
    played.peer.socket.pause();
    const pings = Buffer.concat(Array.from({ length: 4000 }, () => of(FrameType.ping, 0, 8)));
    let isOver = false;
    void played.own.closed.then(() => (isOver = true));
    for (let count = 0; !isOver && count < 1000; count++) {
      played.peer.say(pings);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await played.own.closed)?.message).toBe('too many questions');
  });
});

describe('a client ends the connection by', () => {
  test.each<readonly [what: string, bytes: Uint8Array, code: number, said: string]>([
    ['a stream with an even number', headersFrame(2, REQUEST), protocol, 'a stream that never was'],
    ['data on a stream that never was', of(FrameType.data, 1, 1), protocol, 'a stream that never was'],
    ['a reset of one that never was', of(FrameType.resetStream, 5, 4), protocol, 'a stream that never was'],
    ['a push', of(FrameType.pushPromise, 1, 8, 4), protocol, 'a push that nobody asked for'],
    ['a wish for pushes that is no answer', settings([2, 2]), protocol, 'ENABLE_PUSH of 2'],
    ['a reset that is too short', of(FrameType.resetStream, 1, 2), frameSize, 'a RST_STREAM frame of 2 bytes'],
  ])('%s', async (_what, bytes, code, said) => {
    await using played = await playedClient();
    played.peer.say(bytes);
    const [toldCode, told] = await played.peer.goAway();
    expect(toldCode).toBe(code);
    expect(told).toContain(said);
    expect(played.streams).toEqual([]);
  });
});

describe('a server loses a stream, and no other, by', () => {
  test.each<readonly [what: string, bytes: Uint8Array, code: number]>([
    ['a window that grows too large', windowUpdate(1, MAX_WINDOW_BYTES), flowControl],
    ['a window that grows by nothing', windowUpdate(1, 0), protocol],
    ['more than we have room for', dataFrames(1, STREAM_WINDOW_BYTES + 1), flowControl],
    [
      'data after its end',
      Buffer.concat([of(FrameType.data, 1, 1, 1), of(FrameType.data, 1, 1)]),
      ErrorCode.streamClosed,
    ],
    [
      'headers after its end',
      Buffer.concat([of(FrameType.data, 1, 1, 1), headersFrame(1, [], 0x5)]),
      ErrorCode.streamClosed,
    ],
  ])('%s', async (_what, bytes, code) => {
    await using played = await playedServer();
    const { own, peer } = played;
    const lost = own.request(REQUEST);
    const lives = own.request(REQUEST);
    await peer.hear(FrameType.headers, ({ id }) => id === 3);
    peer.say(OK, bytes);
    expect(await peer.resetOf(1)).toBe(code);
    await lost.closed;
    expect(lost.error?.code).toBe(code);
    peer.say(headersFrame(3, [[':status', '200']]), frame(FrameType.data, 1, 3, Buffer.from('here')));
    const chunks: Buffer[] = [];
    for await (const chunk of lives.chunks()) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('here');
    expect(own.isUsable).toBe(true);
  });
});

describe('nothing comes of', () => {
  test.each<readonly [what: string, bytes: Uint8Array]>([
    ['frames of unknown kinds', Buffer.concat([of(0xa, 0, 3, 0xff), of(0xb, 1, 0, 0xff), of(0xff, 7, 100)])],
    ['priorities, also of streams that never were', Buffer.concat([of(2, 1, 5), of(2, 9, 5)])],
    ['settings that nobody knows', settings([0x77, 0xffff_ffff], [6, 1], [1, 0])],
    ['answers that nobody waits for', Buffer.concat([of(FrameType.ping, 0, 8, 1), of(FrameType.settings, 0, 0, 1)])],
    ['all the room there may be', Buffer.concat([windowUpdate(0, MAX_WINDOW_BYTES - 65_535), windowUpdate(1, 1)])],
    ['as much as we have room for', dataFrames(1, STREAM_WINDOW_BYTES - 1)],
  ])('%s', async (_what, bytes) => {
    await using played = await opened();
    const { own, peer } = played;
    peer.say(OK, bytes, frame(FrameType.ping, 0, 0, Buffer.from('and then')));
    const answer = await peer.hear(FrameType.ping, ({ content }) => content.toString() === 'and then');
    expect(answer.flags).toBe(1);
    expect(own.isUsable).toBe(true);
    expect(peer.heard.filter(({ type }) => type === FrameType.resetStream)).toEqual([]);
  });

  test('what comes late on a stream that is over, but the headers after it are understood', async () => {
    await using played = await opened();
    const { own, peer } = played;
    peer.say(frame(FrameType.resetStream, 0, 1, uint32(8)));
    const kept = frame(FrameType.headers, 4, 1, Buffer.concat([Buffer.from([0x40]), textOf('late'), textOf('word')]));
    peer.say(kept, dataFrames(1, 20_000), windowUpdate(1, 5), frame(FrameType.resetStream, 0, 1, uint32(8)));
    const stream = own.request(REQUEST);
    await peer.hear(FrameType.headers, ({ id }) => id === 3);
    // The field that the late headers left in the table.
    peer.say(frame(FrameType.headers, 5, 3, Buffer.from([0xbe])));
    for await (const _chunk of stream.chunks());
    expect(stream.headers).toEqual([['late', 'word']]);
  });
});

test('padding takes room, and gives it back', async () => {
  await using played = await playedServer();
  const { own, peer } = played;
  const stream = own.request(REQUEST);
  stream.onData(() => undefined);
  await peer.hear(FrameType.headers);
  const one = padded(FrameType.data, [255, 1, ...Array.from({ length: 255 }, () => 0)]);
  const count = 10_000;
  peer.say(OK, ...Array.from({ length: count }, () => one), frame(FrameType.ping, 0, 0, Buffer.from('and then')));
  await peer.hear(FrameType.ping);
  const back = peer.heard
    .filter(({ type, id }) => type === FrameType.windowUpdate && id === 1)
    .map(({ content }) => content.readUInt32BE());
  expect(back.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan((STREAM_WINDOW_BYTES / 4) * 0.99);
});

test('a server that takes its leave is left when its last answer is there', async () => {
  await using played = await opened();
  const { own, peer } = played;
  peer.say(frame(FrameType.goAway, 0, 0, Buffer.concat([uint32(1, 0), Buffer.from('restart')])));
  await expect.poll(() => own.isUsable).toBe(false);
  peer.say(headersFrame(1, [[':status', '200']], 0x5));
  peer.say(frame(FrameType.resetStream, 0, 1, uint32(0)));
  expect(await own.closed).toBeUndefined();
  expect(await peer.goAway()).toEqual([0, '']);
});

/** A header field of 4,000 bytes, as a literal. */
function bigField(): Buffer {
  return Buffer.concat([textOf('n'), textOf('v'.repeat(3_950))]);
}

/** The size of a table, in a number of 200 bytes. */
function endlessSize(): Buffer {
  return Buffer.concat([Buffer.from([0x3f]), Buffer.alloc(200, 0x80), Buffer.from([0])]);
}

/** A text as header blocks have it. */
function textOf(text: string): Buffer {
  return encodeHeaders([['', text]]).subarray(2);
}
