import type { JsonWebKey } from 'node:crypto';
import { createPublicKey, verify } from 'node:crypto';
import { SshReader } from '../../planner/options/ssh-reader.ts';
import { sshBytes, sshCount } from '../../runtime/session/ssh-bytes.ts';

/** What asks an agent for its keys (draft-miller-ssh-agent, 3.5). */
export const LIST_KEYS: Buffer = Buffer.from([0, 0, 0, 1, 11]);

/** The answer of an agent without keys. */
export const NO_KEYS: Buffer = Buffer.from([0, 0, 0, 5, 12, 0, 0, 0, 0]);

/** The answer of an agent that does not do what it was asked. */
export const FAILURE: Buffer = Buffer.from([0, 0, 0, 1, 5]);

/** What asks for a signature (3.6); flags: 2 for SHA-256, 4 for SHA-512 with an RSA key. */
export function signRequest(blob: Uint8Array, data: Uint8Array, flags = 0): Buffer {
  return sshBytes(Buffer.concat([Buffer.of(13), sshBytes(blob), sshBytes(data), sshCount(flags)]));
}

/** The public keys in an agent's answer, in base64 as in `.pub` files, with their comments. */
export function keysOf(answer: Buffer): readonly { readonly blob: string; readonly comment: string }[] {
  const reader = bodyOf(answer, 12);
  return Array.from({ length: reader.number() }, () => ({
    blob: reader.bytes().toString('base64'),
    comment: reader.text(),
  }));
}

/** The name of the algorithm that an agent signed with; fails where the signature is not that of the key on the data. */
export function verified(answer: Buffer, { blob, data }: { readonly blob: Buffer; readonly data: Buffer }): string {
  const signature = new SshReader(bodyOf(answer, 14).bytes());
  const algorithm = signature.text();
  const bytes = signature.bytes();
  const key = createPublicKey({ key: webKey(blob), format: 'jwk' });
  const hash = HASHES[algorithm];
  const curve = /nistp(\d+)$/.exec(algorithm)?.[1];
  const plain = curve === undefined ? bytes : twoNumbers(new SshReader(bytes), Math.ceil(Number(curve) / 8));
  if (!verify(hash, data, { key, dsaEncoding: 'ieee-p1363' }, plain)) throw new Error(`a wrong ${algorithm} signature`);
  return algorithm;
}

const HASHES: Readonly<Record<string, string>> = {
  'ssh-rsa': 'sha1',
  'rsa-sha2-256': 'sha256',
  'rsa-sha2-512': 'sha512',
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
};

function bodyOf(answer: Buffer, type: number): SshReader {
  if (answer.readUInt32BE(0) !== answer.length - 4) throw new Error('an answer of the wrong length');
  if (answer[4] !== type) throw new Error(`an answer of type ${answer[4]}, not ${type}`);
  return new SshReader(answer.subarray(5));
}

function webKey(blob: Buffer): JsonWebKey {
  const reader = new SshReader(blob);
  const algorithm = reader.text();
  const next = (): string => reader.bytes().toString('base64url');
  if (algorithm === 'ssh-ed25519') return { kty: 'OKP', crv: 'Ed25519', x: next() };
  if (algorithm === 'ssh-rsa') {
    const [e, n] = [next(), next()];
    return { kty: 'RSA', e, n };
  }
  const curve = reader.text();
  const point = reader.bytes().subarray(1);
  const [x, y] = [point.subarray(0, point.length / 2), point.subarray(point.length / 2)];
  return { kty: 'EC', crv: curve.replace('nistp', 'P-'), x: x.toString('base64url'), y: y.toString('base64url') };
}

function twoNumbers(reader: SshReader, size: number): Buffer {
  const padded = (): Buffer => {
    const digits = reader.bytes();
    const short = digits.subarray(Math.max(0, digits.length - size));
    return Buffer.concat([Buffer.alloc(size - short.length), short]);
  };
  return Buffer.concat([padded(), padded()]);
}
