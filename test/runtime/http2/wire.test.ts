import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { MAX_WINDOW_BYTES } from '../../../runtime/http2/frames.ts';
import { settings, windowUpdate } from '../../rig/http2-peer.ts';
import { playedServer, REQUEST } from '../../rig/own-http2.ts';

test('a connection to a peer that reads nothing ends nevertheless when it is closed', async () => {
  await using played = await playedServer();
  const { own, peer } = played;
  peer.say(settings([4, MAX_WINDOW_BYTES]), windowUpdate(0, MAX_WINDOW_BYTES - 65_535));
  peer.socket.pause();
  const stream = own.request(REQUEST);
  stream.write(Buffer.alloc(64 * 1024 * 1024)).catch(() => undefined);
  // The kernel takes some of it for the peer.
  await delay(300);
  expect(played.socket.writableNeedDrain).toBe(true);
  own.close();
  await delay(100);
  expect(played.socket.destroyed).toBe(false);
  await expect.poll(() => played.socket.destroyed, { timeout: 5_000 }).toBe(true);
});

test('a connection that is closed says its last words to a peer that reads them late', async () => {
  await using played = await playedServer();
  const { own, peer } = played;
  peer.socket.pause();
  const stream = own.request(REQUEST);
  void stream.write(Buffer.alloc(50_000));
  await delay(50);
  own.close();
  await delay(200);
  peer.socket.resume();
  expect(await peer.goAway()).toEqual([0, '']);
  expect(peer.dataOf(stream.id)).toBe(50_000);
});
