/** Kinds of frames (RFC 9113, 6). Priorities are passed over and pushes refused; we never send any. */
export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Bits of a frame's flags (RFC 9113, 6); what a bit means depends on the kind of frame. */
export const Flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Names of what either side may settle (RFC 9113, 6.5.2). */
export const Setting = { enablePush: 2, maxStreams: 3, initialWindow: 4, maxFrame: 5, maxHeaderList: 6 } as const;

/** Why a stream or a connection ends (RFC 9113, 7). */
export const ErrorCode = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  refused: 7,
  cancel: 8,
  compression: 9,
  calm: 11,
} as const;

/** What stands before the content of every frame (RFC 9113, 4.1). */
export const FRAME_HEADER_BYTES = 9;

/** What a client says first. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Of either side, until it says otherwise. */
export const DEFAULT_WINDOW_BYTES = 65_535;
export const DEFAULT_FRAME_BYTES = 16_384;

/** More neither side may allow (RFC 9113, 6.9.1 and 4.2). */
export const MAX_WINDOW_BYTES = 0x7fff_ffff;
export const MAX_FRAME_BYTES = 0xff_ffff;

/** What the nine bytes before a frame's content say. */
export interface FrameHeader {
  /** One of {@link FrameType}, or a kind that we do not know. */
  readonly type: number;
  readonly flags: number;
  /** The stream; 0 is the connection. */
  readonly id: number;
  /** Of the content. */
  readonly length: number;
}

/** Reads the nine bytes before a frame's content. */
export function readFrameHeader(bytes: Buffer): FrameHeader {
  return {
    length: bytes.readUIntBE(0, 3),
    type: bytes.readUInt8(3),
    flags: bytes.readUInt8(4),
    id: bytes.readUInt32BE(5) & 0x7fff_ffff,
  };
}

/** Writes the nine bytes before a frame's content. */
export function frameHeader(type: number, flags: number, stream: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  header.writeUIntBE(length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return header;
}

/** A small frame whole. */
export function frame(type: number, flags: number, stream: number, content: Uint8Array): Buffer {
  return Buffer.concat([frameHeader(type, flags, stream, content.length), content]);
}

/** Numbers from 0 to 2^32-1, as frames hold them: four bytes each, the most significant first. */
export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, 4 * at);
  return bytes;
}

/** Pairs of a setting and its value. */
export function settingsContent(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const bytes = Buffer.allocUnsafe(6 * settings.length);
  for (const [at, [id, value]] of settings.entries()) {
    bytes.writeUInt16BE(id, 6 * at);
    bytes.writeUInt32BE(value, 6 * at + 2);
  }
  return bytes;
}
