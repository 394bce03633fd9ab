/** How much of a file {@link isArchive} wants to see: a whole header of tar. */
export const ARCHIVE_HEADER_BYTES = 1024;

const MAGIC = ['425a68', '1f8b08', 'fd377a585a00'];

const TAR_HEADER_BYTES = 512;
const TAR_CHECKSUM = { start: 148, end: 156 } as const;

/** bzip2, gzip and xz by their first bytes, tar by the checksum of its first header (docker/buildx `build/utils.go`). */
export function isArchive(header: Uint8Array): boolean {
  const hex = Buffer.from(header.subarray(0, 8)).toString('hex');
  return MAGIC.some((magic) => hex.startsWith(magic)) || isTar(header);
}

function isTar(header: Uint8Array): boolean {
  if (header.length < TAR_HEADER_BYTES) return false;
  const { start, end } = TAR_CHECKSUM;
  const said = Number.parseInt(Buffer.from(header.subarray(start, end)).toString('latin1').trim(), 8);
  let sum = 0;
  for (const [at, byte] of header.subarray(0, TAR_HEADER_BYTES).entries()) {
    sum += at >= start && at < end ? 0x20 : byte;
  }
  return sum === said;
}
