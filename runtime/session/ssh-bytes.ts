/** Bytes behind their length (RFC 4251, 5: `string`). */
export function sshBytes(bytes: Uint8Array | string): Buffer {
  const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  return Buffer.concat([sshCount(data.length), data]);
}

/** A number of 32 bits (`uint32`). */
export function sshCount(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A number that is not negative, of any size, from its bytes with the highest first (`mpint`). */
export function sshNumber(bytes: Uint8Array): Buffer {
  const digits = withoutZeros(bytes);
  return sshBytes((digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), digits]) : digits);
}

/** The same number in as few bytes as it takes; none for 0. */
export function withoutZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? bytes.subarray(bytes.length) : bytes.subarray(first);
}
