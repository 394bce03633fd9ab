/** The encoding of ssh: numbers of 32 bits, and bytes behind their length (RFC 4251, 5). */
export class SshReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @throws RangeError at the end, as all of these do */
  number(): number {
    const value = this.#bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  bytes(): Buffer {
    const length = this.number();
    if (this.#at + length > this.#bytes.length) throw new RangeError('it ends too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** What has not been read yet. */
  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  text(): string {
    return this.bytes().toString('latin1');
  }
}
