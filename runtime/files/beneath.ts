import { closeSync, constants, existsSync, lstatSync, openSync, realpathSync } from 'node:fs';
import { MAX_DEPTH, split } from './entry-order.ts';
import type { BytePath } from './walk.ts';
import { onDisk, readable } from './walk.ts';

/** Opens a folder without the right to list it (open(2)); Node names no constant for it. */
const O_PATH = 0o10_000_000;

/** As many folders below the root are kept open: those of the entries at hand, with their parents, twice over. */
const OPEN_FOLDERS = 2 * MAX_DEPTH + 2;

/**
 * Reaches what is below a folder, and nothing else: no name on the way may be a symbolic link, whoever puts one there and
 * whenever. On Linux every folder is held open and its entries are named through it (`/proc/self/fd/N/name`), which is
 * what Node has for `openat`; elsewhere each folder on the way is looked at before each use.
 */
export class Beneath implements Disposable {
  readonly #root: string;
  readonly #rootFd: number | undefined;
  readonly #folders = new Map<BytePath, number>();

  /** `root` is there; links in its own path are the user's. */
  constructor(root: string) {
    this.#root = realpathSync(root);
    const holds = process.platform === 'linux' && existsSync('/proc/self/fd');
    this.#rootFd = holds ? openSync(this.#root, O_PATH | constants.O_DIRECTORY) : undefined;
  }

  /** A path for a folder (empty: the root); good until the next call. Throws `ENOTDIR` where it or one above is a link. */
  folder(path: BytePath): Buffer {
    if (this.#rootFd !== undefined) return Buffer.from(`/proc/self/fd/${this.#hold(path, this.#rootFd)}`);
    this.#look(path);
    const place = path === '' ? this.#root : onDisk(this.#root, path);
    return typeof place === 'string' ? Buffer.from(place) : place;
  }

  /** A path for an entry of a folder, as {@link Beneath.folder}; the entry itself may be anything, or nothing yet. */
  entry(folder: BytePath, name: BytePath): Buffer {
    return Buffer.concat([this.folder(folder), Buffer.from(`/${name}`, 'latin1')]);
  }

  /** As {@link Beneath.entry}, for another process. */
  entryForOthers(folder: BytePath, name: string): string {
    if (this.#rootFd === undefined) return this.entry(folder, name).toString('utf8');
    return `/proc/${process.pid}/fd/${this.#hold(folder, this.#rootFd)}/${name}`;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#folders.values()) closeSync(fd);
    this.#folders.clear();
    if (this.#rootFd !== undefined) closeSync(this.#rootFd);
  }

  #hold(path: BytePath, root: number): number {
    if (path === '') return root;
    const held = this.#folders.get(path);
    if (held !== undefined) {
      this.#folders.delete(path);
      this.#folders.set(path, held);
      return held;
    }
    const { folder, name } = split(path);
    const at = Buffer.from(`/proc/self/fd/${this.#hold(folder, root)}/${name}`, 'latin1');
    const fd = openSync(at, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    this.#folders.set(path, fd);
    const [oldest] = this.#folders;
    if (this.#folders.size > OPEN_FOLDERS && oldest !== undefined) {
      this.#folders.delete(oldest[0]);
      closeSync(oldest[1]);
    }
    return fd;
  }

  #look(path: BytePath): void {
    for (let at = path; at !== ''; at = split(at).folder) {
      if (!lstatSync(onDisk(this.#root, at)).isDirectory())
        throw Object.assign(new Error(`ENOTDIR: not a folder, ${readable(at)}`), { code: 'ENOTDIR' });
    }
  }
}
