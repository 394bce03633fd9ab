const BLOCK_BYTES = 512;

/** A tar archive (ustar) of plain files and symbolic links, of whatever names. */
export function tar(files: Readonly<Record<string, string | { readonly link: string }>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, item]) => {
    const data = Buffer.from(typeof item === 'string' ? item : '');
    const padding = (BLOCK_BYTES - (data.length % BLOCK_BYTES)) % BLOCK_BYTES;
    return [header(name, data.length, typeof item === 'string' ? undefined : item.link), data, Buffer.alloc(padding)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK_BYTES)]);
}

function header(name: string, bytes: number, link: string | undefined): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;
  block.write(name, 0);
  block.write(octal(0o644, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(bytes, 12), 124);
  block.write(octal(0, 12), 136);
  block.write(`        ${link === undefined ? '0' : '2'}${link ?? ''}`, 148);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** The texts of the plain files in a tar archive, by name. */
export function untar(archive: Buffer): Readonly<Record<string, string>> {
  const files: Record<string, string> = {};
  for (let at = 0; at + BLOCK_BYTES <= archive.length && archive[at] !== 0;) {
    const name = archive.toString('utf8', at, at + 100).replace(/\0.*$/s, '');
    const bytes = Number.parseInt(archive.toString('latin1', at + 124, at + 136), 8);
    const start = at + BLOCK_BYTES;
    if (archive[at + 156] === '0'.charCodeAt(0)) files[name] = archive.toString('utf8', start, start + bytes);
    at = start + Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return files;
}
