import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';

/** `sha256:…` and the like, checked. */
export type Digest = string & { readonly brand: 'Digest' };

/** The algorithms that content is named by, with the length of their hexadecimal text (opencontainers/go-digest). */
const HEX_LENGTHS: ReadonlyMap<string, number> = new Map([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);

/** Undefined for what is no digest; one that is one is safe as a path of two names. */
export function parseDigest(text: string): Digest | undefined {
  const [, algorithm = '', hex = ''] = /^([a-z0-9]+):([a-f0-9]+)$/.exec(text) ?? [];
  return HEX_LENGTHS.get(algorithm) === hex.length ? (text as Digest) : undefined;
}

/** The algorithm and the hexadecimal text. */
export function digestParts(digest: Digest): readonly [algorithm: string, hex: string] {
  const colon = digest.indexOf(':');
  return [digest.slice(0, colon), digest.slice(colon + 1)];
}

/** Counts bytes into a digest of the same algorithm as another one, sha256 where there is none. */
export class Digester {
  readonly #algorithm: string;
  #hash: Hash;

  constructor(like: Digest | undefined) {
    this.#algorithm = like === undefined ? 'sha256' : digestParts(like)[0];
    this.#hash = createHash(this.#algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** The digest of all bytes so far; more may follow. */
  digest(): Digest {
    return `${this.#algorithm}:${this.#hash.copy().digest('hex')}` as Digest;
  }

  reset(): void {
    this.#hash = createHash(this.#algorithm);
  }
}
