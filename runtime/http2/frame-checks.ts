import type { FrameHeader } from './frames.ts';
import { DEFAULT_FRAME_BYTES, ErrorCode, Flag, FrameType } from './frames.ts';
import { Http2Error } from './http2-error.ts';

/** What a frame belongs to, and how long it may be: the rules of each kind (RFC 9113, 6). */
interface Rule {
  readonly name: string;
  readonly on: 'stream' | 'connection' | 'either';
  readonly fits?: (length: number) => boolean;
}

const is =
  (bytes: number) =>
  (length: number): boolean =>
    length === bytes;

const RULES: ReadonlyMap<number, Rule> = new Map<number, Rule>([
  [FrameType.data, { name: 'DATA', on: 'stream' }],
  [FrameType.headers, { name: 'HEADERS', on: 'stream' }],
  [FrameType.priority, { name: 'PRIORITY', on: 'stream', fits: is(5) }],
  [FrameType.resetStream, { name: 'RST_STREAM', on: 'stream', fits: is(4) }],
  [FrameType.settings, { name: 'SETTINGS', on: 'connection', fits: (length) => length % 6 === 0 }],
  [FrameType.ping, { name: 'PING', on: 'connection', fits: is(8) }],
  [FrameType.goAway, { name: 'GOAWAY', on: 'connection', fits: (length) => length >= 8 }],
  [FrameType.windowUpdate, { name: 'WINDOW_UPDATE', on: 'either', fits: is(4) }],
  [FrameType.continuation, { name: 'CONTINUATION', on: 'stream' }],
]);

/**
 * Checks what the header of a frame alone tells: its length, and what it belongs to. `unfinished` is the stream whose headers
 * have begun and not ended. Throws an {@link Http2Error}, with which the connection ends: also where only a stream would have
 * to, since a peer that counts wrongly is not to be followed. Kinds that are unknown may be of any form (RFC 9113, 5.5).
 */
export function checkFrame({ type, flags, id, length }: FrameHeader, unfinished: number | undefined): void {
  if (length > DEFAULT_FRAME_BYTES) throw new Http2Error(`a frame of ${length} bytes`, ErrorCode.frameSize);
  const goesOn = type === FrameType.continuation;
  if (unfinished !== undefined && (!goesOn || id !== unfinished)) throw broken('headers were not finished');
  if (unfinished === undefined && goesOn) throw broken('headers go on that never began');
  if (type === FrameType.pushPromise) throw broken('a push that nobody asked for');
  const rule = RULES.get(type);
  if (rule === undefined) return;
  const isAck = type === FrameType.settings && (flags & Flag.ack) !== 0;
  if (rule.fits?.(length) === false || (isAck && length > 0))
    throw new Http2Error(`a ${rule.name} frame of ${length} bytes`, ErrorCode.frameSize);
  if (rule.on === 'stream' && id === 0) throw broken(`a ${rule.name} frame without a stream`);
  if (rule.on === 'connection' && id !== 0) throw broken(`a ${rule.name} frame on a stream`);
}

/**
 * The content of a frame without its padding, and without so many bytes before it. Throws an {@link Http2Error} where the frame
 * does not hold what its flags say.
 */
export function unpadded({ flags }: FrameHeader, content: Buffer, skippedBytes: number): Buffer {
  const isPadded = (flags & Flag.padded) !== 0;
  const start = (isPadded ? 1 : 0) + skippedBytes;
  if (start > content.length) throw new Http2Error('a frame that is too short for its flags', ErrorCode.frameSize);
  const end = content.length - (isPadded ? (content[0] ?? 0) : 0);
  if (start > end) throw broken('more padding than content');
  return content.subarray(start, end);
}

function broken(message: string): Http2Error {
  return new Http2Error(message, ErrorCode.protocol);
}
