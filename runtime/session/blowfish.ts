const ROUNDS = 16;
const SUBKEYS = ROUNDS + 2;
const BOX = 256;

/** Bits of pi that the cipher begins with, and some more for what rounding takes. */
const PI_BITS = 32 * (SUBKEYS + 4 * BOX);
const GUARD_BITS = 64;

/**
 * The state of Blowfish (Schneier 1993), as far as bcrypt needs it: its key schedules and its encryption, of numbers of 32
 * bits, in place.
 */
export class Blowfish {
  readonly #subkeys: Int32Array;
  readonly #boxes: Int32Array;

  constructor() {
    const words = (start ??= piWords());
    this.#subkeys = words.slice(0, SUBKEYS);
    this.#boxes = words.slice(SUBKEYS);
  }

  /** Works a key in, and a salt into what comes of it (Provos and Mazières 1999, `ExpandKey`); both are read round and round. */
  expand(key: Int32Array, salt: Int32Array): void {
    this.#mix(key);
    const block = new Int32Array(2);
    let at = 0;
    for (const into of [this.#subkeys, this.#boxes]) {
      for (let to = 0; to < into.length; to += 2) {
        block[0] = (block[0] ?? 0) ^ (salt[at % salt.length] ?? 0);
        block[1] = (block[1] ?? 0) ^ (salt[(at + 1) % salt.length] ?? 0);
        at += 2;
        this.encrypt(block, 0);
        into.set(block, to);
      }
    }
  }

  /** The same without a salt. */
  expandKey(key: Int32Array): void {
    this.expand(key, NO_SALT);
  }

  /** Encrypts the two numbers from `at` on. */
  encrypt(block: Int32Array, at: number): void {
    const subkeys = this.#subkeys;
    let left = (block[at] ?? 0) ^ (subkeys[0] ?? 0);
    let right = block[at + 1] ?? 0;
    for (let round = 1; round < ROUNDS; round += 2) {
      right ^= this.#mixed(left) ^ (subkeys[round] ?? 0);
      left ^= this.#mixed(right) ^ (subkeys[round + 1] ?? 0);
    }
    block[at] = right ^ (subkeys[ROUNDS + 1] ?? 0);
    block[at + 1] = left;
  }

  #mixed(half: number): number {
    const boxes = this.#boxes;
    const sum = (boxes[half >>> 24] ?? 0) + (boxes[BOX + ((half >>> 16) & 0xff)] ?? 0);
    return ((sum ^ (boxes[2 * BOX + ((half >>> 8) & 0xff)] ?? 0)) + (boxes[3 * BOX + (half & 0xff)] ?? 0)) | 0;
  }

  #mix(key: Int32Array): void {
    for (let at = 0; at < SUBKEYS; at++) this.#subkeys[at] = (this.#subkeys[at] ?? 0) ^ (key[at % key.length] ?? 0);
  }
}

const NO_SALT = new Int32Array(2);

let start: Int32Array | undefined;

/** What stands behind the point of pi, 32 bits at a time: 16 arctan(1/5) - 4 arctan(1/239) (Machin 1706). */
function piWords(): Int32Array {
  const one = 1n << BigInt(PI_BITS + GUARD_BITS);
  const fraction = ((16n * arctan(one, 5n) - 4n * arctan(one, 239n)) & (one - 1n)) >> BigInt(GUARD_BITS);
  const bytes = Buffer.from(fraction.toString(16).padStart(PI_BITS / 4, '0'), 'hex');
  return Int32Array.from({ length: PI_BITS / 32 }, (_, at) => bytes.readInt32BE(4 * at));
}

function arctan(one: bigint, inverse: bigint): bigint {
  const square = inverse * inverse;
  let sum = 0n;
  let sign = 1n;
  for (let [power, n] = [one / inverse, 1n]; power > 0n; power /= square, n += 2n, sign = -sign)
    sum += sign * (power / n);
  return sum;
}
