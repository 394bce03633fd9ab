import { createHash } from 'node:crypto';
import { Blowfish } from './blowfish.ts';

/** What is encrypted, as 32-bit numbers, and how often the keys are worked in: part of the definition. */
const TEXT = Buffer.from('OxychromaticBlowfishSwatDynamite');
const COST = 64;

/**
 * Derives a key from a passphrase, in the way of OpenSSH's private keys (OpenBSD `bcrypt_pbkdf`): each round takes some
 * milliseconds of this process.
 */
export function bcryptPbkdf(
  passphrase: Uint8Array,
  { salt, rounds, keyBytes }: { readonly salt: Uint8Array; readonly rounds: number; readonly keyBytes: number },
): Buffer {
  const pass = sha512(passphrase);
  const key = Buffer.alloc(keyBytes);
  const blocks = Math.ceil(keyBytes / TEXT.length);
  for (let block = 0; block < blocks; block++) {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(block + 1);
    let hashed = bcryptHash(pass, sha512(salt, count));
    const out = Buffer.from(hashed);
    for (let round = 1; round < rounds; round++) {
      hashed = bcryptHash(pass, sha512(hashed));
      hashed.forEach((byte, at) => (out[at] = (out[at] ?? 0) ^ byte));
    }
    // The bytes of one block stand apart in the key: whoever wants some of them needs all blocks.
    for (let at = 0; at * blocks + block < keyBytes; at++) key[at * blocks + block] = out[at] ?? 0;
  }
  return key;
}

function bcryptHash(pass: Buffer, salt: Buffer): Buffer {
  const cipher = new Blowfish();
  const [key, salted] = [numbers(pass), numbers(salt)];
  cipher.expand(key, salted);
  for (let time = 0; time < COST; time++) {
    cipher.expandKey(salted);
    cipher.expandKey(key);
  }
  const text = numbers(TEXT);
  for (let at = 0; at < text.length; at += 2) for (let time = 0; time < COST; time++) cipher.encrypt(text, at);
  const out = Buffer.alloc(TEXT.length);
  text.forEach((number, at) => out.writeInt32LE(number, 4 * at));
  return out;
}

function numbers(bytes: Buffer): Int32Array {
  return Int32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readInt32BE(4 * at));
}

function sha512(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
