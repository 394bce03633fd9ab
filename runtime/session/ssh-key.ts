import type { JsonWebKey, KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { OpenKeyText } from '../../planner/options/ssh-key.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import { sshBytes, sshNumber, withoutZeros } from './ssh-bytes.ts';

/** How a key signs under one name: with which hash (none where the algorithm brings its own). */
export interface SshAlgorithm {
  readonly name: string;
  readonly hash: string | undefined;
}

/** A private key that can be used, and what ssh calls it. */
export interface SshKey {
  readonly key: KeyObject;
  /** `ssh-rsa`, `ssh-ed25519`, `ecdsa-sha2-nistp256` and so on. */
  readonly algorithm: SshAlgorithm;
  /** The public key as agents tell it. */
  readonly publicBlob: Buffer;
}

const ED25519: SshAlgorithm = { name: 'ssh-ed25519', hash: undefined };
const RSA: SshAlgorithm = { name: 'ssh-rsa', hash: 'sha1' };

/** The curves of RFC 5656 with the hashes it wants for them, by their names in OpenSSL; `web` is that in JSON Web Keys. */
const CURVES: ReadonlyMap<string, { readonly web: string; readonly curve: string; readonly hash: string }> = new Map([
  ['prime256v1', { web: 'P-256', curve: 'nistp256', hash: 'sha256' }],
  ['secp384r1', { web: 'P-384', curve: 'nistp384', hash: 'sha384' }],
  ['secp521r1', { web: 'P-521', curve: 'nistp521', hash: 'sha512' }],
]);

/** Makes a key of what its file says. Fails in words that hold nothing of it. */
export function sshKeyOf(text: OpenKeyText): Result<SshKey, string> {
  try {
    const key = privateKey(text);
    const algorithm = algorithmOf(key);
    if (algorithm === undefined) return fail(`ssh: unsupported key type ${typeName(key)}`);
    const publicBlob = blobOf(key, algorithm);
    const isSame = text.form !== 'openssh' || publicBlob.equals(text.publicBlob);
    if (!isSame || !isWhole(key, algorithm)) return fail('ssh: its private key does not fit its public key');
    return ok({ key, algorithm, publicBlob });
  } catch {
    // In our words: those of the library may tell what they read.
    return fail('ssh: the private key in it is damaged');
  }
}

function privateKey(text: OpenKeyText): KeyObject {
  if (text.form !== 'openssh') return createPrivateKey({ key: Buffer.from(text.der), format: 'der', type: text.form });
  return createPrivateKey({ key: webKeyOf(text.algorithm, text.fields), format: 'jwk' });
}

/** The fields of OpenSSH's private keys (openssh PROTOCOL.agent, 3.2) as a JSON Web Key (RFC 7517). */
function webKeyOf(algorithm: string, fields: readonly Uint8Array[]): JsonWebKey {
  const [first = NONE, second = NONE, third = NONE, fourth = NONE, fifth = NONE, sixth = NONE] = fields;
  if (algorithm === ED25519.name)
    return { kty: 'OKP', crv: 'Ed25519', x: url(first), d: url(second.subarray(0, first.length)) };
  if (algorithm === RSA.name) {
    const [n, e, d, qi, p, q] = [first, second, third, fourth, fifth, sixth];
    const factors = { p: digits(p), q: digits(q), dp: remainder(d, p), dq: remainder(d, q), qi: digits(qi) };
    return { kty: 'RSA', n: digits(n), e: digits(e), d: digits(d), ...factors };
  }
  const crv = [...CURVES.values()].find(({ curve }) => algorithm.endsWith(curve))?.web ?? '';
  // A point that is not packed: a 4, and two numbers of one length (SEC 1, 2.3.3).
  const size = (second.length - 1) / 2;
  const [x, y] = [second.subarray(1, 1 + size), second.subarray(1 + size)];
  return { kty: 'EC', crv, x: url(x), y: url(y), d: url(padded(withoutZeros(third), size)) };
}

const NONE = new Uint8Array();

function url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function digits(bytes: Uint8Array): string {
  return url(withoutZeros(bytes));
}

function padded(bytes: Uint8Array, size: number): Uint8Array {
  return Buffer.concat([Buffer.alloc(Math.max(0, size - bytes.length)), bytes]);
}

/** `d mod (prime - 1)`, which OpenSSH leaves out and a JSON Web Key wants. */
function remainder(d: Uint8Array, prime: Uint8Array): string {
  const hex = (numberOf(d) % (numberOf(prime) - 1n)).toString(16);
  return digits(Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex'));
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function algorithmOf({ asymmetricKeyType: type, asymmetricKeyDetails }: KeyObject): SshAlgorithm | undefined {
  if (type === 'rsa') return RSA;
  if (type === 'ed25519') return ED25519;
  const found = type === 'ec' ? CURVES.get(asymmetricKeyDetails?.namedCurve ?? '') : undefined;
  return found && { name: `ecdsa-sha2-${found.curve}`, hash: found.hash };
}

function typeName({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const curve = asymmetricKeyDetails?.namedCurve;
  return `${asymmetricKeyType}${curve === undefined ? '' : ` (${curve})`}`;
}

function blobOf(key: KeyObject, { name }: SshAlgorithm): Buffer {
  const { e = '', n = '', x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' });
  const of = (text: string): Buffer => Buffer.from(text, 'base64url');
  if (name === RSA.name) return Buffer.concat([sshBytes(name), sshNumber(of(e)), sshNumber(of(n))]);
  if (name === ED25519.name) return Buffer.concat([sshBytes(name), sshBytes(of(x))]);
  const curve = name.replace('ecdsa-sha2-', '');
  return Buffer.concat([sshBytes(name), sshBytes(curve), sshBytes(Buffer.concat([Buffer.of(4), of(x), of(y)]))]);
}

/** A signature with a wrong factor would give the key away. */
function isWhole(key: KeyObject, { hash }: SshAlgorithm): boolean {
  const text = Buffer.from('depot');
  return verify(hash, text, createPublicKey(key), sign(hash, text, key));
}
