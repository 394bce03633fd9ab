import { isUtf8 } from 'node:buffer';
import pLimit from 'p-limit';
import { PacketType } from '../../proto/gen/fsutil/wire_pb.ts';
import type { TreeFilter } from './filter.ts';
import { filteredWalk } from './filter.ts';
import { followPaths, withoutCovered } from './follow.ts';
import type { SendParts } from './packet.ts';
import { endOfListPacket, entryPacket, errorPacket, finPacket, readPacket } from './packet.ts';
import type { ContentStream, SentAs, WantedFile } from './send-file.ts';
import { Buffers, SentRoot, sendFile } from './send-file.ts';
import { GO_MODE_TYPE } from './stat.ts';
import type { BytePath, Entry } from './walk.ts';
import { readable } from './walk.ts';

/** What of a folder the other side wants. */
export interface TreeRequest extends TreeFilter {
  readonly root: string;
  /** Paths that must be readable there, links on the way included. */
  readonly follow: readonly string[];
  /** Told at the end which files were no longer as they had been listed. */
  readonly notice?: (words: string) => void;
}

/** One end of a packet stream. */
export interface PacketStream {
  readonly send: SendParts;
  readonly messages: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/** The end that sends files. */
export type SendingStream = PacketStream & ContentStream;

/** As many files are read and sent at once as by BuildKit's own clients (tonistiigi/fsutil `send.go`). */
const FILES_AT_ONCE = 4;

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
  const unsteady = new Unsteady();
  const buffers = new Buffers();
  const limit = pLimit({ concurrency: FILES_AT_ONCE, rejectOnClear: true });
  const sending = Promise.withResolvers<never>();
  sending.promise.catch(reportedByRace);
  const listed = sendList(request, files, stream);
  listed.catch(sending.reject);
  try {
    await Promise.race([
      answerRequests(
        new SentRoot(request.root),
        { files, unsteady, buffers, listed, limit, failed: sending.reject },
        stream,
      ),
      sending.promise,
    ]);
    for (const words of unsteady.words()) request.notice?.(words);
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
      files.set(id, { id, path: stats.isFile() ? entry.path : '', bytes: Number(stats.size) });
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
  root: SentRoot,
  work: {
    readonly files: Map<number, WantedFile>;
    readonly unsteady: Unsteady;
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
        work
          .limit(() => sendFile(root, { ...file, buffers: work.buffers }, stream))
          .then((as) => work.unsteady.note(file.path, as))
          .catch(work.failed);
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

/** So many are named. */
const NAMED = 5;

/** Files that were not sent as they had been listed. */
class Unsteady {
  readonly #paths = { vanished: [] as BytePath[], changed: [] as BytePath[] };

  note(path: BytePath, as: SentAs): void {
    if (as !== 'listed') this.#paths[as].push(path);
  }

  words(): readonly string[] {
    const { vanished, changed } = this.#paths;
    return [
      ...(vanished.length > 0 ? [`WARNING: vanished while the folder was sent, now empty: ${named(vanished)}`] : []),
      ...(changed.length > 0 ? [`WARNING: changed while the folder was sent: ${named(changed)}`] : []),
    ];
  }
}

/** Several files are sent at once, so they come in any order. */
function named(paths: readonly BytePath[]): string {
  const more = paths.length - NAMED;
  return `${paths.toSorted().slice(0, NAMED).map(readable).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
