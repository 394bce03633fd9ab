import { FrameReader } from './frame-reader.ts';
import { checkFrame, unpadded } from './frame-checks.ts';
import type { FrameHeader } from './frames.ts';
import { ErrorCode, Flag, frame, frameHeader, FrameType, MAX_WINDOW_BYTES, uint32 } from './frames.ts';
import type { HeaderBlock } from './header-blocks.ts';
import { HeaderBlocks } from './header-blocks.ts';
import type { Headers } from './hpack.ts';
import { Http2Error } from './http2-error.ts';
import { Outgoing } from './outgoing.ts';
import { CONNECTION_WINDOW_BYTES, ReceiveWindow } from './receive-window.ts';
import { greeting, readSettings } from './settings.ts';
import { StreamTable } from './stream-table.ts';
import type { StreamPort } from './stream.ts';
import { Http2Stream } from './stream.ts';
import type { Wire, WireEvents } from './wire.ts';

/** How a connection begins. */
export type ConnectionOptions = { readonly open: (events: WireEvents) => Wire } & (
  | { readonly role: 'client' }
  /** `onStream`: the other side has opened a stream, whose headers are there. */
  | { readonly role: 'server'; readonly onStream: (stream: Http2Stream) => void }
);

/**
 * One HTTP/2 connection (RFC 9113) of gRPC: what `node:http2` does with more copies of every byte, and without control over
 * windows, header sizes and repeated headers. Neither side pushes, and priorities are passed over. Whatever the other side
 * sends, nothing is thrown but to who uses the connection: it ends with an error, or one of its streams does.
 */
export class Http2Connection {
  readonly #wire: Wire;
  readonly #onStream: ((stream: Http2Stream) => void) | undefined;
  readonly #isClient: boolean;
  readonly #streams: StreamTable;
  readonly #outgoing = new Outgoing((buffers, sent) => this.#wire.write(buffers, sent));
  readonly #receiving = new ReceiveWindow(CONNECTION_WINDOW_BYTES);
  readonly #blocks = new HeaderBlocks();
  readonly #reader: FrameReader;
  readonly #port: StreamPort;
  readonly #closed = Promise.withResolvers<Http2Error | undefined>();
  /** Whether the other side has sent its first settings. */
  #isGreeted = false;
  /** Whether the other side takes no new streams. */
  #isGoing = false;
  #isOver = false;

  constructor(options: ConnectionOptions) {
    this.#onStream = options.role === 'server' ? options.onStream : undefined;
    this.#isClient = options.role === 'client';
    this.#streams = new StreamTable({ isClient: this.#isClient });
    this.#port = {
      sendHeaders: (stream, headers, endStream) => this.#outgoing.sendHeaders(stream, headers, endStream),
      queued: (stream, bytes) => this.#outgoing.queued(stream, bytes),
      widen: (stream, bytes) => this.#outgoing.send(frame(FrameType.windowUpdate, 0, stream.id, uint32(bytes))),
      reset: (stream, code) => this.#reset(stream, code),
    };
    this.#reader = new FrameReader(
      {
        begun: (header) => this.#begin(header),
        data: (header, piece, isLast) => this.#receiveData(header, piece, { paddingBytes: 0, isLast }),
        whole: (header, content) => this.#receiveFrame(header, content),
      },
      { isFromClient: !this.#isClient },
    );
    this.#wire = options.open({
      received: (chunk) => this.#receive(chunk),
      drained: () => this.#outgoing.drained(),
      ended: (reason) => this.#over(new Http2Error(reason?.message ?? 'connection dropped')),
    });
    this.#outgoing.send(...greeting({ isClient: this.#isClient }));
  }

  /** Resolves when the connection is gone, with the reason unless we closed it. */
  get closed(): Promise<Http2Error | undefined> {
    return this.#closed.promise;
  }

  /** Whether the connection lives, and the other side takes new streams on it. */
  get isUsable(): boolean {
    return !this.#isOver && !this.#isGoing;
  }

  /** Whether a stream can be opened now: the other side says how many it takes at once. */
  get hasRoom(): boolean {
    return this.isUsable && this.#streams.hasRoom;
  }

  /**
   * Opens a stream with its headers; for clients. Throws an {@link Http2Error} when the connection is gone. A stream for which
   * there is no room (see {@link hasRoom}) the other side may refuse.
   */
  request(headers: Headers): Http2Stream {
    if (!this.isUsable) throw new Http2Error('the connection is closed');
    const stream = this.#add(this.#streams.nextId);
    this.#outgoing.sendHeaders(stream, headers, false);
    return stream;
  }

  /** Ends it and every stream on it. */
  close(): void {
    if (this.#isOver) return;
    this.#say(ErrorCode.none, '');
    this.#over(undefined);
  }

  #add(id: number): Http2Stream {
    const stream = new Http2Stream(id, this.#outgoing.streamWindow, this.#port);
    this.#streams.add(stream);
    void stream.closed.then(() => {
      this.#streams.remove(stream);
      this.#outgoing.forget(stream);
      this.#leaveIfDone();
    });
    return stream;
  }

  #over(error: Http2Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#outgoing.stop();
    this.#reader.stop();
    this.#streams.loseAfter(0, error ?? new Http2Error('the connection was closed'));
    this.#wire.close();
    this.#closed.resolve(error);
  }

  /** Says a last word. */
  #say(code: number, message: string): void {
    const content = Buffer.concat([uint32(this.#streams.lastPeerId, code), Buffer.from(message)]);
    this.#outgoing.send(frame(FrameType.goAway, 0, 0, content));
    this.#outgoing.flush();
  }

  /** A server that goes may wait for us to hang up, when what it still answers is over. */
  #leaveIfDone(): void {
    if (this.#isClient && this.#isGoing && this.#streams.isEmpty) this.close();
  }

  #reset(stream: Http2Stream, code: number): void {
    this.#outgoing.send(frame(FrameType.resetStream, 0, stream.id, uint32(code)));
    stream.lose(new Http2Error('the stream was given up', code));
  }

  /** Reads what came. Where the other side breaks the protocol, it is told so, and the connection ends. */
  #receive(chunk: Buffer): void {
    try {
      this.#reader.read(chunk);
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error;
      if (this.#isOver) return;
      this.#say(error.code ?? ErrorCode.internal, error.message);
      this.#over(error);
    }
  }

  #begin(header: FrameHeader): void {
    checkFrame(header, this.#blocks.unfinished);
    const { type, flags, id, length } = header;
    if (!this.#isGreeted && (type !== FrameType.settings || (flags & Flag.ack) !== 0))
      throw new Http2Error('no settings come first', ErrorCode.protocol);
    this.#isGreeted = true;
    if (NEEDS_STREAM.has(type) && id !== 0 && this.#streams.isIdle(id))
      throw new Http2Error('a frame on a stream that never was', ErrorCode.protocol);
    if (type !== FrameType.data) return;
    const back = this.#receiving.giveBack(length);
    if (back > 0) this.#outgoing.send(frame(FrameType.windowUpdate, 0, 0, uint32(back)));
    this.#streams.get(id)?.expectData(length);
  }

  #receiveData(
    { flags, id }: FrameHeader,
    content: Buffer,
    { paddingBytes, isLast }: { readonly paddingBytes: number; readonly isLast: boolean },
  ): void {
    const stream = this.#streams.get(id);
    stream?.receiveData(content, paddingBytes);
    if (isLast && (flags & Flag.endStream) !== 0) stream?.receiveEnd();
  }

  #receiveFrame(header: FrameHeader, content: Buffer): void {
    const { type, flags, id } = header;
    switch (type) {
      case FrameType.data: {
        const data = unpadded(header, content, 0);
        return this.#receiveData(header, data, { paddingBytes: content.length - data.length, isLast: true });
      }
      case FrameType.headers:
        return this.#receiveBlock(this.#blocks.begin(header, content));
      case FrameType.continuation:
        return this.#receiveBlock(this.#blocks.proceed(header, content));
      case FrameType.resetStream:
        return this.#streams.get(id)?.receiveReset(content.readUInt32BE(0));
      case FrameType.settings:
        if ((flags & Flag.ack) === 0) this.#receiveSettings(content);
        return;
      case FrameType.ping:
        if ((flags & Flag.ack) === 0) this.#outgoing.answer(frame(FrameType.ping, Flag.ack, 0, content));
        return;
      case FrameType.goAway:
        return this.#receiveGoAway(content);
      case FrameType.windowUpdate:
        return this.#receiveWindow(id, content.readUInt32BE(0) & MAX_WINDOW_BYTES);
    }
  }

  #receiveBlock(block: HeaderBlock | undefined): void {
    if (block === undefined) return;
    const { id, headers, endStream } = block;
    const known = this.#streams.get(id);
    // What is said on a stream that is over comes late.
    if (known !== undefined || !this.#streams.isIdle(id)) return known?.receiveHeaders(headers, endStream);
    if (this.#onStream === undefined || id % 2 === 0)
      throw new Http2Error('headers on a stream that never was', ErrorCode.protocol);
    const stream = this.#add(id);
    stream.receiveHeaders(headers, endStream);
    this.#onStream(stream);
  }

  #receiveSettings(content: Buffer): void {
    const settings = readSettings(content, { isFromServer: this.#isClient });
    this.#streams.limitTo(settings.maxStreams);
    this.#outgoing.adopt(settings, this.#streams.open);
    this.#outgoing.answer(frameHeader(FrameType.settings, Flag.ack, 0, 0));
  }

  #receiveGoAway(content: Buffer): void {
    this.#isGoing = true;
    const last = content.readUInt32BE(0) & MAX_WINDOW_BYTES;
    const code = content.readUInt32BE(4);
    const said = content.toString('utf8', 8);
    const error = new Http2Error(`the other side ends the connection${said === '' ? '' : ` (${said})`}`, code);
    if (this.#isClient) this.#streams.loseAfter(last, error);
    this.#leaveIfDone();
  }

  #receiveWindow(id: number, bytes: number): void {
    const stream = this.#streams.get(id);
    if (id === 0) {
      if (bytes === 0) throw new Http2Error('a window that grows by nothing', ErrorCode.protocol);
      this.#outgoing.widen(bytes);
    } else if (bytes === 0) stream?.reset(ErrorCode.protocol);
    else if (stream !== undefined && !this.#outgoing.widenStream(stream, bytes)) stream.reset(ErrorCode.flowControl);
  }
}

/** Frames that make sense only on a stream that has been opened. */
const NEEDS_STREAM: ReadonlySet<number> = new Set([FrameType.data, FrameType.resetStream, FrameType.windowUpdate]);
