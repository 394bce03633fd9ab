import http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import type { DescMethodUnary, MessageInitShape, MessageShape, DescMessage } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { status as code } from '@grpc/grpc-js';

/**
 * What the daemon may send before it hears from us. Node's default of 64 KiB is one window per round trip, which holds
 * an exported archive to about 1 MB/s at 40 ms.
 */
const RECEIVE_WINDOW_BYTES = 8 * 1024 * 1024;

/** Exclude patterns travel as headers: thousands of them must get through (Node's defaults are 128 pairs, 64 KiB). */
const MAX_HEADER_PAIRS = 100_000;
const MAX_HEADER_BYTES = 16 * 1024 * 1024;

/** BuildKit's own limit for one message. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

const FRAME_HEADER_BYTES = 5;

/** A gRPC error that a handler answers with. */
export class RpcError extends Error {
  /** A gRPC status code. */
  readonly code: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.name = 'RpcError';
    this.code = statusCode;
  }
}

/** One call that the daemon makes to us. */
export interface ServerCall {
  /** Every value of a header, apart, in order; empty when it was not sent. */
  readonly metadata: (key: string) => readonly string[];
  /** The messages of the call, pulled. */
  readonly messages: AsyncIterable<Buffer>;
  /** Sends one message, given in parts; resolves when there is room for the next. */
  readonly send: (...parts: readonly Uint8Array[]) => Promise<void>;
  /** Ends when the daemon gives the call up or the connection is lost. */
  readonly signal: AbortSignal;
}

/** Answers one call; what it throws becomes the call's status. */
export type Handler = (call: ServerCall) => Promise<void>;

/** Methods by their full path (`/package.Service/Method`). */
export type SessionService = Readonly<Record<string, Handler>>;

/** A handler of a method with one request and one answer. */
export function unaryHandler<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  answer: (request: MessageShape<I>, call: ServerCall) => Promise<MessageInitShape<O>>,
): SessionService {
  return {
    [`/${method.parent.typeName}/${method.name}`]: async (call) => {
      for await (const message of call.messages) {
        const response = await answer(fromBinary(method.input, message), call);
        await call.send(toBinary(method.output, create(method.output, response)));
        return;
      }
      throw new RpcError(code.INVALID_ARGUMENT, 'the call carried no request');
    },
  };
}

/**
 * Serves gRPC on a byte stream on which the other side is the HTTP/2 client. Written on `node:http2`, because the
 * session needs what grpc-js's server does not give: receive windows, header limits, and repeated headers kept apart
 * (Node joins them by `, `, and exclude patterns may hold commas). Returns what closes it.
 */
export function serveGrpc(stream: Duplex, services: readonly SessionService[]): { close: () => void } {
  const handlers = new Map(services.flatMap((service) => Object.entries(service)));
  const session = http2.performServerHandshake(stream, {
    maxHeaderListPairs: MAX_HEADER_PAIRS,
    settings: { initialWindowSize: RECEIVE_WINDOW_BYTES, maxHeaderListSize: MAX_HEADER_BYTES },
  });
  session.once('remoteSettings', () => session.setLocalWindowSize(RECEIVE_WINDOW_BYTES));
  session.on('error', connectionIsGone);
  session.on('stream', (call: http2.ServerHttp2Stream, headers, _flags, rawHeaders: readonly string[]) => {
    call.on('error', connectionIsGone);
    const path = String(headers[':path']);
    const handler = handlers.get(path);
    if (handler) void answer(call, rawHeaders, handler);
    else
      call.respond({ ...GRPC_HEADERS, ...statusHeaders(code.UNIMPLEMENTED, `no method ${path}`) }, { endStream: true });
  });
  return { close: () => session.destroy() };
}

const GRPC_HEADERS = { ':status': 200, 'content-type': 'application/grpc+proto' } as const;

/** Each call's handler learns of a lost connection by its signal; nothing else is to be done. */
function connectionIsGone(): void {}

async function answer(stream: http2.ServerHttp2Stream, rawHeaders: readonly string[], handler: Handler): Promise<void> {
  const gone = new AbortController();
  stream.once('close', () => gone.abort(new RpcError(code.CANCELLED, 'the call was given up')));
  let outcome: readonly [statusCode: number, message: string] = [code.OK, ''];
  stream.once('wantTrailers', () => stream.sendTrailers(statusHeaders(...outcome)));
  try {
    stream.respond(GRPC_HEADERS, { waitForTrailers: true });
    await handler({
      metadata: (key) => headerValues(rawHeaders, key),
      messages: readMessages(stream),
      send: (...parts) => sendMessage(stream, parts, gone.signal),
      signal: gone.signal,
    });
  } catch (error) {
    outcome =
      error instanceof RpcError
        ? [error.code, error.message]
        : [code.UNKNOWN, error instanceof Error ? error.message : String(error)];
  }
  if (stream.destroyed) return;
  stream.end();
  stream.resume();
}

function headerValues(rawHeaders: readonly string[], key: string): readonly string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const value = rawHeaders[at + 1];
    if (rawHeaders[at] === key && value !== undefined) values.push(value);
  }
  return values;
}

/** gRPC's frames: a compression flag, a length, the message (gRPC over HTTP/2, Length-Prefixed-Message). */
async function* readMessages(stream: http2.ServerHttp2Stream): AsyncGenerator<Buffer, void, undefined> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let wanted = FRAME_HEADER_BYTES;
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    pending.push(chunk);
    pendingBytes += chunk.length;
    if (pendingBytes < wanted) continue;
    let rest = pending.length === 1 ? chunk : Buffer.concat(pending, pendingBytes);
    while (rest.length >= FRAME_HEADER_BYTES) {
      if (rest[0] !== 0) throw new RpcError(code.UNIMPLEMENTED, 'compressed messages are not taken');
      const length = rest.readUInt32BE(1);
      if (length > MAX_MESSAGE_BYTES) throw new RpcError(code.RESOURCE_EXHAUSTED, `a message of ${length} bytes`);
      wanted = FRAME_HEADER_BYTES + length;
      if (rest.length < wanted) break;
      yield rest.subarray(FRAME_HEADER_BYTES, wanted);
      rest = rest.subarray(wanted);
      wanted = FRAME_HEADER_BYTES;
    }
    pending = rest.length > 0 ? [rest] : [];
    pendingBytes = rest.length;
  }
}

function sendMessage(
  stream: http2.ServerHttp2Stream,
  parts: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.length, 0),
    1,
  );
  stream.cork();
  let room = stream.write(header);
  for (const part of parts) room = stream.write(part);
  stream.uncork();
  if (room) return Promise.resolve();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onDrain = (): void => {
    signal.removeEventListener('abort', onGone);
    resolve();
  };
  const onGone = (): void => {
    stream.removeListener('drain', onDrain);
    reject(signal.reason as Error);
  };
  stream.once('drain', onDrain);
  signal.addEventListener('abort', onGone, { once: true });
  return promise;
}

function statusHeaders(statusCode: number, message: string): Record<string, string> {
  if (statusCode === code.OK) return { 'grpc-status': '0' };
  return { 'grpc-status': String(statusCode), 'grpc-message': encodeURIComponent(message) };
}
