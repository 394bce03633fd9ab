import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Packet } from '../../proto/gen/fsutil/wire_pb.ts';
import { PacketSchema, PacketType } from '../../proto/gen/fsutil/wire_pb.ts';
import { deviceNumbers, GoMode } from './stat.ts';
import type { BytePath, Entry } from './walk.ts';

/** Sends one message, given in parts, and resolves when there is room for the next. */
export type SendParts = (...parts: readonly Uint8Array[]) => Promise<void>;

const FIELD_TYPE = 0x08;
const FIELD_ID = 0x18;
const FIELD_DATA = 0x22;

/** Numbers of the fields of an entry, with how each is written (see wire.proto). */
const STAT = {
  path: 0x0a,
  mode: 0x10,
  size: 0x28,
  modTime: 0x30,
  linkname: 0x3a,
  devmajor: 0x40,
  devminor: 0x48,
} as const;
const FIELD_STAT = 0x12;

/** As much as the numbers of an entry and of its packet come to at most. */
const NUMBERS_BYTES = 128;

/**
 * A packet that names an entry; uid and gid are always 0, as every BuildKit client sends them. Written by hand: of a tree that is
 * sent again unchanged it is most of the work, and a general encoder takes ten times as long for it.
 */
export function entryPacket(entry: Entry, linkname: BytePath | undefined): Uint8Array {
  const { stats, mode } = entry;
  const isDevice = mode >= GoMode.device && (stats.isBlockDevice() || stats.isCharacterDevice());
  const device = isDevice ? deviceNumbers(stats.rdev) : undefined;
  const link = linkname ?? entry.linkTarget ?? '';
  const hasSize = linkname === undefined && (stats.isFile() || stats.isSymbolicLink());
  const content = new FieldWriter(entry.path.length + link.length + NUMBERS_BYTES);
  content.text(STAT.path, entry.path);
  content.number(STAT.mode, BigInt(mode));
  content.number(STAT.size, hasSize ? stats.size : 0n);
  // Times beyond 2262 wrap, as Go's `UnixNano` does.
  content.number(STAT.modTime, BigInt.asIntN(64, stats.mtimeNs));
  content.text(STAT.linkname, link);
  content.number(STAT.devmajor, device?.major ?? 0n);
  content.number(STAT.devminor, device?.minor ?? 0n);
  return content.enclosed(FIELD_STAT);
}

/** The packet that ends the list of entries. */
export function endOfListPacket(): Uint8Array {
  return toBinary(PacketSchema, create(PacketSchema, { type: PacketType.PACKET_STAT }));
}

/** Writes the fields of a protobuf message; those without a value are left out. */
class FieldWriter {
  /** Before the fields there is room for the head of a message around them. */
  static readonly #HEAD_BYTES = 6;
  readonly #bytes: Buffer;
  #at = FieldWriter.#HEAD_BYTES;

  constructor(room: number) {
    this.#bytes = Buffer.allocUnsafe(FieldWriter.#HEAD_BYTES + room);
  }

  text(field: number, text: BytePath): void {
    if (text === '') return;
    this.#bytes[this.#at++] = field;
    this.#at = putVarint(this.#bytes, text.length, this.#at);
    this.#at += this.#bytes.write(text, this.#at, 'latin1');
  }

  number(field: number, value: bigint): void {
    if (value === 0n) return;
    this.#bytes[this.#at++] = field;
    let rest = BigInt.asUintN(64, value);
    // 28 bits at a time are four groups of seven, and a number that needs no BigInt.
    for (; rest >= 0x1000_0000n; rest >>= 28n) {
      let group = Number(rest & 0x0fff_ffffn);
      for (let bits = 0; bits < 4; bits++, group >>>= 7) this.#bytes[this.#at++] = (group & 0x7f) | 0x80;
    }
    this.#at = putVarint(this.#bytes, Number(rest), this.#at);
  }

  /** What was written as a field of a message around it, whole. */
  enclosed(field: number): Uint8Array {
    const length = this.#at - FieldWriter.#HEAD_BYTES;
    const head = [field, ...varint(length)];
    const start = FieldWriter.#HEAD_BYTES - head.length;
    this.#bytes.set(head, start);
    return this.#bytes.subarray(start, this.#at);
  }
}

function putVarint(into: Buffer, value: number, start: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) into[at++] = (rest % 0x80) | 0x80;
  into[at++] = rest;
  return at;
}

/**
 * The head of a packet that carries `bytes` of a file; the bytes follow as they are. Written by hand: a general encoder
 * copies every byte of every file once more.
 */
export function dataHead(id: number, bytes: number): Uint8Array {
  const head = [FIELD_TYPE, PacketType.PACKET_DATA, FIELD_ID, ...varint(id)];
  return Uint8Array.from(bytes === 0 ? head : [...head, FIELD_DATA, ...varint(bytes)]);
}

/** A packet that asks for the content of an entry. */
export function requestPacket(id: number): Uint8Array {
  return toBinary(PacketSchema, create(PacketSchema, { type: PacketType.PACKET_REQ, ID: id }));
}

/** The packet that ends a transfer well. */
export function finPacket(): Uint8Array {
  return toBinary(PacketSchema, create(PacketSchema, { type: PacketType.PACKET_FIN }));
}

/** The packet that ends a transfer with what went wrong. */
export function errorPacket(message: string): Uint8Array {
  return toBinary(PacketSchema, create(PacketSchema, { type: PacketType.PACKET_ERR, data: Buffer.from(message) }));
}

/** Reads a packet; its data stays a view into `bytes`. */
export function readPacket(bytes: Uint8Array): Packet {
  return fromBinary(PacketSchema, bytes);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}
