/** From so many pieces on one frame is cheaper to copy than to write piece by piece. */
const MANY_PIECES = 8;

/** So many buffers may be gone before their places are given back. */
const COMPACT_AFTER = 256;

/** Buffers that wait to be sent, in order. They are not copied, and must not be changed while they wait. */
export class SendQueue {
  /** Those before `#first` are gone. */
  #buffers: Uint8Array[] = [];
  #first = 0;
  /** The first byte that waits in the first buffer. */
  #firstByte = 0;
  #bytes = 0;
  /** How many buffers have come and gone since the beginning; and who waits for the one that came as so-manieth. */
  #queuedCount = 0;
  #takenCount = 0;
  readonly #lent: { readonly after: number; readonly sent: () => void }[] = [];

  /** How much waits. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds buffers at the end; `sent` is for {@link takenBack}. Returns how many bytes they are. */
  push(buffers: readonly Uint8Array[], sent: (() => void) | undefined): number {
    let bytes = 0;
    for (const buffer of buffers) {
      if (buffer.length === 0) continue;
      this.#buffers.push(buffer);
      this.#queuedCount++;
      bytes += buffer.length;
    }
    if (sent !== undefined) this.#lent.push({ after: this.#queuedCount, sent });
    this.#bytes += bytes;
    return bytes;
  }

  /** Takes the next bytes, as pieces of the buffers; many small ones come in one copy. At most {@link bytes} of them. */
  take(size: number): readonly Uint8Array[] {
    const taken: Uint8Array[] = [];
    for (let left = size; left > 0;) {
      const buffer = this.#buffers[this.#first];
      if (buffer === undefined) break;
      const end = Math.min(buffer.length, this.#firstByte + left);
      taken.push(buffer.subarray(this.#firstByte, end));
      left -= end - this.#firstByte;
      this.#firstByte = end < buffer.length ? end : 0;
      if (end < buffer.length) continue;
      this.#first++;
      this.#takenCount++;
    }
    if (this.#first > COMPACT_AFTER) {
      this.#buffers.splice(0, this.#first);
      this.#first = 0;
    }
    this.#bytes -= size;
    return taken.length > MANY_PIECES ? [Buffer.concat(taken, size)] : taken;
  }

  /** Who waits for buffers that have been taken whole, each once. */
  takenBack(): readonly (() => void)[] {
    const count = this.#lent.findIndex(({ after }) => after > this.#takenCount);
    return this.#lent.splice(0, count === -1 ? this.#lent.length : count).map(({ sent }) => sent);
  }

  /** Forgets what waits. Nobody who lent a buffer is told. */
  drop(): void {
    this.#buffers = [];
    this.#first = 0;
    this.#firstByte = 0;
    this.#bytes = 0;
    this.#lent.length = 0;
  }
}
