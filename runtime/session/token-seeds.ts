import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../files/make-folder.ts';
import { replaceFile } from '../files/replace-file.ts';

const SEED_BYTES = 16;

/**
 * A random seed for each registry, from which the keys are made that tell builders apart who holds credentials. A builder
 * that kept a token for somebody with the same key uses it again, so seeds are kept: in the file that docker and buildx
 * have for theirs (moby/buildkit `session/auth/authprovider/tokenseed.go`). Without a file, or with one that cannot be
 * written, they hold for this object.
 */
export class TokenSeeds {
  readonly #file: string | undefined;
  readonly #known = new Map<string, Buffer>();
  #busy: Promise<unknown> = Promise.resolve();

  /** `file`: `.token_seed` in the folder of Docker's configuration. */
  constructor(file?: string) {
    this.#file = file;
  }

  /** The seed for a registry, made at its first use. */
  async of(host: string): Promise<Buffer> {
    const turn = this.#busy.then(() => this.#known.get(host) ?? this.#readOrMake(host));
    this.#busy = turn;
    return turn;
  }

  async #readOrMake(host: string): Promise<Buffer> {
    const file = this.#file;
    const stored = storedSeeds(file === undefined ? '' : await readFile(file, 'utf8').catch(() => ''));
    const text = stored.get(host)?.Seed;
    const kept = typeof text === 'string' ? Buffer.from(text, 'base64') : Buffer.alloc(0);
    const seed = kept.length > 0 ? kept : randomBytes(SEED_BYTES);
    this.#known.set(host, seed);
    if (seed === kept || file === undefined) return seed;
    const all = new Map([...stored, [host, { Seed: seed.toString('base64') }] as const]);
    const json = JSON.stringify(Object.fromEntries(all), null, 2);
    await makeFolder(path.dirname(file)).catch(() => undefined);
    await replaceFile(file, (partial) => writeFile(partial, json, { mode: 0o600 })).catch(() => undefined);
    return seed;
  }
}

/** What the file says; nothing where it says nothing that can be read. */
function storedSeeds(text: string): ReadonlyMap<string, { readonly Seed?: unknown }> {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== 'object' || json === null) return new Map();
    return new Map(
      Object.entries(json).filter((entry): entry is [string, { readonly Seed?: unknown }] => isObject(entry[1])),
    );
  } catch {
    return new Map();
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
