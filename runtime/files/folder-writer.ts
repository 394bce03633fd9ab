import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import type { Stat } from '../../proto/gen/fsutil/wire_pb.ts';
import { Beneath } from './beneath.ts';
import { EntryOrder, split } from './entry-order.ts';
import { chmodBits, goMode, GO_MODE_TYPE, GoMode } from './stat.ts';
import type { BytePath } from './walk.ts';
import { readable } from './walk.ts';

/** No sender fills more files at once (BuildKit's four): each takes a descriptor of this process. */
const FILES_AT_ONCE = 128;

const OWNER_MAY_ALL = 0o700;

/** Node sets times to a quarter of a microsecond: seconds in a double. */
const TIME_STEP_NANOS = 1_000n;

const NANOS_PER_MILLI = 1_000_000n;
const NANOS_PER_SECOND = 1_000_000_000n;

interface OpenFile {
  readonly fd: number;
  readonly partial: BytePath;
  written: bigint;
}

interface AwaitedFile {
  readonly path: BytePath;
  readonly stat: Stat;
  open?: OpenFile;
}

/**
 * Puts a list of entries, and the content of its files as it comes, into a folder: what was there under the same names is
 * replaced, the rest stays, or is removed where `deletes`. A file is written beside its name and gets it when it is whole.
 * Everything belongs to the user, as with BuildKit's own clients (moby/buildkit `session/filesync/diffcopy.go`). Names that
 * lead outside are refused, and no symbolic link is ever followed ({@link Beneath}). Disposing of it takes away the files
 * that are not whole.
 */
export class FolderWriter implements Disposable {
  readonly #folder: string;
  readonly #beneath: Beneath;
  readonly #deletes: boolean;
  readonly #order = new EntryOrder();
  readonly #files = new Map<number, AwaitedFile>();
  readonly #linkable = new Set<BytePath>();
  readonly #links: { readonly path: BytePath; readonly to: BytePath }[] = [];
  readonly #folders: { readonly path: BytePath; readonly stat: Stat }[] = [];
  readonly #names = new Map<BytePath, Set<BytePath>>([['', new Set()]]);
  readonly #uid = process.getuid?.() ?? 0;
  readonly #gid = process.getgid?.() ?? 0;
  #filesOpen = 0;

  /** The folder is there. */
  constructor(folder: string, { deletes }: { readonly deletes: boolean }) {
    this.#folder = folder;
    this.#beneath = new Beneath(folder);
    this.#deletes = deletes;
  }

  /** Takes the next entry; answers whether its content is wanted, which then comes to {@link FolderWriter.write} as `id`. */
  async add(stat: Stat, id: number): Promise<boolean> {
    const path = Buffer.from(stat.path).toString('latin1');
    const isFolder = has(stat.mode, GoMode.dir);
    this.#order.next(path, isFolder);
    try {
      this.#remember(path, isFolder);
      if (isFolder) this.#makeFolder(path, stat);
      else if (has(stat.mode, GoMode.symlink)) this.#makeSymlink(path, stat);
      else if (stat.linkname.length > 0) this.#addHardLink(path, stat);
      else return await this.#addFile(path, stat, id);
    } catch (error) {
      throw this.#explained(error, path);
    }
    return false;
  }

  /** Takes the next bytes of a file. */
  write(id: number, bytes: Uint8Array): void {
    const file = this.#awaited(id);
    try {
      const open = (file.open ??= this.#openPartial(file.path));
      for (let at = 0; at < bytes.length;) at += writeSync(open.fd, bytes, at);
      open.written += BigInt(bytes.length);
    } catch (error) {
      throw this.#explained(error, file.path);
    }
  }

  /** All of a file has come. */
  end(id: number): void {
    const file = this.#awaited(id);
    try {
      const { fd, partial, written } = (file.open ??= this.#openPartial(file.path));
      if (written < file.stat.size) throw new Error(`it ended after ${written} of ${file.stat.size} bytes`);
      fchownSync(fd, this.#uid, this.#gid);
      fchmodSync(fd, chmodBits(file.stat.mode));
      const time = fileTime(file.stat.modTime);
      futimesSync(fd, time, time);
      this.#putInPlace(file.path, partial);
      this.#close(id, fd);
    } catch (error) {
      throw this.#explained(error, file.path);
    }
  }

  /** All entries and files have come: what must wait for that is done now. */
  finish(): void {
    for (const { path, to } of this.#links) {
      try {
        this.#makeHardLink(path, to);
      } catch (error) {
        throw this.#explained(error, path);
      }
    }
    if (this.#deletes) this.#deleteOthers();
    for (const { path, stat } of this.#folders.reverse()) {
      try {
        const folder = this.#beneath.folder(path);
        chownSync(folder, this.#uid, this.#gid);
        chmodSync(folder, chmodBits(stat.mode));
        const time = fileTime(stat.modTime);
        utimesSync(folder, time, time);
      } catch (error) {
        throw this.#explained(error, path);
      }
    }
  }

  [Symbol.dispose](): void {
    for (const [id, { path, open }] of this.#files) {
      if (open === undefined) continue;
      this.#close(id, open.fd);
      try {
        unlinkSync(this.#beneath.entry(split(path).folder, open.partial));
      } catch {
        // Somebody took its folder away, and the file with it.
      }
    }
    this.#beneath[Symbol.dispose]();
  }

  #remember(path: BytePath, isFolder: boolean): void {
    if (!this.#deletes) return;
    const { folder, name } = split(path);
    this.#names.get(folder)?.add(name);
    if (isFolder) this.#names.set(path, new Set());
  }

  #makeFolder(path: BytePath, stat: Stat): void {
    this.#folders.push({ path, stat });
    const found = this.#look(path);
    if (found?.isDirectory() === true) {
      const mode = Number(found.mode);
      if ((mode & OWNER_MAY_ALL) !== OWNER_MAY_ALL)
        chmodSync(this.#beneath.folder(path), (mode & 0o7777) | OWNER_MAY_ALL);
      return;
    }
    const at = this.#at(path);
    if (found !== undefined) unlinkSync(at);
    mkdirSync(at, OWNER_MAY_ALL);
  }

  #makeSymlink(path: BytePath, stat: Stat): void {
    const target = Buffer.from(stat.linkname);
    const partial = this.#partialName();
    symlinkSync(target, this.#beneath.entry(split(path).folder, partial));
    this.#finishedBy(path, partial, (own) => {
      lchownSync(own, this.#uid, this.#gid);
      const time = fileTime(stat.modTime);
      lutimesSync(own, time, time);
    });
  }

  #addHardLink(path: BytePath, stat: Stat): void {
    const to = Buffer.from(stat.linkname).toString('latin1');
    if (!this.#linkable.has(to)) throw new Error(`it is a link to an unknown path: ${JSON.stringify(readable(to))}`);
    this.#links.push({ path, to });
  }

  #makeHardLink(path: BytePath, to: BytePath): void {
    const source = split(to);
    const partial = this.#partialName();
    // Neither path can put the other's folder out of those that are held open (EntryOrder limits how deep they are).
    const from = this.#beneath.entry(source.folder, source.name);
    linkSync(from, this.#beneath.entry(split(path).folder, partial));
    this.#finishedBy(path, partial, () => undefined);
    // Between two names of one file a rename does nothing (rename(2)): another build into this folder has made the link.
    rmSync(this.#beneath.entry(split(path).folder, partial), { force: true });
  }

  async #addFile(path: BytePath, stat: Stat, id: number): Promise<boolean> {
    this.#linkable.add(path);
    if ((stat.mode & GO_MODE_TYPE) !== 0) {
      await this.#makeSpecial(path, stat);
      return false;
    }
    const found = this.#look(path);
    if (found !== undefined && this.#isKept(found, stat)) {
      if (goMode(found) !== stat.mode >>> 0) this.#changeMode(path, stat.mode);
      return false;
    }
    this.#files.set(id, { path, stat });
    return true;
  }

  /**
   * Whether a file is there already. Size and time are all that is known of the one that is offered, and a time that some
   * tool set (that of SOURCE_DATE_EPOCH, of a package's archive) says nothing of the content: only one that a clock gave
   * when the file was written tells one content from another, and those have nanoseconds.
   */
  #isKept(found: BigIntStats, stat: Stat): boolean {
    const apart = found.mtimeNs - stat.modTime;
    return (
      found.isFile() &&
      found.nlink === 1n &&
      found.size === stat.size &&
      found.uid === BigInt(this.#uid) &&
      found.gid === BigInt(this.#gid) &&
      stat.modTime % NANOS_PER_MILLI !== 0n &&
      apart < TIME_STEP_NANOS &&
      apart > -TIME_STEP_NANOS
    );
  }

  #changeMode(path: BytePath, mode: number): void {
    const fd = openSync(this.#at(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      fchmodSync(fd, chmodBits(mode));
    } finally {
      closeSync(fd);
    }
  }

  /** Node cannot make pipes and devices; mknod(1) can, and the latter only as root. */
  async #makeSpecial(path: BytePath, stat: Stat): Promise<void> {
    const { mode } = stat;
    const isPipe = has(mode, GoMode.namedPipe);
    const kind = isPipe ? 'p' : has(mode, GoMode.charDevice) ? 'c' : has(mode, GoMode.device) ? 'b' : undefined;
    if (kind === undefined) throw new Error('it is neither a file nor anything else that can be made here');
    if (!isPipe && this.#uid !== 0) throw new Error('it is a device node, which only root may make');
    const partial = this.#partialName();
    const numbers = isPipe ? [] : [String(stat.devmajor), String(stat.devminor)];
    const at = this.#beneath.entryForOthers(split(path).folder, partial);
    await promisify(execFile)('mknod', ['-m', '600', at, kind, ...numbers]).catch((error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'there is no mknod on this machine' : error.message.trim();
      throw new Error(`it is a ${isPipe ? 'named pipe' : 'device node'}, and ${why}`);
    });
    this.#finishedBy(path, partial, (own) => {
      lchownSync(own, this.#uid, this.#gid);
      chmodSync(own, chmodBits(mode));
      const time = fileTime(stat.modTime);
      lutimesSync(own, time, time);
    });
  }

  #finishedBy(path: BytePath, partial: BytePath, change: (at: Buffer) => void): void {
    try {
      change(this.#beneath.entry(split(path).folder, partial));
      this.#putInPlace(path, partial);
    } catch (error) {
      rmSync(this.#beneath.entry(split(path).folder, partial), { force: true });
      throw error;
    }
  }

  #openPartial(path: BytePath): OpenFile {
    if (this.#filesOpen >= FILES_AT_ONCE) throw new Error(`more than ${FILES_AT_ONCE} files came at once`);
    const partial = this.#partialName();
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openSync(this.#beneath.entry(split(path).folder, partial), flags, 0o600);
    this.#filesOpen++;
    return { fd, partial, written: 0n };
  }

  #close(id: number, fd: number): void {
    this.#files.delete(id);
    this.#filesOpen--;
    closeSync(fd);
  }

  #putInPlace(path: BytePath, partial: BytePath): void {
    const { folder, name } = split(path);
    if (this.#look(path)?.isDirectory() === true) rmSync(this.#at(path), { recursive: true });
    const final = this.#beneath.entry(folder, name);
    renameSync(this.#beneath.entry(folder, partial), final);
  }

  #deleteOthers(): void {
    for (const [folder, names] of this.#names) {
      for (const raw of readdirSync(this.#beneath.folder(folder), { encoding: 'buffer' })) {
        const name = raw.toString('latin1');
        if (!names.has(name)) rmSync(this.#beneath.entry(folder, name), { recursive: true, force: true });
      }
    }
  }

  #awaited(id: number): AwaitedFile {
    const file = this.#files.get(id);
    if (file === undefined) throw new Error(`invalid file request ${id}`);
    return file;
  }

  #look(path: BytePath): BigIntStats | undefined {
    return lstatSync(this.#at(path), { bigint: true, throwIfNoEntry: false });
  }

  #at(path: BytePath): Buffer {
    const { folder, name } = split(path);
    return this.#beneath.entry(folder, name);
  }

  /** Such names as BuildKit's clients take for files that are not whole. */
  #partialName(): BytePath {
    return `.tmp.${randomBytes(6).toString('hex')}`;
  }

  #explained(error: unknown, path: BytePath): Error {
    const message = error instanceof Error ? error.message : String(error);
    const system = error instanceof Error && 'syscall' in error ? /^([A-Z0-9]+): ([^,]+)/.exec(message) : undefined;
    const why = system?.[2] === undefined ? message : `${system[2]} (${system[1]})`;
    return new Error(`${this.#folder}/${readable(path)} cannot be written: ${why}`, { cause: error });
  }
}

function has(mode: number, bit: number): boolean {
  return Math.floor(mode / bit) % 2 === 1;
}

/** Seconds since 1970; before that a date, since Node takes negative numbers for "now". */
function fileTime(nanos: bigint): number | Date {
  if (nanos < 0n) return new Date(Number(nanos / NANOS_PER_MILLI));
  return Number(nanos / NANOS_PER_SECOND) + Number(nanos % NANOS_PER_SECOND) / 1e9;
}
