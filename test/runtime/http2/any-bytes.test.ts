import fc from 'fast-check';
import { describe, test } from 'vitest';
import { Http2Connection } from '../../../runtime/http2/connection.ts';
import { frame, PREFACE } from '../../../runtime/http2/frames.ts';
import type { Wire, WireEvents } from '../../../runtime/http2/wire.ts';
import { SETTINGS } from '../../rig/http2-peer.ts';
import { REQUEST } from '../../rig/own-http2.ts';

const RUNS = 3_000;

/** Frames that are nearly right, of all kinds; and bytes that are none. */
const someFrame = fc
  .record({
    type: fc.integer({ min: 0, max: 10 }),
    flags: fc.integer({ min: 0, max: 255 }),
    id: fc.constantFrom(0, 1, 1, 1, 2, 3, 5, 0x7fff_ffff),
    content: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
    ),
  })
  .map(({ type, flags, id, content }) => frame(type, flags, id, content));
const someBytes = fc.uint8Array({ maxLength: 60 });
const speech = fc.array(fc.oneof({ weight: 9, arbitrary: someFrame }, { weight: 1, arbitrary: someBytes }), {
  maxLength: 12,
});

/** Says it all to a connection, in pieces of this size. */
function say(role: 'client' | 'server', bytes: Buffer, pieceBytes: number): void {
  let events: WireEvents | undefined;
  const open = (given: WireEvents): Wire => {
    events = given;
    return { write: () => true, close: () => undefined };
  };
  const connection = new Http2Connection(
    role === 'client' ? { role, open } : { role, open, onStream: () => undefined },
  );
  if (role === 'client') connection.request(REQUEST).onData(() => undefined);
  for (let at = 0; at < bytes.length; at += pieceBytes) events?.received(bytes.subarray(at, at + pieceBytes));
  connection.close();
}

describe('whatever a peer says, nothing is thrown', () => {
  test.each(['client', 'server'] as const)('at a %s', (role) => {
    const greeting = role === 'client' ? [SETTINGS] : [PREFACE, SETTINGS];
    fc.assert(
      fc.property(speech, fc.integer({ min: 1, max: 100 }), (parts, pieceBytes) =>
        say(role, Buffer.concat([...greeting, ...parts]), pieceBytes),
      ),
      { numRuns: RUNS },
    );
  });
});
