import { ErrorCode } from './frames.ts';
import { Http2Error } from './http2-error.ts';
import { decodeHuffman } from './huffman.ts';

/** Names (in lower case) and values, in order; a name may come several times. */
export type Headers = readonly (readonly [name: string, value: string])[];

/** The fields that have a number of their own, from 1 on (RFC 7541, Appendix A). */
const STATIC: Headers = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((status) => [':status', status] as const),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...(
    'accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control ' +
    'content-disposition content-encoding content-language content-length content-location content-range content-type ' +
    'cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since ' +
    'last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after ' +
    'server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate'
  )
    .split(' ')
    .map((name) => [name, ''] as const),
];

const NUMBERS: ReadonlyMap<string, number> = new Map(STATIC.map(([name, value], at) => [`${name}\0${value}`, at + 1]));

/** What a field costs beside its text in the table of fields that were sent before (RFC 7541, 4.1). */
const ENTRY_BYTES = 32;

/** The largest such table, unless the receiver says otherwise; we never do. */
const TABLE_BYTES = 4096;

/**
 * What the fields of one block may come to, each with its {@link ENTRY_BYTES}. Exclude patterns travel as headers, and errors
 * as trailers with whole Dockerfiles in them, as base64 of base64: of the largest that a message holds (16 MB) they are 29 MB.
 */
export const MAX_HEADER_BYTES = 32 * 1024 * 1024;

/** Enough for any number up to {@link MAX_INTEGER}, behind its prefix. */
const MAX_INTEGER_BYTES = 5;
const MAX_INTEGER = 0x7fff_ffff;

/**
 * Puts fields into a header block. Nothing is kept in the receiver's table: the few fields of a call are sent as they are, so
 * that a secret among them is never compared with another.
 */
export function encodeHeaders(headers: Headers): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of headers) {
    const number = NUMBERS.get(`${name}\0${value}`);
    if (number !== undefined) {
      parts.push(Buffer.from([0x80 | number]));
      continue;
    }
    parts.push(Buffer.from([0]), encodeText(name), encodeText(value));
  }
  return Buffer.concat(parts);
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([encodeInteger(bytes.length), bytes]);
}

/** With a prefix of seven bits, of which none above it is set (RFC 7541, 5.1). */
function encodeInteger(value: number): Buffer {
  if (value < 0x7f) return Buffer.from([value]);
  const bytes = [0x7f];
  let rest = value - 0x7f;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** Reads header blocks of one connection, which build on each other. */
export class HeaderDecoder {
  /** The newest first. */
  readonly #table: (readonly [string, string])[] = [];
  #tableBytes = 0;
  #tableLimit = TABLE_BYTES;
  readonly #limitBytes: number;

  constructor(limitBytes = MAX_HEADER_BYTES) {
    this.#limitBytes = limitBytes;
  }

  /**
   * Throws a `RangeError` for a block that cannot be read, and an {@link Http2Error} (ENHANCE_YOUR_CALM) for one whose fields
   * are too much together: one byte may stand for 4 KiB. The connection is then of no more use.
   */
  decode(block: Buffer): Headers {
    const headers: (readonly [string, string])[] = [];
    const reader = new BlockReader(block);
    let bytes = 0;
    while (!reader.isDone()) {
      const isResize = (reader.peek() & 0xe0) === 0x20;
      if (isResize && headers.length > 0) throw new RangeError('a header table is resized between fields');
      if (isResize) {
        this.#resize(reader.integer(5));
        continue;
      }
      const field = this.#read(reader);
      bytes += costOf(field);
      if (bytes > this.#limitBytes) throw new Http2Error('headers are too large', ErrorCode.calm);
      headers.push(field);
    }
    return headers;
  }

  #read(reader: BlockReader): readonly [string, string] {
    const first = reader.peek();
    if (first & 0x80) return this.#field(reader.integer(7));
    return first & 0x40 ? this.#keep(this.#literal(reader, 6)) : this.#literal(reader, 4);
  }

  #literal(reader: BlockReader, prefix: number): readonly [string, string] {
    const number = reader.integer(prefix);
    const name = number === 0 ? reader.text() : this.#field(number)[0];
    return [name, reader.text()];
  }

  #field(number: number): readonly [string, string] {
    const found = STATIC[number - 1] ?? this.#table[number - 1 - STATIC.length];
    if (found === undefined) throw new RangeError(`there is no header field ${number}`);
    return found;
  }

  #keep(field: readonly [string, string]): readonly [string, string] {
    this.#table.unshift(field);
    this.#tableBytes += costOf(field);
    this.#evict();
    return field;
  }

  #resize(bytes: number): void {
    if (bytes > TABLE_BYTES) throw new RangeError(`a header table of ${bytes} bytes`);
    this.#tableLimit = bytes;
    this.#evict();
  }

  #evict(): void {
    while (this.#tableBytes > this.#tableLimit) {
      const oldest = this.#table.pop();
      if (oldest === undefined) return;
      this.#tableBytes -= costOf(oldest);
    }
  }
}

function costOf([name, value]: readonly [string, string]): number {
  return Buffer.byteLength(name) + Buffer.byteLength(value) + ENTRY_BYTES;
}

class BlockReader {
  readonly #block: Buffer;
  #at = 0;

  constructor(block: Buffer) {
    this.#block = block;
  }

  isDone(): boolean {
    return this.#at >= this.#block.length;
  }

  peek(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw new RangeError('a header block ends too early');
    return byte;
  }

  #next(): number {
    const byte = this.peek();
    this.#at++;
    return byte;
  }

  integer(prefix: number): number {
    const mask = (1 << prefix) - 1;
    let value = this.#next() & mask;
    if (value < mask) return value;
    for (let count = 0, factor = 1; count < MAX_INTEGER_BYTES; count++, factor *= 0x80) {
      const byte = this.#next();
      value += (byte & 0x7f) * factor;
      if (byte & 0x80) continue;
      if (value > MAX_INTEGER) break;
      return value;
    }
    throw new RangeError('a number in a header block is too large');
  }

  text(): string {
    const isHuffman = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new RangeError('a header block ends too early');
    this.#at += length;
    return (isHuffman ? decodeHuffman(bytes) : bytes).toString('utf8');
  }
}
