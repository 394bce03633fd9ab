import type { Duplex } from 'node:stream';

/** The byte stream under a connection, as a connection sees it. */
export interface Wire {
  /**
   * Takes buffers; false: wait for {@link WireEvents.drained} before the next. They may be changed when `sent` is called,
   * which for a wire that is lost never happens.
   */
  readonly write: (buffers: readonly Uint8Array[], sent: () => void) => boolean;
  /** Ends it, when what was written is out, or the other side has not taken it for a second. */
  readonly close: () => void;
}

/** What a wire tells its connection. */
export interface WireEvents {
  readonly received: (chunk: Buffer) => void;
  readonly drained: () => void;
  /** It is gone, for a reason or because the other side has ended it. */
  readonly ended: (reason: Error | undefined) => void;
}

/** How long a peer has to take what was written before a wire ends: one that reads nothing never would. */
const CLOSE_MS = 1_000;

/** A socket, or whatever else is a stream, as a wire. */
export function streamWire(stream: Duplex, events: WireEvents): Wire {
  let reason: Error | undefined;
  stream.on('data', events.received);
  stream.on('drain', events.drained);
  stream.on('error', (error) => (reason = error));
  stream.once('close', () => events.ended(reason));
  stream.resume();
  return {
    write: (buffers, sent) => {
      if (stream.destroyed || stream.writableEnded) return true;
      stream.cork();
      const last = buffers.length - 1;
      for (const [at, buffer] of buffers.entries()) {
        if (at < last) stream.write(buffer);
        else stream.write(buffer, (error) => error ?? sent());
      }
      stream.uncork();
      return !stream.writableNeedDrain;
    },
    close: () => {
      if (stream.destroyed) return;
      const timer = setTimeout(() => stream.destroy(), CLOSE_MS);
      timer.unref();
      stream.once('close', () => clearTimeout(timer));
      stream.end(() => stream.destroy());
    },
  };
}

/** A stream that is still being made, as a wire: what is written before waits for it. */
export function lateWire(making: Promise<Duplex>, events: WireEvents, signal: AbortSignal): Wire {
  let wire: Wire | undefined;
  let isClosed = false;
  const early: Uint8Array[] = [];
  const earlySent: (() => void)[] = [];
  making.then(
    (stream) => {
      const cancel = (): void => void stream.destroy();
      wire = streamWire(stream, events);
      stream.once('close', () => signal.removeEventListener('abort', cancel));
      signal.addEventListener('abort', cancel, { once: true });
      if (signal.aborted) return cancel();
      const sent = (): void => earlySent.splice(0).forEach((one) => one());
      if (early.length > 0 && wire.write(early.splice(0), sent)) events.drained();
      if (isClosed) wire.close();
    },
    (error: Error) => events.ended(error),
  );
  return {
    write: (buffers, sent) => {
      if (wire !== undefined) return wire.write(buffers, sent);
      early.push(...buffers);
      earlySent.push(sent);
      return true;
    },
    close: () => {
      isClosed = true;
      wire?.close();
    },
  };
}
