import { unpadded } from './frame-checks.ts';
import type { FrameHeader } from './frames.ts';
import { DEFAULT_FRAME_BYTES, ErrorCode, Flag } from './frames.ts';
import type { Headers } from './hpack.ts';
import { HeaderDecoder, MAX_HEADER_BYTES } from './hpack.ts';
import { Http2Error } from './http2-error.ts';

/** What stands before the fields when a priority does. */
const PRIORITY_BYTES = 5;

/** As many frames as the largest block needs, twice: whoever sends more of them sends them empty. */
const MAX_PARTS = (2 * MAX_HEADER_BYTES) / DEFAULT_FRAME_BYTES;

/** Headers that have come whole. */
export interface HeaderBlock {
  readonly id: number;
  readonly headers: Headers;
  /** Whether they are the last of their stream. */
  readonly endStream: boolean;
}

interface Unfinished {
  readonly id: number;
  readonly endStream: boolean;
  readonly parts: Buffer[];
  bytes: number;
}

/**
 * Puts the headers of one connection together, from a HEADERS frame and the CONTINUATIONs behind it. Its methods throw an
 * {@link Http2Error} for a block that is too large or cannot be read; the connection is then of no more use.
 */
export class HeaderBlocks {
  readonly #decoder = new HeaderDecoder();
  #unfinished: Unfinished | undefined;

  /** The stream whose headers have begun and not ended. */
  get unfinished(): number | undefined {
    return this.#unfinished?.id;
  }

  /** Begins a block with a HEADERS frame; gives it when that is all. */
  begin(header: FrameHeader, content: Buffer): HeaderBlock | undefined {
    const { id, flags } = header;
    this.#unfinished = { id, endStream: (flags & Flag.endStream) !== 0, parts: [], bytes: 0 };
    return this.proceed(header, unpadded(header, content, flags & Flag.priority ? PRIORITY_BYTES : 0));
  }

  /** Goes on with it; gives the block when this is the last of it. */
  proceed({ flags }: FrameHeader, part: Buffer): HeaderBlock | undefined {
    const block = this.#unfinished;
    if (block === undefined) return undefined;
    block.parts.push(part);
    block.bytes += part.length;
    if (block.bytes > MAX_HEADER_BYTES) throw new Http2Error('headers are too large', ErrorCode.calm);
    if (block.parts.length > MAX_PARTS) throw new Http2Error('headers in too many parts', ErrorCode.calm);
    if ((flags & Flag.endHeaders) === 0) return undefined;
    this.#unfinished = undefined;
    return { id: block.id, endStream: block.endStream, headers: this.#decode(block.parts) };
  }

  #decode(parts: readonly Buffer[]): Headers {
    try {
      return this.#decoder.decode(Buffer.concat(parts));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new Http2Error(error.message, ErrorCode.compression);
    }
  }
}
