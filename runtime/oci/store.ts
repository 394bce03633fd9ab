import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { chmod, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../files/make-folder.ts';
import type { Digest } from './digest.ts';
import { Digester, digestParts, parseDigest } from './digest.ts';

/** What one message may carry, and what is read at once (containerd's limit for a message is twice that). */
const CHUNK_BYTES = 1024 * 1024;

/** What is known of a blob. */
export interface BlobInfo {
  readonly digest: Digest;
  readonly size: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A write that has not been committed. */
export interface IngestStatus {
  readonly ref: string;
  readonly offset: number;
  readonly total: number;
  readonly expected: Digest | undefined;
  readonly startedAt: Date;
  readonly updatedAt: Date;
}

/** Why a store refuses: each has its code on the wire. */
export type StoreProblem = 'not-found' | 'exists' | 'mismatch' | 'busy' | 'out-of-range' | 'read-only';

/** A refusal of a {@link ContentStore}. */
export class StoreError extends Error {
  readonly problem: StoreProblem;

  constructor(problem: StoreProblem, message: string) {
    super(message);
    this.name = 'StoreError';
    this.problem = problem;
  }
}

/**
 * Blobs in a folder, by their digests, as an OCI image layout has them (`blobs/sha256/…`, containerd
 * `plugins/content/local`). A blob is written under `ingest/`, in a folder of its own, and gets its name when its digest is
 * the one that was promised: whoever reads finds it whole or not at all, also when several write the same at once.
 */
export class ContentStore {
  readonly folder: string;
  readonly #isReadOnly: boolean;
  readonly #ingests = new Map<string, Ingest>();

  /** A folder that others write to as well; it need not be there until something is written. */
  constructor(folder: string, options: { readonly readOnly?: boolean } = {}) {
    this.folder = folder;
    this.#isReadOnly = options.readOnly ?? false;
  }

  /** Undefined where there is no such blob. */
  async info(digest: Digest): Promise<BlobInfo | undefined> {
    const found = await stat(this.#blob(digest)).catch(absent);
    if (found === undefined || !found.isFile()) return undefined;
    return { digest, size: found.size, createdAt: found.mtime, updatedAt: found.atime };
  }

  /** The bytes of a blob from `offset` on, at most `size` of them (0: all). */
  async *read(
    digest: Digest,
    { offset, size }: { readonly offset: number; readonly size: number },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const file = await open(this.#blob(digest)).catch(absent);
    if (file === undefined) throw new StoreError('not-found', `content ${digest}: not found`);
    await using handle = file;
    const { size: length } = await handle.stat();
    const start = Math.max(offset, 0);
    if (start > length) throw new StoreError('out-of-range', `read past object length ${length} bytes`);
    const end = size <= 0 ? length : Math.min(start + size, length);
    for (let at = start; at < end;) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - at));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw new StoreError('out-of-range', `content ${digest} became shorter while it was read`);
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  /** The whole of a blob that is known to be small (a manifest, an index). */
  async readWhole(digest: Digest, { maxBytes }: { readonly maxBytes: number }): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.read(digest, { offset: 0, size: maxBytes })) parts.push(part);
    return Buffer.concat(parts);
  }

  /** Every blob. */
  async *list(): AsyncGenerator<BlobInfo, void, undefined> {
    const blobs = path.join(this.folder, 'blobs');
    for (const algorithm of await readdir(blobs).catch(() => [])) {
      for (const hex of await readdir(path.join(blobs, algorithm)).catch(() => [])) {
        const digest = parseDigest(`${algorithm}:${hex}`);
        const info = digest === undefined ? undefined : await this.info(digest);
        if (info !== undefined) yield info;
      }
    }
  }

  /** Removes a blob. */
  async delete(digest: Digest): Promise<void> {
    this.#mayWrite();
    await rm(this.#blob(digest)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') throw new StoreError('not-found', `content ${digest}: not found`);
      throw error;
    });
  }

  /** Begins a write, which one caller at a time may have under its name. */
  async write(ref: string, about: { readonly total: number; readonly expected: Digest | undefined }): Promise<Ingest> {
    this.#mayWrite();
    if (this.#ingests.has(ref)) throw new StoreError('busy', `ref ${ref} is being written already`);
    const ingest = new Ingest(ref, about, {
      folder: path.join(this.folder, 'ingest', randomBytes(16).toString('hex')),
      blob: (digest) => this.#blob(digest),
      ended: () => void this.#ingests.delete(ref),
    });
    this.#ingests.set(ref, ingest);
    try {
      if (about.expected !== undefined) await this.refuseExisting(about.expected);
      await ingest.start();
      return ingest;
    } catch (error) {
      await ingest.abort();
      throw error;
    }
  }

  /** Throws where a blob is there already. */
  async refuseExisting(digest: Digest): Promise<void> {
    if ((await this.info(digest)) !== undefined) throw new StoreError('exists', `content ${digest}: already exists`);
  }

  /** The writes that are under way, or the one of that name. */
  statuses(): readonly IngestStatus[] {
    return [...this.#ingests.values()].map((ingest) => ingest.status());
  }

  /** Ends a write and removes what came of it. */
  async abort(ref: string): Promise<void> {
    const ingest = this.#ingests.get(ref);
    if (ingest === undefined) throw new StoreError('not-found', `ingest ref "${ref}": not found`);
    await ingest.abort();
  }

  #blob(digest: Digest): string {
    return path.join(this.folder, 'blobs', ...digestParts(digest));
  }

  #mayWrite(): void {
    if (this.#isReadOnly) throw new StoreError('read-only', `${this.folder} is only read`);
  }
}

/** One write to a {@link ContentStore}. */
export class Ingest {
  readonly ref: string;
  readonly #total: number;
  readonly #expected: Digest | undefined;
  readonly #digester: Digester;
  readonly #place: {
    readonly folder: string;
    readonly blob: (digest: Digest) => string;
    readonly ended: () => void;
  };
  readonly #startedAt = new Date();
  #updatedAt = this.#startedAt;
  #file: FileHandle | undefined;
  #offset = 0;
  #hasEnded = false;

  constructor(
    ref: string,
    about: { readonly total: number; readonly expected: Digest | undefined },
    place: {
      readonly folder: string;
      readonly blob: (digest: Digest) => string;
      readonly ended: () => void;
    },
  ) {
    this.ref = ref;
    this.#total = about.total;
    this.#expected = about.expected;
    this.#digester = new Digester(about.expected);
    this.#place = place;
  }

  /** Makes the file. */
  async start(): Promise<void> {
    await makeFolder(this.#place.folder);
    this.#file = await open(this.#data(), 'wx', 0o666);
  }

  status(): IngestStatus {
    return {
      ref: this.ref,
      offset: this.#offset,
      total: this.#total,
      expected: this.#expected,
      startedAt: this.#startedAt,
      updatedAt: this.#updatedAt,
    };
  }

  /** The digest of what has come so far. */
  digest(): Digest {
    return this.#digester.digest();
  }

  /** Adds to the end. */
  async append(bytes: Uint8Array): Promise<void> {
    const file = this.#open();
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, at, bytes.length - at, this.#offset + at);
      at += bytesWritten;
    }
    this.#digester.update(bytes);
    this.#offset += bytes.length;
    this.#updatedAt = new Date();
  }

  /** Begins anew. */
  async clear(): Promise<void> {
    await this.#open().truncate(0);
    this.#digester.reset();
    this.#offset = 0;
  }

  /** Gives the blob its name, if it has the size (0: any) and the digest that were promised; else throws. */
  async commit({
    total,
    expected,
  }: {
    readonly total: number;
    readonly expected: Digest | undefined;
  }): Promise<Digest> {
    const file = this.#open();
    const digest = this.digest();
    try {
      if (total > 0 && total !== this.#offset) {
        throw new StoreError('mismatch', `unexpected commit size ${this.#offset}, expected ${total}`);
      }
      if (expected !== undefined && expected !== digest) {
        throw new StoreError('mismatch', `unexpected commit digest ${digest}, expected ${expected}`);
      }
      await file.datasync();
      await file.close();
      this.#file = undefined;
      await chmod(this.#data(), 0o444);
      const blob = this.#place.blob(digest);
      await makeFolder(path.dirname(blob));
      await rename(this.#data(), blob);
      return digest;
    } finally {
      await this.abort();
    }
  }

  /** Removes what is there; nothing to do after a commit. */
  async abort(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#place.ended();
    await this.#file?.close();
    this.#file = undefined;
    await rm(this.#place.folder, { recursive: true, force: true });
  }

  #open(): FileHandle {
    if (this.#file === undefined) throw new StoreError('not-found', `ingest ref "${this.ref}": not found`);
    return this.#file;
  }

  #data(): string {
    return path.join(this.#place.folder, 'data');
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
