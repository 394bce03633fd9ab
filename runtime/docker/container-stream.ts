import { Duplex } from 'node:stream';

/** Of what a program says on its standard error, so much is kept to tell why it failed. */
const KEPT_ERROR_BYTES = 4096;

const HEAD_BYTES = 8;
const STDERR = 2;

/**
 * The standard streams of a program in a container, by way of the Docker API: what is written is its input as it is, what
 * is read its output, taken out of the frames that the daemon packs it in (1 byte stream: 1 stdout, 2 stderr; 3 bytes zero;
 * 4 bytes big-endian length; the bytes; moby `api/swagger.yaml`, "ContainerAttach"). Both ways are as slow as the slower end.
 */
export class ContainerStream extends Duplex {
  readonly #socket: Duplex;
  #head = Buffer.alloc(0);
  #left = 0;
  #isError = false;
  #stderr = Buffer.alloc(0);

  /** `socket`: the connection that the daemon gave up for it; `rest`: what came with its answer. */
  constructor(socket: Duplex, rest: Uint8Array) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    if (rest.length > 0) socket.unshift(rest);
    socket.on('data', (chunk: Buffer) => {
      if (!this.#take(chunk)) socket.pause();
    });
    socket.once('end', () => this.push(null));
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
  }

  /** The last that it said on its standard error. */
  get stderr(): string {
    return this.#stderr.toString('utf8').trim();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.cork();
    for (const { chunk } of chunks.slice(0, -1)) this.#socket.write(chunk);
    this.#socket.write(chunks.at(-1)?.chunk ?? '', done);
    this.#socket.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  /** Takes frames apart; false where the reader has enough for now. */
  #take(chunk: Buffer): boolean {
    let hungry = true;
    for (let rest = chunk; rest.length > 0;) {
      if (this.#left === 0) {
        const missing = HEAD_BYTES - this.#head.length;
        this.#head = Buffer.concat([this.#head, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.#head.length < HEAD_BYTES) return hungry;
        this.#left = this.#head.readUInt32BE(4);
        this.#isError = this.#head[0] === STDERR;
        this.#head = Buffer.alloc(0);
        continue;
      }
      const part = rest.subarray(0, this.#left);
      this.#left -= part.length;
      rest = rest.subarray(part.length);
      if (this.#isError) this.#stderr = Buffer.concat([this.#stderr, part]).subarray(-KEPT_ERROR_BYTES);
      else hungry = this.push(part);
    }
    return hungry;
  }
}
