import type { FrameHeader } from './frames.ts';
import {
  DEFAULT_FRAME_BYTES,
  ErrorCode,
  Flag,
  FRAME_HEADER_BYTES,
  FrameType,
  PREFACE,
  readFrameHeader,
} from './frames.ts';
import { Http2Error } from './http2-error.ts';

/** What a {@link FrameReader} tells. */
export interface FrameEvents {
  /** A frame begins. What is thrown here ends the reading before any of its content is waited for. */
  readonly begun: (header: FrameHeader) => void;
  /** Content of a data frame without padding, as it comes; `isLast`: with this the frame is whole. */
  readonly data: (header: FrameHeader, piece: Buffer, isLast: boolean) => void;
  /** Any other frame, whole. */
  readonly whole: (header: FrameHeader, content: Buffer) => void;
}

/** Takes the bytes of a connection apart into frames. Contents are pieces of what came, not copies, wherever that can be. */
export class FrameReader {
  readonly #events: FrameEvents;
  /** Whether what comes next is a client's greeting. */
  #isPreface: boolean;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #awaited: number;
  #frame: FrameHeader | undefined;
  /** What is still to come of the content of a data frame. */
  #dataLeft = 0;
  #isStopped = false;

  constructor(events: FrameEvents, { isFromClient }: { readonly isFromClient: boolean }) {
    this.#events = events;
    this.#isPreface = isFromClient;
    this.#awaited = isFromClient ? PREFACE.length : FRAME_HEADER_BYTES;
  }

  /** Reads what came. Throws an {@link Http2Error} for what is no HTTP/2, and whatever the events throw. */
  read(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.#isStopped) rest = this.#dataLeft > 0 ? this.#readData(rest) : this.#gather(rest);
  }

  /** Passes over everything from now on. */
  stop(): void {
    this.#isStopped = true;
  }

  #gather(rest: Buffer): Buffer {
    const part = rest.subarray(0, this.#awaited - this.#pendingBytes);
    this.#pending.push(part);
    this.#pendingBytes += part.length;
    if (this.#pendingBytes === this.#awaited) {
      const whole = this.#pending.length === 1 ? part : Buffer.concat(this.#pending);
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#readUnit(whole);
    }
    return rest.subarray(part.length);
  }

  /** A preface, the header of a frame, or the whole content of one. */
  #readUnit(unit: Buffer): void {
    const frame = this.#frame;
    if (this.#isPreface) {
      this.#isPreface = false;
      this.#awaited = FRAME_HEADER_BYTES;
      if (!unit.equals(PREFACE)) throw new Http2Error('this is no HTTP/2', ErrorCode.protocol);
    } else if (frame === undefined) this.#begin(unit);
    else {
      this.#frame = undefined;
      this.#awaited = FRAME_HEADER_BYTES;
      this.#events.whole(frame, unit);
    }
  }

  #begin(bytes: Buffer): void {
    const frame = readFrameHeader(bytes);
    // A server that speaks HTTP/1.1 answers in words.
    if (frame.length > DEFAULT_FRAME_BYTES && bytes.toString('latin1', 0, 5) === 'HTTP/')
      throw new Http2Error('Protocol error', ErrorCode.frameSize);
    this.#events.begun(frame);
    this.#frame = frame;
    const isPlainData = frame.type === FrameType.data && (frame.flags & Flag.padded) === 0;
    if (frame.length === 0) {
      this.#frame = undefined;
      if (isPlainData) this.#events.data(frame, EMPTY, true);
      else this.#events.whole(frame, EMPTY);
    } else if (isPlainData) this.#dataLeft = frame.length;
    else this.#awaited = frame.length;
  }

  #readData(rest: Buffer): Buffer {
    const frame = this.#frame;
    const piece = rest.subarray(0, this.#dataLeft);
    this.#dataLeft -= piece.length;
    const isLast = this.#dataLeft === 0;
    if (isLast) this.#frame = undefined;
    if (frame !== undefined) this.#events.data(frame, piece, isLast);
    return rest.subarray(piece.length);
  }
}

const EMPTY = Buffer.alloc(0);
