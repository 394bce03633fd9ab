import {
  DEFAULT_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  Flag,
  frame,
  FRAME_HEADER_BYTES,
  frameHeader,
  FrameType,
  MAX_WINDOW_BYTES,
  PREFACE,
  Setting,
  settingsContent,
  uint32,
} from './frames.ts';
import type { Headers } from './hpack.ts';
import { encodeHeaders, HeaderDecoder } from './hpack.ts';
import { Http2Error, Http2Stream } from './stream.ts';
import type { StreamPort } from './stream.ts';
import type { Wire, WireEvents } from './wire.ts';

/**
 * What the other side may send on one stream before it hears from us. With the usual 64 KiB a stream carries one window for
 * each round trip: 1 MB/s at 60 ms.
 */
const RECEIVE_WINDOW_BYTES = 8 * 1024 * 1024;

/**
 * Exclude patterns travel as headers, and errors as trailers with whole Dockerfiles in them, as base64 of base64: of the largest
 * that a message holds (16 MB) they are 29 MB.
 */
const MAX_HEADER_BYTES = 32 * 1024 * 1024;

/** What is gathered before it is written: the frames of one turn of the event loop go out together, but not more than this. */
const BATCH_BYTES = 512 * 1024;

/** How a connection begins. */
export interface ConnectionOptions {
  readonly role: 'client' | 'server';
  readonly open: (events: WireEvents) => Wire;
  /** A stream that the other side has opened, with its headers; for servers. */
  readonly onStream?: (stream: Http2Stream) => void;
}

/**
 * One HTTP/2 connection (RFC 9113) of gRPC: what `node:http2` does with more copies of every byte, and without control over
 * windows, header sizes and repeated headers. Neither side pushes, and priorities are passed over.
 */
export class Http2Connection {
  readonly #wire: Wire;
  readonly #onStream: ((stream: Http2Stream) => void) | undefined;
  readonly #isClient: boolean;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #received = new Map<number, number>();
  readonly #decoder = new HeaderDecoder();
  readonly #port: StreamPort;
  readonly #closed = Promise.withResolvers<Http2Error | undefined>();
  #nextId: number;
  #lastPeerId = 0;
  #isOver = false;
  /** Whether the other side takes no new streams. */
  #isGoing = false;

  #out: Uint8Array[] = [];
  #outBytes = 0;
  /** Told when what is gathered has been sent. */
  #outSent: (() => void)[] = [];
  #isScheduled = false;
  #isBlocked = false;
  /** Streams with something to send, in turns. */
  readonly #ready = new Set<Http2Stream>();
  #readyBytes = 0;
  #window = DEFAULT_WINDOW_BYTES;
  #peerWindow = DEFAULT_WINDOW_BYTES;
  #peerFrame = DEFAULT_FRAME_BYTES;
  #consumed = 0;

  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #awaited: number;
  /** Whether what comes next is the other side's greeting. */
  #isPreface: boolean;
  #frame: { readonly type: number; readonly flags: number; readonly id: number; readonly length: number } | undefined;
  /** What is still to come of the content of a data frame, and how much of that is padding. */
  #dataLeft = 0;
  #paddingLeft = 0;
  #block: { readonly id: number; readonly endStream: boolean; readonly parts: Buffer[]; bytes: number } | undefined;

  constructor({ role, open, onStream }: ConnectionOptions) {
    this.#isClient = role === 'client';
    this.#onStream = onStream;
    this.#nextId = this.#isClient ? 1 : 2;
    this.#isPreface = !this.#isClient;
    this.#awaited = this.#isClient ? FRAME_HEADER_BYTES : PREFACE.length;
    this.#port = {
      sendHeaders: (stream, headers, endStream) => this.#sendHeaders(stream, headers, endStream),
      queued: (stream, bytes) => this.#queued(stream, bytes),
      consumed: (stream, bytes) => this.#credit(stream, bytes),
      reset: (stream, code) => this.#reset(stream, code),
    };
    this.#wire = open({
      received: (chunk) => this.#receive(chunk),
      drained: () => this.#drained(),
      ended: (reason) => this.#over(new Http2Error(reason?.message ?? 'connection dropped')),
    });
    if (this.#isClient) this.#send(PREFACE);
    const settings = [
      ...(this.#isClient ? [[Setting.enablePush, 0] as const] : []),
      [Setting.initialWindow, RECEIVE_WINDOW_BYTES] as const,
      [Setting.maxHeaderList, MAX_HEADER_BYTES] as const,
    ];
    this.#send(frame(FrameType.settings, 0, 0, settingsContent(settings)));
    this.#send(frame(FrameType.windowUpdate, 0, 0, uint32(MAX_WINDOW_BYTES - DEFAULT_WINDOW_BYTES)));
  }

  /** Resolves when the connection is gone, with the reason unless we closed it. */
  get closed(): Promise<Http2Error | undefined> {
    return this.#closed.promise;
  }

  /** Whether a new stream can be opened. */
  get isUsable(): boolean {
    return !this.#isOver && !this.#isGoing;
  }

  /** Opens a stream with its headers; for clients. Throws an {@link Http2Error} when the connection is gone. */
  request(headers: Headers): Http2Stream {
    if (!this.isUsable) throw new Http2Error('the connection is closed');
    const stream = new Http2Stream(this.#nextId, this.#peerWindow, this.#port);
    this.#nextId += 2;
    this.#add(stream);
    this.#sendHeaders(stream, headers, false);
    return stream;
  }

  /** Ends it and every stream on it. */
  close(): void {
    if (this.#isOver) return;
    this.#send(frame(FrameType.goAway, 0, 0, uint32(this.#lastPeerId, ErrorCode.none)));
    this.#flush();
    this.#over(undefined);
  }

  #add(stream: Http2Stream): void {
    this.#streams.set(stream.id, stream);
    void stream.closed.then(() => {
      this.#streams.delete(stream.id);
      this.#received.delete(stream.id);
      this.#ready.delete(stream);
    });
  }

  #over(error: Http2Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const told = error ?? new Http2Error('the connection was closed');
    for (const stream of this.#streams.values()) stream.lose(told);
    this.#wire.close();
    this.#closed.resolve(error);
  }

  /** The other side broke the protocol. */
  #fail(code: number, message: string): void {
    this.#send(frame(FrameType.goAway, 0, 0, Buffer.concat([uint32(this.#lastPeerId, code), Buffer.from(message)])));
    this.#flush();
    this.#over(new Http2Error(message, code));
  }

  // Sending

  #send(...buffers: readonly Uint8Array[]): void {
    for (const buffer of buffers) {
      this.#out.push(buffer);
      this.#outBytes += buffer.length;
    }
    this.#schedule();
  }

  #queued(stream: Http2Stream, bytes: number): void {
    this.#ready.add(stream);
    this.#readyBytes += bytes;
    if (this.#readyBytes >= BATCH_BYTES && !this.#isBlocked) this.#flush();
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isBlocked || this.#isOver) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  /** Writes what there is, as far as the windows and the wire let it. */
  #flush(): void {
    while (!this.#isOver && !this.#isBlocked) {
      this.#readyBytes = 0;
      for (const stream of this.#ready) {
        this.#pump(stream);
        if (this.#outBytes >= BATCH_BYTES) break;
      }
      if (this.#out.length === 0) return;
      const out = this.#out;
      this.#out = [];
      this.#outBytes = 0;
      const sent = this.#outSent;
      this.#outSent = [];
      this.#isBlocked = !this.#wire.write(out, () => {
        for (const one of sent) one();
      });
    }
  }

  #drained(): void {
    this.#isBlocked = false;
    this.#flush();
  }

  #sendHeaders(stream: Http2Stream, headers: Headers, endStream: boolean): void {
    const block = encodeHeaders(headers);
    for (let at = 0, isFirst = true; isFirst || at < block.length; isFirst = false) {
      const part = block.subarray(at, at + this.#peerFrame);
      at += part.length;
      const flags = (at >= block.length ? Flag.endHeaders : 0) | (isFirst && endStream ? Flag.endStream : 0);
      const type = isFirst ? FrameType.headers : FrameType.continuation;
      this.#send(frameHeader(type, flags, stream.id, part.length), part);
    }
  }

  #pump(stream: Http2Stream): void {
    while (stream.queuedBytes > 0 && this.#outBytes < BATCH_BYTES) {
      const size = Math.min(stream.queuedBytes, stream.window, this.#window, this.#peerFrame);
      if (size <= 0) break;
      const isLast = size === stream.queuedBytes && stream.ending === 'none';
      const header = frameHeader(FrameType.data, isLast ? Flag.endStream : 0, stream.id, size);
      for (const buffer of [header, ...stream.take(size)]) this.#out.push(buffer);
      this.#outBytes += FRAME_HEADER_BYTES + size;
      this.#outSent.push(...stream.takenBack());
      stream.window -= size;
      this.#window -= size;
      if (isLast) stream.isSent = true;
    }
    const isStuck = stream.queuedBytes > 0 && (stream.window <= 0 || this.#window <= 0);
    if (stream.queuedBytes === 0) this.#sendEnd(stream);
    // Room that the other side makes brings it back.
    if (stream.queuedBytes === 0 || isStuck) this.#ready.delete(stream);
    stream.roomMade();
  }

  #sendEnd(stream: Http2Stream): void {
    if (stream.ending === undefined || stream.isSent) return;
    stream.isSent = true;
    if (stream.ending === 'none') this.#send(frameHeader(FrameType.data, Flag.endStream, stream.id, 0));
    else this.#sendHeaders(stream, stream.ending, true);
  }

  #reset(stream: Http2Stream, code: number): void {
    this.#send(frame(FrameType.resetStream, 0, stream.id, uint32(code)));
    stream.lose(new Http2Error('the stream was given up', code));
  }

  #credit(stream: Http2Stream, bytes: number): void {
    const used = (this.#received.get(stream.id) ?? 0) + bytes;
    if (used < RECEIVE_WINDOW_BYTES / 4) {
      this.#received.set(stream.id, used);
      return;
    }
    this.#received.set(stream.id, 0);
    if (this.#streams.has(stream.id)) this.#send(frame(FrameType.windowUpdate, 0, stream.id, uint32(used)));
  }

  // Receiving

  #receive(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.#isOver) {
      if (this.#dataLeft > 0) rest = this.#receiveData(rest);
      else {
        const needed = this.#awaited - this.#pendingBytes;
        const part = rest.subarray(0, needed);
        rest = rest.subarray(part.length);
        this.#pending.push(part);
        this.#pendingBytes += part.length;
        if (this.#pendingBytes < this.#awaited) return;
        const [only] = this.#pending;
        const whole = this.#pending.length === 1 && only !== undefined ? only : Buffer.concat(this.#pending);
        this.#pending = [];
        this.#pendingBytes = 0;
        this.#receiveUnit(whole);
      }
    }
  }

  /** A preface, the header of a frame, or the whole content of one that carries no data. */
  #receiveUnit(unit: Buffer): void {
    if (this.#isPreface) {
      this.#isPreface = false;
      this.#awaited = FRAME_HEADER_BYTES;
      if (!unit.equals(PREFACE)) this.#fail(ErrorCode.protocol, 'this is no HTTP/2');
      return;
    }
    const open = this.#frame;
    if (open === undefined) this.#begin(unit);
    else {
      this.#frame = undefined;
      this.#awaited = FRAME_HEADER_BYTES;
      this.#receiveFrame(open, unit);
    }
  }

  #begin(header: Buffer): void {
    const length = header.readUIntBE(0, 3);
    const type = header[3] ?? 0;
    const flags = header[4] ?? 0;
    const id = header.readUInt32BE(5) & 0x7fff_ffff;
    if (length > DEFAULT_FRAME_BYTES) {
      const isText = header.toString('latin1', 0, 5) === 'HTTP/';
      return this.#fail(ErrorCode.frameSize, isText ? 'Protocol error' : `a frame of ${length} bytes`);
    }
    if (this.#block !== undefined && type !== FrameType.continuation)
      return this.#fail(ErrorCode.protocol, 'headers were not finished');
    this.#frame = { type, flags, id, length };
    if (type === FrameType.data && (flags & Flag.padded) === 0) this.#startData(length, 0);
    else if (length === 0) this.#receiveUnit(EMPTY);
    else this.#awaited = length;
  }

  #startData(bytes: number, padding: number): void {
    this.#dataLeft = bytes;
    this.#paddingLeft = padding;
    if (bytes === 0) this.#endData();
  }

  #receiveData(rest: Buffer): Buffer {
    const part = rest.subarray(0, this.#dataLeft);
    this.#dataLeft -= part.length;
    const content =
      this.#dataLeft >= this.#paddingLeft ? part : part.subarray(0, part.length - (this.#paddingLeft - this.#dataLeft));
    const { id = 0 } = this.#frame ?? {};
    this.#consumed += part.length;
    if (this.#consumed > MAX_WINDOW_BYTES / 4) {
      this.#send(frame(FrameType.windowUpdate, 0, 0, uint32(this.#consumed)));
      this.#consumed = 0;
    }
    if (content.length > 0) this.#streams.get(id)?.receiveData(content);
    if (this.#dataLeft === 0) this.#endData();
    return rest.subarray(part.length);
  }

  #endData(): void {
    const open = this.#frame;
    this.#frame = undefined;
    this.#awaited = FRAME_HEADER_BYTES;
    if (open !== undefined && open.flags & Flag.endStream) this.#streams.get(open.id)?.receiveEnd();
  }

  #receiveFrame(
    { type, flags, id }: { readonly type: number; readonly flags: number; readonly id: number },
    content: Buffer,
  ): void {
    switch (type) {
      case FrameType.data: {
        const padding = content[0] ?? 0;
        if (padding >= content.length) return this.#fail(ErrorCode.protocol, 'more padding than content');
        const data = content.subarray(1, content.length - padding);
        this.#streams.get(id)?.receiveData(data);
        if (flags & Flag.endStream) this.#streams.get(id)?.receiveEnd();
        return;
      }
      case FrameType.headers: {
        const start = (flags & Flag.padded ? 1 : 0) + (flags & Flag.priority ? 5 : 0);
        const end = content.length - (flags & Flag.padded ? (content[0] ?? 0) : 0);
        this.#block = { id, endStream: (flags & Flag.endStream) !== 0, parts: [], bytes: 0 };
        return this.#receiveBlock(content.subarray(start, end), (flags & Flag.endHeaders) !== 0);
      }
      case FrameType.continuation:
        if (this.#block?.id !== id) return this.#fail(ErrorCode.protocol, 'headers go on that never began');
        return this.#receiveBlock(content, (flags & Flag.endHeaders) !== 0);
      case FrameType.resetStream:
        return this.#streams.get(id)?.receiveReset(content.readUInt32BE(0));
      case FrameType.settings:
        if (flags & Flag.ack) return;
        this.#receiveSettings(content);
        return this.#send(frameHeader(FrameType.settings, Flag.ack, 0, 0));
      case FrameType.ping:
        if ((flags & Flag.ack) === 0) this.#send(frame(FrameType.ping, Flag.ack, 0, content));
        return;
      case FrameType.goAway:
        return this.#receiveGoAway(content);
      case FrameType.windowUpdate:
        return this.#receiveWindow(id, content.readUInt32BE(0) & MAX_WINDOW_BYTES);
    }
  }

  #receiveBlock(part: Buffer, isLast: boolean): void {
    const block = this.#block;
    if (block === undefined) return;
    block.parts.push(part);
    block.bytes += part.length;
    if (block.bytes > MAX_HEADER_BYTES) return this.#fail(ErrorCode.calm, 'headers are too large');
    if (!isLast) return;
    this.#block = undefined;
    let headers: Headers;
    try {
      headers = this.#decoder.decode(Buffer.concat(block.parts));
    } catch (error) {
      return this.#fail(ErrorCode.compression, error instanceof Error ? error.message : String(error));
    }
    const known = this.#streams.get(block.id);
    if (known !== undefined) return known.receiveHeaders(headers, block.endStream);
    const isNew = !this.#isClient && block.id % 2 === 1 && block.id > this.#lastPeerId;
    if (!isNew || this.#onStream === undefined) return;
    this.#lastPeerId = block.id;
    const stream = new Http2Stream(block.id, this.#peerWindow, this.#port);
    this.#add(stream);
    stream.receiveHeaders(headers, block.endStream);
    this.#onStream(stream);
  }

  #receiveSettings(content: Buffer): void {
    for (let at = 0; at + 6 <= content.length; at += 6) {
      const id = content.readUInt16BE(at);
      const value = content.readUInt32BE(at + 2);
      if (id === Setting.maxFrame) this.#peerFrame = value;
      if (id !== Setting.initialWindow) continue;
      for (const stream of this.#streams.values()) stream.window += value - this.#peerWindow;
      this.#peerWindow = value;
    }
    this.#wakeWaiting();
  }

  #receiveGoAway(content: Buffer): void {
    this.#isGoing = true;
    const last = content.readUInt32BE(0) & MAX_WINDOW_BYTES;
    const code = content.readUInt32BE(4);
    const said = content.toString('utf8', 8);
    const error = new Http2Error(`the other side ends the connection${said === '' ? '' : ` (${said})`}`, code);
    const isOurs = (id: number): boolean => id % 2 === (this.#isClient ? 1 : 0);
    for (const stream of this.#streams.values()) if (isOurs(stream.id) && stream.id > last) stream.lose(error);
  }

  #receiveWindow(id: number, bytes: number): void {
    const stream = this.#streams.get(id);
    if (id === 0) this.#window += bytes;
    else if (stream !== undefined) stream.window += bytes;
    this.#wakeWaiting();
  }

  #wakeWaiting(): void {
    for (const stream of this.#streams.values()) if (stream.queuedBytes > 0) this.#ready.add(stream);
    if (this.#ready.size > 0) this.#schedule();
  }
}

const EMPTY = Buffer.alloc(0);
