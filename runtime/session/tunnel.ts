import type { Http2Stream } from '../http2/stream.ts';
import type { Wire, WireEvents } from '../http2/wire.ts';
import { ErrorCode } from '../http2/frames.ts';
import { messageLength, messagePrefix } from '../rpc/messages.ts';
import { GrpcError, status } from '../rpc/status.ts';

/** `BytesMessage.data`, the one field of the messages that carry bytes. */
const DATA_FIELD = 0x0a;

const PREFIX_BYTES = 5;

/** Enough for the length of any message, behind its prefix and its field. */
const MAX_LENGTH_BYTES = 5;

/** Writers are held back when so much waits. */
const HIGH_WATER_BYTES = 1024 * 1024;

/**
 * A gRPC call of byte messages as a byte stream (`Control.Session`, moby/buildkit `session/grpchijack`). What is written together
 * travels in one message, and is not copied for it; what comes is passed on piece by piece. A message that is none of bytes, or
 * too large, ends the call and this wire, and nothing else: `events.ended` is told a {@link GrpcError}.
 */
export function tunnel(opening: Promise<Http2Stream>, events: WireEvents): Wire {
  let stream: Http2Stream | undefined;
  let isClosed = false;
  const early: Uint8Array[] = [];
  const earlySent: (() => void)[] = [];
  const send = (to: Http2Stream, buffers: readonly Uint8Array[], sent: () => void): boolean => {
    const head = dataHead(buffers.reduce((sum, buffer) => sum + buffer.length, 0));
    const parts = [head, ...buffers];
    const written = to.lend([messagePrefix(parts), ...parts], sent);
    const isBlocked = to.queuedBytes > HIGH_WATER_BYTES;
    written.then(() => isBlocked && events.drained(), toldByItsEnd);
    return !isBlocked;
  };
  opening.then(
    (opened) => {
      stream = opened;
      if (isClosed) return opened.reset(ErrorCode.cancel);
      const reader = new BytesReader(events.received);
      opened.onData((chunk) => {
        try {
          reader.take(chunk);
        } catch (error) {
          if (!(error instanceof GrpcError)) throw error;
          events.ended(error);
          opened.reset(ErrorCode.cancel);
        }
      });
      void opened.closed.then(() => events.ended(opened.error));
      if (early.length > 0) send(opened, early.splice(0), () => earlySent.splice(0).forEach((one) => one()));
    },
    (error: Error) => events.ended(error),
  );
  return {
    write: (buffers, sent) => {
      if (stream !== undefined) return send(stream, buffers, sent);
      early.push(...buffers);
      earlySent.push(sent);
      return true;
    },
    close: () => {
      isClosed = true;
      stream?.end();
      stream?.reset(ErrorCode.cancel);
    },
  };
}

/** A stream that is lost tells so when it is closed. */
function toldByItsEnd(): void {}

function dataHead(length: number): Uint8Array {
  const bytes = [DATA_FIELD];
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

/** Takes the bytes out of the messages they travel in, without waiting for a message to be whole. */
class BytesReader {
  readonly #received: (chunk: Buffer) => void;
  #head: Buffer = Buffer.alloc(0);
  /** Of the message that is being read. */
  #dataLeft = 0;

  constructor(received: (chunk: Buffer) => void) {
    this.#received = received;
  }

  take(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#dataLeft > 0) {
        const data = rest.subarray(0, this.#dataLeft);
        this.#dataLeft -= data.length;
        rest = rest.subarray(data.length);
        this.#received(data);
      } else {
        this.#head = this.#head.length === 0 ? rest : Buffer.concat([this.#head, rest]);
        const read = headOf(this.#head);
        if (read === undefined) return;
        rest = this.#head.subarray(read.bytes);
        this.#head = Buffer.alloc(0);
        this.#dataLeft = read.data;
      }
    }
  }
}

/**
 * How long the head of a message is, and the data behind it; undefined where it is not whole yet. Throws a {@link GrpcError} for
 * what is no message of bytes.
 */
function headOf(bytes: Buffer): { readonly bytes: number; readonly data: number } | undefined {
  if (bytes.length < PREFIX_BYTES) return undefined;
  const length = messageLength(bytes);
  if (length === 0) return { bytes: PREFIX_BYTES, data: 0 };
  if (bytes.length === PREFIX_BYTES) return undefined;
  if (bytes[PREFIX_BYTES] !== DATA_FIELD) throw noBytes();
  let data = 0;
  for (let count = 0, factor = 1; count < MAX_LENGTH_BYTES; count++, factor *= 0x80) {
    const at = PREFIX_BYTES + 1 + count;
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    data += (byte & 0x7f) * factor;
    if (byte & 0x80) continue;
    if (PREFIX_BYTES + length !== at + 1 + data) break;
    return { bytes: at + 1, data };
  }
  throw noBytes();
}

function noBytes(): GrpcError {
  return new GrpcError(status.INTERNAL, 'the session carries something else than bytes');
}
