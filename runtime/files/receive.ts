import { setTimeout as delay } from 'node:timers/promises';
import { PacketType } from '../../proto/gen/fsutil/wire_pb.ts';
import { FolderWriter } from './folder-writer.ts';
import { makeFolder } from './make-folder.ts';
import { errorPacket, finPacket, readPacket, requestPacket } from './packet.ts';
import type { PacketStream } from './send.ts';

/**
 * As many files are asked for ahead: enough that the sender is never idle, few enough that both sides' questions fit into
 * what the connection holds, so that neither waits for the other to read.
 */
const ASKED_AHEAD = 64;

/** How long the sender may take to end a transfer after it was told that it failed. */
const HEARD_MS = 5_000;

/** The sender said what went wrong on its side. */
export class SenderError extends Error {
  constructor(message: string) {
    super(`error from sender: ${message}`);
    this.name = 'SenderError';
  }
}

/**
 * Receives a tree into a folder, which is made if it is missing: the other end of `sendTree` (tonistiigi/fsutil
 * `receive.go`). Files that are there already, as far as that can be told, are not asked for. With `deletes`, what the
 * sender does not have is removed. Throws {@link SenderError}, or what could not be written after telling the other side.
 */
export async function receiveTree(
  { folder, deletes }: { readonly folder: string; readonly deletes: boolean },
  stream: PacketStream,
): Promise<void> {
  const messages = stream.messages[Symbol.asyncIterator]();
  try {
    await makeFolder(folder, { mode: 0o700 });
    using writer = new FolderWriter(folder, { deletes });
    await receive(writer, messages, stream);
  } catch (error) {
    if (!(error instanceof SenderError) && !stream.signal.aborted) {
      await stream.send(errorPacket(error instanceof Error ? error.message : String(error)));
      await Promise.race([untilEnd(messages), delay(HEARD_MS, undefined, { ref: false })]);
    }
    throw error;
  } finally {
    messages.return?.().catch(isToldAlready);
  }
}

/** Whatever ended the messages has ended the transfer too. */
function isToldAlready(): void {}

/** A sender that is in the midst of sending when the stream ends knows only that it did: it must read why before that. */
async function untilEnd(messages: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    while ((await messages.next()).done !== true);
  } catch {
    // The sender has ended the stream, which is what was waited for.
  }
}

async function receive(writer: FolderWriter, messages: AsyncIterator<Uint8Array>, stream: PacketStream): Promise<void> {
  const wanted: number[] = [];
  const asked = new Set<number>();
  let [nextWanted, entries] = [0, 0];
  let listed = false;
  let isDone = false;
  for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
    stream.signal.throwIfAborted();
    const packet = readPacket(next.value);
    switch (packet.type) {
      case PacketType.PACKET_STAT:
        if (listed) throw new Error('the sender went on after the end of its list');
        if (packet.stat === undefined) listed = true;
        else if (await writer.add(packet.stat, entries++)) wanted.push(entries - 1);
        break;
      case PacketType.PACKET_DATA:
        if (!asked.has(packet.ID)) throw new Error(`invalid file request ${packet.ID}`);
        if (packet.data.length > 0) writer.write(packet.ID, packet.data);
        else {
          writer.end(packet.ID);
          asked.delete(packet.ID);
        }
        break;
      case PacketType.PACKET_FIN:
        if (!isDone) throw new Error('the sender ended before all was sent');
        return;
      case PacketType.PACKET_ERR:
        throw new SenderError(Buffer.from(packet.data).toString('utf8'));
      case PacketType.PACKET_REQ:
        throw new Error('the sender sent what only a receiver may send');
    }
    while (asked.size < ASKED_AHEAD) {
      const id = wanted[nextWanted];
      if (id === undefined) break;
      nextWanted++;
      asked.add(id);
      await stream.send(requestPacket(id));
    }
    if (listed && asked.size === 0 && !isDone) {
      writer.finish();
      isDone = true;
      await stream.send(finPacket());
    }
  }
  throw new Error('the sender ended before all was sent');
}
