import { fromBinary, toBinary, create } from '@bufbuild/protobuf';
import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Client, ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import { Metadata as GrpcMetadata } from '@grpc/grpc-js';

/** What every call carries: the signal that cancels it, headers where the service wants some. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly metadata?: Metadata;
  /** Milliseconds after which the call fails with DEADLINE_EXCEEDED; none by default. */
  readonly timeoutMs?: number;
}

/**
 * One request, one answer. Rejects with a grpc-js `ServiceError` (CANCELLED when the signal ended it).
 */
export function unary<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  options: CallOptions,
): Promise<MessageShape<O>> {
  const { promise, resolve, reject } = Promise.withResolvers<MessageShape<O>>();
  const call = client.makeUnaryRequest<MessageShape<I>, MessageShape<O>>(
    pathOf(method),
    encoder(method.input),
    decoder(method.output),
    create(method.input, request),
    options.metadata ?? new GrpcMetadata(),
    callProperties(options),
    (error, response) => {
      release();
      if (error) reject(error);
      else if (response === undefined) reject(new Error(`${pathOf(method)} ended without an answer`));
      else resolve(response);
    },
  );
  const release = cancelOnAbort(options.signal, call);
  return promise;
}

/**
 * One request, many answers, pulled by the reader. Throws a grpc-js `ServiceError` from the iteration. Leaving the loop
 * early cancels the call.
 */
export async function* serverStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodServerStreaming<I, O>,
  request: MessageInitShape<I>,
  options: CallOptions,
): AsyncGenerator<MessageShape<O>, void, undefined> {
  const call = client.makeServerStreamRequest<MessageShape<I>, MessageShape<O>>(
    pathOf(method),
    encoder(method.input),
    decoder(method.output),
    create(method.input, request),
    options.metadata ?? new GrpcMetadata(),
    callProperties(options),
  );
  const release = cancelOnAbort(options.signal, call);
  call.on('error', alreadyThrown);
  try {
    for await (const message of call) yield message as MessageShape<O>;
  } finally {
    release();
    call.cancel();
  }
}

/** A call that both sides write to, as grpc-js has it. Cancelled when the signal ends. */
export function bidiStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodBiDiStreaming<I, O>,
  options: CallOptions,
): ClientDuplexStream<MessageShape<I>, MessageShape<O>> {
  const call = client.makeBidiStreamRequest<MessageShape<I>, MessageShape<O>>(
    pathOf(method),
    encoder(method.input),
    decoder(method.output),
    options.metadata ?? new GrpcMetadata(),
    callProperties(options),
  );
  const release = cancelOnAbort(options.signal, call);
  call.once('close', release);
  return call;
}

/** A stream's error reaches the reader through the iteration; one that comes after the reader left concerns nobody. */
function alreadyThrown(): void {}

function pathOf(method: { readonly name: string; readonly parent: { readonly typeName: string } }): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function encoder<T extends DescMessage>(type: T): (message: MessageShape<T>) => Buffer {
  return (message) => {
    const bytes = toBinary(type, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

function decoder<T extends DescMessage>(type: T): (bytes: Buffer) => MessageShape<T> {
  return (bytes) => fromBinary(type, bytes);
}

function callProperties(options: CallOptions): { deadline?: number } {
  return options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
}

function cancelOnAbort(signal: AbortSignal, call: { cancel(): void }): () => void {
  const cancel = (): void => call.cancel();
  if (signal.aborted) cancel();
  else signal.addEventListener('abort', cancel, { once: true });
  return () => signal.removeEventListener('abort', cancel);
}
