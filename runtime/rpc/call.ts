import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ErrorCode } from '../http2/frames.ts';
import type { Headers } from '../http2/hpack.ts';
import { Http2Error } from '../http2/http2-error.ts';
import type { Http2Stream } from '../http2/stream.ts';
import type { Channel } from './channel.ts';
import { messagePrefix, messagesOf } from './messages.ts';
import type { Metadata } from './metadata.ts';
import { GrpcError, status } from './status.ts';

/** What every call carries: the signal that cancels it, headers where the service wants some. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly metadata?: Metadata;
  /** Milliseconds after which the call fails with DEADLINE_EXCEEDED; none by default. */
  readonly timeoutMs?: number;
}

/** One request, one answer. Rejects with a {@link GrpcError} (CANCELLED when the signal ended it). */
export async function unary<I extends DescMessage, O extends DescMessage>(
  channel: Channel,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  options: CallOptions,
): Promise<MessageShape<O>> {
  let answer: MessageShape<O> | undefined;
  for await (const message of answers(channel, method, request, options)) answer = fromBinary(method.output, message);
  if (answer === undefined) throw new GrpcError(status.INTERNAL, `${pathOf(method)} ended without an answer`);
  return answer;
}

/**
 * One request, many answers, pulled by the reader. Throws a {@link GrpcError} from the iteration. Leaving the loop early
 * cancels the call.
 */
export async function* serverStream<I extends DescMessage, O extends DescMessage>(
  channel: Channel,
  method: DescMethodServerStreaming<I, O>,
  request: MessageInitShape<I>,
  options: CallOptions,
): AsyncGenerator<MessageShape<O>, void, undefined> {
  for await (const message of answers(channel, method, request, options)) yield fromBinary(method.output, message);
}

/** Opens a call that both sides write to. Given up when the signal ends. */
export async function openStream(
  channel: Channel,
  method: { readonly name: string; readonly parent: { readonly typeName: string } },
  { signal, metadata }: CallOptions,
): Promise<Http2Stream> {
  const stream = await channel.open(pathOf(method), metadata?.headers() ?? [], { signal });
  const cancel = (): void => stream.reset(ErrorCode.cancel);
  signal.addEventListener('abort', cancel, { once: true });
  void stream.closed.then(() => signal.removeEventListener('abort', cancel));
  if (signal.aborted) cancel();
  return stream;
}

async function* answers<I extends DescMessage>(
  channel: Channel,
  method: { readonly name: string; readonly parent: { readonly typeName: string }; readonly input: I },
  request: MessageInitShape<I>,
  options: CallOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const { timeoutMs } = options;
  const deadline = timeoutMs === undefined ? undefined : new Deadline(timeoutMs);
  const signal = deadline === undefined ? options.signal : AbortSignal.any([options.signal, deadline.signal]);
  let stream: Http2Stream | undefined;
  try {
    stream = await openStream(channel, method, { ...options, signal });
    const message = toBinary(method.input, create(method.input, request));
    await stream.write(messagePrefix([message]), message);
    stream.end();
    yield* messagesOf(stream.chunks());
    const failed = failureOf(stream);
    if (failed !== undefined) throw failed;
  } catch (error) {
    throw failure(error, options.signal, deadline);
  } finally {
    deadline?.[Symbol.dispose]();
    stream?.reset(ErrorCode.cancel);
  }
}

class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(timeoutMs: number) {
    this.#timer = setTimeout(() => this.#controller.abort(), timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** What a call that is over ended with, in gRPC's words; undefined when all is well. */
function failureOf(stream: Http2Stream): GrpcError | undefined {
  const fields = stream.trailers ?? [];
  const code = valueOf(fields, 'grpc-status');
  if (code === '0') return undefined;
  const details = binaryValue(fields, 'grpc-status-details-bin');
  const message = percentDecoded(valueOf(fields, 'grpc-message') ?? '');
  if (code !== undefined) return new GrpcError(Number(code), message, details);
  const http = valueOf(stream.headers ?? [], ':status') ?? 'no status';
  return new GrpcError(HTTP_STATUS.get(http) ?? status.UNKNOWN, `the answer is no gRPC (HTTP ${http})`);
}

/** What an answer without gRPC's own status means (gRPC, "HTTP to gRPC Status Code Mapping"). */
const HTTP_STATUS: ReadonlyMap<string, number> = new Map([
  ['400', status.INTERNAL],
  ['401', status.UNAUTHENTICATED],
  ['403', status.PERMISSION_DENIED],
  ['404', status.UNIMPLEMENTED],
  ['429', status.UNAVAILABLE],
  ['502', status.UNAVAILABLE],
  ['503', status.UNAVAILABLE],
  ['504', status.UNAVAILABLE],
]);

function failure(error: unknown, signal: AbortSignal, deadline: Deadline | undefined): unknown {
  const isOurs = error instanceof GrpcError || error instanceof Http2Error;
  if (!isOurs) return error;
  if (signal.aborted) return new GrpcError(status.CANCELLED, 'the call was cancelled');
  if (deadline?.signal.aborted === true)
    return new GrpcError(status.DEADLINE_EXCEEDED, 'the peer did not answer in time');
  if (error instanceof GrpcError) return error;
  switch (error.code) {
    case undefined:
    case ErrorCode.none:
    case ErrorCode.refused:
      return new GrpcError(status.UNAVAILABLE, error.message);
    case ErrorCode.cancel:
      return new GrpcError(status.CANCELLED, error.message);
    case ErrorCode.calm:
      return new GrpcError(status.RESOURCE_EXHAUSTED, error.message);
    default:
      return new GrpcError(status.UNAVAILABLE, error.message);
  }
}

function valueOf(fields: Headers, name: string): string | undefined {
  return fields.find(([one]) => one === name)?.[1];
}

/** The first value of a header of bytes: several may come joined by commas, which base64 has none of (gRPC over HTTP/2). */
function binaryValue(fields: Headers, name: string): Uint8Array | undefined {
  const first = valueOf(fields, name)?.split(',', 1)[0];
  return first === undefined ? undefined : Buffer.from(first, 'base64');
}

/** Bytes that are no plain ASCII come as `%XX`; what is none stays as it is. */
function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const hex = text[at] === '%' ? /^[0-9a-fA-F]{2}/.exec(text.slice(at + 1, at + 3))?.[0] : undefined;
    if (hex === undefined) bytes.push(...Buffer.from(text[at] ?? '', 'utf8'));
    else {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    }
  }
  return Buffer.from(bytes).toString('utf8');
}

function pathOf(method: { readonly name: string; readonly parent: { readonly typeName: string } }): string {
  return `/${method.parent.typeName}/${method.name}`;
}
