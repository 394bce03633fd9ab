import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import pLimit from 'p-limit';
import { PacketType } from '../../proto/gen/fsutil/wire_pb.ts';
import type { TreeFilter } from './filter.ts';
import { filteredWalk } from './filter.ts';
import { followPaths, withoutCovered } from './follow.ts';
import type { SendParts } from './packet.ts';
import { dataHead, endOfListPacket, entryPacket, errorPacket, finPacket, readPacket } from './packet.ts';
import { GO_MODE_TYPE } from './stat.ts';
import type { BytePath, Entry } from './walk.ts';
import { onDisk } from './walk.ts';

/** What of a folder the other side wants. */
export interface TreeRequest extends TreeFilter {
  readonly root: string;
  /** Paths that must be readable there, links on the way included. */
  readonly follow: readonly string[];
}

/** One end of a packet stream. */
export interface PacketStream {
  readonly send: SendParts;
  readonly messages: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/** The end that sends files. */
export interface SendingStream extends PacketStream {
  /** Sends buffers that are wanted back: they may be changed when `sent` is called. */
  readonly lend: (parts: readonly Uint8Array[], sent: () => void) => Promise<void>;
}

/** As many files are read and sent at once as by BuildKit's own clients (tonistiigi/fsutil `send.go`). */
const FILES_AT_ONCE = 4;

/** Four times what Go sends at once: fewer messages, still far below the limits of either side. */
const CHUNK_BYTES = 128 * 1024;

/**
 * A file up to this size is read at once, in one turn: opening, reading and closing it by way of Node's threads takes five
 * times as long as reading it.
 */
const SMALL_BYTES = 64 * 1024;

/** The receiver said what went wrong on its side. */
export class ReceiverError extends Error {
  constructor(message: string) {
    super(`error from receiver: ${message}`);
    this.name = 'ReceiverError';
  }
}

/**
 * Sends a tree: first the list of what there is, and at the same time the content of every file the other side asks
 * for. It keeps what it has from last time and asks only for what changed. Resolves when the other side has all; throws
 * {@link ReceiverError}, or the file system's error after telling the other side.
 */
export async function sendTree(request: TreeRequest, stream: SendingStream): Promise<void> {
  const files = new Map<number, WantedFile>();
  const buffers = new Buffers();
  const limit = pLimit({ concurrency: FILES_AT_ONCE, rejectOnClear: true });
  const sending = Promise.withResolvers<never>();
  sending.promise.catch(reportedByRace);
  const listed = sendList(request, files, stream);
  listed.catch(sending.reject);
  try {
    await Promise.race([
      answerRequests(request.root, { files, buffers, listed, limit, failed: sending.reject }, stream),
      sending.promise,
    ]);
  } catch (error) {
    limit.clearQueue();
    if (!(error instanceof ReceiverError) && !stream.signal.aborted) {
      await stream.send(errorPacket(error instanceof Error ? error.message : String(error)));
    }
    throw error;
  }
}

/** The race in {@link sendTree} reports it. */
function reportedByRace(): void {}

interface WantedFile {
  /** Empty for what has no content. */
  readonly path: BytePath;
  /** When it was listed; by now it may have another. */
  readonly bytes: number;
}

/** Buffers that go round: read into, sent, and read into again. */
class Buffers {
  readonly #idle: Buffer[] = [];

  take(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  give(buffer: Buffer): void {
    this.#idle.push(buffer);
  }
}

async function sendList(request: TreeRequest, files: Map<number, WantedFile>, stream: SendingStream): Promise<void> {
  const firstNames = new Map<string, BytePath>();
  let id = 0;
  for await (const entry of filteredWalk(request.root, { include: includes(request), exclude: request.exclude })) {
    stream.signal.throwIfAborted();
    refuseUnreadableName(entry);
    const { stats } = entry;
    const inode = stats.nlink > 1n && !stats.isDirectory() ? `${stats.dev}:${stats.ino}` : undefined;
    const original = inode === undefined ? undefined : firstNames.get(inode);
    if (inode !== undefined && original === undefined) firstNames.set(inode, entry.path);
    const isRegular = (entry.mode & GO_MODE_TYPE) === 0;
    if (isRegular && original === undefined)
      files.set(id, { path: stats.isFile() ? entry.path : '', bytes: Number(stats.size) });
    id++;
    await stream.send(entryPacket(entry, original));
  }
  await stream.send(endOfListPacket());
}

/** A daemon since BuildKit 0.17 ends the whole transfer over such a name, without naming it (protobuf strings are UTF-8). */
function refuseUnreadableName({ path, linkTarget }: Entry): void {
  const bad = [path, linkTarget].find((one) => one !== undefined && !isUtf8(Buffer.from(one, 'latin1')));
  if (bad === undefined) return;
  const shown = bad.replace(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
  throw new Error(
    `the name "${shown}" is not UTF-8, which BuildKit does not take; rename it or add it to .dockerignore`,
  );
}

function includes(request: TreeRequest): readonly string[] {
  if (request.follow.length === 0) return request.include;
  const followed = followPaths(request.root, request.follow);
  return followed === undefined ? request.include : withoutCovered([...request.include, ...followed].sort());
}

async function answerRequests(
  root: string,
  work: {
    readonly files: Map<number, WantedFile>;
    readonly buffers: Buffers;
    readonly listed: Promise<void>;
    readonly limit: ReturnType<typeof pLimit>;
    readonly failed: (error: unknown) => void;
  },
  stream: SendingStream,
): Promise<void> {
  for await (const message of stream.messages) {
    const packet = readPacket(message);
    switch (packet.type) {
      case PacketType.PACKET_REQ: {
        const file = work.files.get(packet.ID);
        if (file === undefined) throw new Error(`invalid file id ${packet.ID}`);
        work.files.delete(packet.ID);
        work.limit(() => sendFile(root, { ...file, id: packet.ID, buffers: work.buffers }, stream)).catch(work.failed);
        break;
      }
      case PacketType.PACKET_FIN:
        await work.listed;
        await stream.send(finPacket());
        return;
      case PacketType.PACKET_ERR:
        throw new ReceiverError(Buffer.from(packet.data).toString('utf8'));
      case PacketType.PACKET_STAT:
      case PacketType.PACKET_DATA:
        throw new Error('the receiver sent what only a sender may send');
    }
  }
}

interface SentFile extends WantedFile {
  readonly id: number;
  readonly buffers: Buffers;
}

/** A file that is gone by now is sent as empty, as BuildKit's clients do; what cannot be read ends the transfer. */
async function sendFile(root: string, file: SentFile, stream: SendingStream): Promise<void> {
  stream.signal.throwIfAborted();
  if (file.path !== '' && file.bytes <= SMALL_BYTES) await sendAtOnce(root, file, stream);
  else if (file.path !== '') await sendInChunks(root, file, stream);
  await stream.send(dataHead(file.id, 0));
}

async function sendAtOnce(root: string, file: SentFile, stream: SendingStream): Promise<void> {
  const handle = openedNow(onDisk(root, file.path));
  if (handle === undefined) return;
  try {
    for (let sent = 0; ;) {
      const buffer = file.buffers.take();
      const bytes = readSync(handle, buffer);
      sent += bytes;
      if (bytes === 0) return file.buffers.give(buffer);
      const parts = [dataHead(file.id, bytes), buffer.subarray(0, bytes)];
      await stream.lend(parts, () => file.buffers.give(buffer));
      if (sent === file.bytes) return;
    }
  } finally {
    closeSync(handle);
  }
}

function openedNow(path: string | Buffer): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function sendInChunks(root: string, { path, id, buffers }: SentFile, stream: SendingStream): Promise<void> {
  const handle = await open(onDisk(root, path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return;
  await using file = handle;
  for (;;) {
    stream.signal.throwIfAborted();
    const buffer = buffers.take();
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES);
    if (bytesRead === 0) return buffers.give(buffer);
    await stream.lend([dataHead(id, bytesRead), buffer.subarray(0, bytesRead)], () => buffers.give(buffer));
  }
}
