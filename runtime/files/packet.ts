import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Packet, Stat } from '../../proto/gen/fsutil/wire_pb.ts';
import { PacketSchema, PacketType, StatSchema } from '../../proto/gen/fsutil/wire_pb.ts';
import { deviceNumbers, GoMode } from './stat.ts';
import type { BytePath, Entry } from './walk.ts';

/** Sends one message, given in parts, and resolves when there is room for the next. */
export type SendParts = (...parts: readonly Uint8Array[]) => Promise<void>;

const FIELD_TYPE = 0x08;
const FIELD_ID = 0x18;
const FIELD_DATA = 0x22;

/** An entry as the wire has it; uid and gid are always 0, as every BuildKit client sends them. */
export function statOf(entry: Entry, linkname: BytePath | undefined): Stat {
  const { stats } = entry;
  const isDirectory = entry.mode >= GoMode.dir;
  const device = stats.isBlockDevice() || stats.isCharacterDevice() ? deviceNumbers(stats.rdev) : undefined;
  const link = linkname ?? entry.linkTarget;
  return create(StatSchema, {
    path: Buffer.from(entry.path, 'latin1'),
    mode: entry.mode,
    size: isDirectory || linkname !== undefined ? 0n : stats.isFile() || stats.isSymbolicLink() ? stats.size : 0n,
    // Times beyond 2262 wrap, as Go's `UnixNano` does.
    modTime: BigInt.asIntN(64, stats.mtimeNs),
    linkname: link === undefined ? new Uint8Array() : Buffer.from(link, 'latin1'),
    devmajor: device?.major ?? 0n,
    devminor: device?.minor ?? 0n,
  });
}

/** A packet that names an entry; without one, the end of the list. */
export function statPacket(stat: Stat | undefined): Uint8Array {
  return toBinary(PacketSchema, create(PacketSchema, { type: PacketType.PACKET_STAT, ...(stat ? { stat } : {}) }));
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
