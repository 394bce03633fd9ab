import { Duplex } from 'node:stream';
import type { ClientDuplexStream } from '@grpc/grpc-js';

interface Bytes {
  readonly data: Uint8Array;
}

/** How much may wait to be sent before writers are held back. */
const WRITE_BUFFER_BYTES = 1024 * 1024;

/**
 * A bidirectional gRPC call of byte messages seen as a byte stream (`Control.Session`, moby/buildkit
 * `session/grpchijack`). Chunks that wait together travel in one message. Destroying the stream cancels the call.
 */
export function tunnel<M extends Bytes>(call: ClientDuplexStream<M, M>, message: (data: Uint8Array) => M): Duplex {
  const send = (data: Uint8Array, done: () => void): void => {
    if (call.write(message(data))) done();
    else call.once('drain', done);
  };
  const stream = new Duplex({
    writableHighWaterMark: WRITE_BUFFER_BYTES,
    read: () => void call.resume(),
    write: (chunk: Buffer, _encoding, done) => send(chunk, done),
    writev: (chunks, done) => send(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)), done),
    final: (done) => {
      call.end();
      done();
    },
    destroy: (error, done) => {
      call.cancel();
      done(error);
    },
  });
  call.on('data', ({ data }: M) => {
    if (!stream.push(data)) call.pause();
  });
  call.on('end', () => stream.push(null));
  call.on('error', () => stream.destroy());
  return stream;
}
