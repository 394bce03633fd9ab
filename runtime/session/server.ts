import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Http2Connection } from '../http2/connection.ts';
import type { Headers } from '../http2/hpack.ts';
import type { Http2Stream } from '../http2/stream.ts';
import type { Wire, WireEvents } from '../http2/wire.ts';
import { messagePrefix, messagesOf } from '../rpc/messages.ts';
import { GrpcError, status } from '../rpc/status.ts';

/** One call that the daemon makes to us. */
export interface ServerCall {
  /** Every value of a header, apart, in order; empty when it was not sent. */
  readonly metadata: (key: string) => readonly string[];
  /** The messages of the call, pulled. */
  readonly messages: AsyncIterable<Buffer>;
  /** Sends one message, given in parts; resolves when there is room for the next. */
  readonly send: (...parts: readonly Uint8Array[]) => Promise<void>;
  /** The same of buffers that are wanted back: they may be changed when `sent` is called. It is not when the call is lost. */
  readonly lend: (parts: readonly Uint8Array[], sent: () => void) => Promise<void>;
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
      throw new GrpcError(status.INVALID_ARGUMENT, 'the call carried no request');
    },
  };
}

/** A server of one connection. */
export interface GrpcServing {
  /** Ends it. Resolves when every call has put away what it had in hand. */
  readonly close: () => Promise<void>;
  /** Resolves when the connection is gone, with the reason unless we closed it. */
  readonly gone: Promise<Error | undefined>;
}

/** Serves gRPC on bytes of which the other side is the HTTP/2 client. */
export function serveGrpc(open: (events: WireEvents) => Wire, services: readonly SessionService[]): GrpcServing {
  const running = new Set<Promise<void>>();
  const handlers = new Map(services.flatMap((service) => Object.entries(service)));
  const connection = new Http2Connection({
    role: 'server',
    open,
    onStream: (stream) => {
      const path = valuesOf(stream.headers ?? [], ':path')[0] ?? '';
      const handler =
        handlers.get(path) ?? (() => Promise.reject(new GrpcError(status.UNIMPLEMENTED, `no method ${path}`)));
      const call = answer(stream, handler);
      running.add(call);
      void call.finally(() => running.delete(call));
    },
  });
  return {
    close: async () => {
      connection.close();
      await Promise.allSettled(running);
    },
    gone: connection.closed,
  };
}

const ANSWER_HEADERS: Headers = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];

async function answer(stream: Http2Stream, handler: Handler): Promise<void> {
  const gone = new AbortController();
  void stream.closed.then(() => gone.abort(new GrpcError(status.CANCELLED, 'the call was given up')));
  let outcome: readonly [statusCode: number, message: string] = [status.OK, ''];
  try {
    stream.sendHeaders(ANSWER_HEADERS);
    await handler({
      metadata: (key) => valuesOf(stream.headers ?? [], key),
      messages: messagesOf(stream.chunks()),
      send: (...parts) => stream.write(messagePrefix(parts), ...parts),
      lend: (parts, sent) => stream.lend([messagePrefix(parts), ...parts], sent),
      signal: gone.signal,
    });
  } catch (error) {
    outcome =
      error instanceof GrpcError
        ? [error.code, error.message]
        : [status.UNKNOWN, error instanceof Error ? error.message : String(error)];
  }
  stream.end(statusHeaders(...outcome));
}

function valuesOf(headers: Headers, key: string): readonly string[] {
  return headers.filter(([name]) => name === key).map(([, value]) => value);
}

function statusHeaders(statusCode: number, message: string): Headers {
  if (statusCode === status.OK) return [['grpc-status', '0']];
  return [
    ['grpc-status', String(statusCode)],
    ['grpc-message', encodeURIComponent(message.toWellFormed())],
  ];
}
