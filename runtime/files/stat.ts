import type { BigIntStats } from 'node:fs';

/** Go's `os.FileMode` bits, which the wire carries instead of the kernel's (Go `io/fs`). */
export const GoMode = {
  dir: 2 ** 31,
  symlink: 2 ** 27,
  device: 2 ** 26,
  namedPipe: 2 ** 25,
  socket: 2 ** 24,
  setuid: 2 ** 23,
  setgid: 2 ** 22,
  charDevice: 2 ** 21,
  sticky: 2 ** 20,
  irregular: 2 ** 19,
} as const;

/** Every bit that makes an entry something else than a regular file. */
export const GO_MODE_TYPE =
  (GoMode.dir +
    GoMode.symlink +
    GoMode.namedPipe +
    GoMode.socket +
    GoMode.device +
    GoMode.charDevice +
    GoMode.irregular) >>>
  0;

const PERMISSION_BITS = 0o777;

const S_IFMT = 0o170000;
const TYPE_BITS: Readonly<Record<number, number>> = {
  0o040000: GoMode.dir,
  0o120000: GoMode.symlink,
  0o060000: GoMode.device,
  0o020000: GoMode.device + GoMode.charDevice,
  0o010000: GoMode.namedPipe,
  // A socket is sent as an empty regular file (tonistiigi/fsutil `send.go`).
  0o140000: 0,
  0o100000: 0,
};

/** The Go mode of an `lstat`; as an unsigned number, although bit 31 may be set. */
export function goMode(stats: BigIntStats): number {
  const mode = Number(stats.mode);
  const type = TYPE_BITS[mode & S_IFMT] ?? GoMode.irregular;
  const special =
    (mode & 0o4000 ? GoMode.setuid : 0) + (mode & 0o2000 ? GoMode.setgid : 0) + (mode & 0o1000 ? GoMode.sticky : 0);
  return type + special + (mode & PERMISSION_BITS);
}

/** The permission bits (with setuid, setgid and sticky) for `chmod` of a Go mode. */
export function chmodBits(mode: number): number {
  const has = (bit: number): boolean => Math.floor(mode / bit) % 2 === 1;
  return (
    (mode & PERMISSION_BITS) |
    (has(GoMode.setuid) ? 0o4000 : 0) |
    (has(GoMode.setgid) ? 0o2000 : 0) |
    (has(GoMode.sticky) ? 0o1000 : 0)
  );
}

/** Major and minor number of a device, as Linux packs them. */
export function deviceNumbers(rdev: bigint): { readonly major: bigint; readonly minor: bigint } {
  return { major: (rdev >> 8n) & 0xfffn, minor: (rdev & 0xffn) | ((rdev >> 12n) & 0xfff00n) };
}
