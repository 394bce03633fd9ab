import { randomBytes } from 'node:crypto';
import { readFile, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { withFileLock } from '../files/file-lock.ts';
import { makeFolder } from '../files/make-folder.ts';
import { replaceFile } from '../files/replace-file.ts';

const SEED_BYTES = 16;

/**
 * A random seed for each registry, from which the keys are made that tell builders apart who holds credentials. A builder
 * that kept a token for somebody with the same key uses it again, so seeds are kept: in the file that docker and buildx
 * have for theirs (moby/buildkit `session/auth/authprovider/tokenseed.go`), and under its lock, so that all who run at once
 * agree. Without a file, or with one that cannot be read or written, they hold for this object.
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
    const seed = await this.#keptOrMade(host);
    this.#known.set(host, seed);
    return seed;
  }

  async #keptOrMade(host: string): Promise<Buffer> {
    const file = this.#file;
    if (file === undefined) return randomBytes(SEED_BYTES);
    const kept = seedOf(await storedSeeds(file), host);
    if (kept !== undefined) return kept;
    await makeFolder(path.dirname(file)).catch(isKeptHere);
    return withFileLock(`${file}.lock`, async () => {
      const stored = await storedSeeds(file);
      const seed = seedOf(stored, host) ?? randomBytes(SEED_BYTES);
      if (stored !== undefined && seedOf(stored, host) === undefined) {
        const all = new Map([...stored, [host, { Seed: seed.toString('base64') }] as const]);
        const json = JSON.stringify(Object.fromEntries(all), null, 2);
        // What stands there may be a link to a file elsewhere.
        const place = await realpath(file).catch(() => file);
        await replaceFile(place, (partial, options) => writeFile(partial, json, options), { mode: 0o600 }).catch(
          isKeptHere,
        );
      }
      return seed;
    });
  }
}

type Stored = ReadonlyMap<string, { readonly Seed?: unknown }>;

/** Undefined where nothing is kept for the host. */
function seedOf(stored: Stored | undefined, host: string): Buffer | undefined {
  const text = stored?.get(host)?.Seed;
  const seed = typeof text === 'string' ? Buffer.from(text, 'base64') : undefined;
  return seed !== undefined && seed.length > 0 ? seed : undefined;
}

/** What the file says, which is nothing where it is not there or is no JSON; undefined where it cannot be read. */
async function storedSeeds(file: string): Promise<Stored | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' || error.code === 'ENOTDIR' ? '' : undefined,
  );
  if (text === undefined) return undefined;
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

/** A seed that cannot be written is kept by the object that made it. */
function isKeptHere(): void {}
