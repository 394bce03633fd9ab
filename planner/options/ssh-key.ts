import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import { SshReader } from './ssh-reader.ts';

/** A private key as its file has it, taken apart as far as no arithmetic is needed. */
export type SshKeyText = OpenKeyText | LockedKeyText;

/** One that needs no passphrase. */
export type OpenKeyText = { readonly form: 'pkcs1' | 'pkcs8' | 'sec1'; readonly der: Uint8Array } | OpenSshKeyText;

/** One that needs a passphrase: PEM whole, as OpenSSL reads it, or OpenSSH's own format. */
export type LockedKeyText = { readonly form: 'locked-pem'; readonly pem: string } | LockedOpenSshText;

/** OpenSSH's own format, encrypted with a key that bcrypt makes of the passphrase (openssh PROTOCOL.key). */
export interface LockedOpenSshText {
  readonly form: 'locked-openssh';
  readonly cipher: string;
  readonly salt: Uint8Array;
  readonly rounds: number;
  readonly publicBlob: Uint8Array;
  readonly encrypted: Uint8Array;
  /** Behind it, for ciphers that have one. */
  readonly tag: Uint8Array;
}

/** OpenSSH's own format. */
export interface OpenSshKeyText {
  readonly form: 'openssh';
  readonly algorithm: string;
  /** The public key that stands beside it, as agents tell it. */
  readonly publicBlob: Uint8Array;
  /** The numbers of the private key, in the algorithm's order. */
  readonly fields: readonly Uint8Array[];
}

/** More than this of a file is not read (moby/buildkit `session/sshforward/sshprovider`). */
export const MAX_KEY_BYTES = 100 * 1024;

const FORMS: ReadonlyMap<string, 'pkcs1' | 'pkcs8' | 'sec1'> = new Map([
  ['RSA PRIVATE KEY', 'pkcs1'],
  ['PRIVATE KEY', 'pkcs8'],
  ['EC PRIVATE KEY', 'sec1'],
]);

/** How many numbers the private key of an algorithm has, before its comment (openssh PROTOCOL.agent, 3.2). */
const OPENSSH_FIELDS: ReadonlyMap<string, number> = new Map([
  ['ssh-rsa', 6],
  ['ssh-ed25519', 2],
  ['ecdsa-sha2-nistp256', 3],
  ['ecdsa-sha2-nistp384', 3],
  ['ecdsa-sha2-nistp521', 3],
]);

const OPENSSH_MAGIC = 'openssh-key-v1\0';

/** What a `.pub` file begins with. */
const PUBLIC_KEY = /^(?:ssh|ecdsa|sk)-[a-z0-9@.-]{1,60} AAAA/;

const DAMAGED = 'ssh: this OpenSSH key is damaged';

/** Why a key cannot be used where nobody can be asked. */
export const PASSPHRASE_NEEDED = 'ssh: this private key is passphrase protected';

/**
 * Reads the text of a private key: PEM of RSA and EC keys, PKCS #8, or what ssh-keygen writes. Like Go's `encoding/pem`, it
 * takes the first block that is whole, whatever stands around it. Fails in words that hold nothing of the file but the
 * names of its block and its algorithm.
 */
export function readSshKey(text: string): Result<SshKeyText, string> {
  const block = firstBlock(text.slice(0, MAX_KEY_BYTES));
  if (block === undefined)
    return fail(PUBLIC_KEY.test(text) ? 'ssh: no key found; this is a public key' : 'ssh: no key found');
  if (block.isEncrypted || block.type === 'ENCRYPTED PRIVATE KEY') return ok({ form: 'locked-pem', pem: block.text });
  if (block.type === 'OPENSSH PRIVATE KEY') return openSshKey(block.bytes);
  const form = FORMS.get(block.type);
  return form === undefined
    ? fail(`ssh: unsupported key type ${JSON.stringify(block.type)}`)
    : ok({ form, der: block.bytes });
}

interface PemBlock {
  readonly type: string;
  readonly isEncrypted: boolean;
  readonly bytes: Uint8Array;
  /** All of it, with its first and last lines. */
  readonly text: string;
}

function firstBlock(text: string): PemBlock | undefined {
  for (const begin of text.matchAll(/^-----BEGIN ([^\r\n-]{1,64})-----[ \t]*\r?\n/gm)) {
    const [line, type = ''] = begin;
    const start = begin.index + line.length;
    const dashes = text.indexOf('-----', start);
    if (dashes === -1) return undefined;
    if (!text.startsWith(`-----END ${type}-----`, dashes)) continue;
    const lines = text.slice(start, dashes).split(/\r?\n/);
    const headers = lines.filter((one) => one.includes(':'));
    const body = lines
      .filter((one) => !one.includes(':'))
      .join('')
      .replace(/[ \t]/g, '');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(body) || body.length % 4 !== 0) continue;
    const isEncrypted = headers.some((one) => /^Proc-Type:.*ENCRYPTED/.test(one));
    const end = dashes + `-----END ${type}-----`.length;
    return { type, isEncrypted, bytes: Buffer.from(body, 'base64'), text: `${text.slice(begin.index, end)}\n` };
  }
  return undefined;
}

/** Names the algorithm only where it reads like one: in a damaged file, anything may stand in its place. */
function unknownAlgorithm(name: string): string {
  if (!/^(?:ssh|sk|ecdsa|webauthn)-[a-z0-9@.-]{1,60}$/.test(name)) return DAMAGED;
  return `ssh: unsupported key type ${name}${name.startsWith('sk-') ? '; a key in hardware needs an agent' : ''}`;
}

/** openssh PROTOCOL.key. */
function openSshKey(bytes: Uint8Array): Result<SshKeyText, string> {
  const all = Buffer.from(bytes);
  if (all.toString('latin1', 0, OPENSSH_MAGIC.length) !== OPENSSH_MAGIC) return fail('ssh: this is no OpenSSH key');
  try {
    const file = new SshReader(all.subarray(OPENSSH_MAGIC.length));
    const [cipher, kdf, options] = [file.text(), file.text(), file.bytes()];
    if (file.number() !== 1) return fail('ssh: it holds several keys; OpenSSH takes files of one');
    const publicBlob = file.bytes();
    const key = file.bytes();
    if (cipher === 'none' && kdf === 'none') return openSshFields(key, publicBlob);
    if (kdf !== 'bcrypt') return fail(DAMAGED);
    const bcrypt = new SshReader(options);
    const [salt, rounds] = [bcrypt.bytes(), bcrypt.number()];
    return ok({ form: 'locked-openssh', cipher, salt, rounds, publicBlob, encrypted: key, tag: file.rest() });
  } catch (error) {
    if (error instanceof RangeError) return fail(DAMAGED);
    throw error;
  }
}

/** Reads what stands in the private part of an OpenSSH key; fails where it does not begin with two equal numbers. */
export function openSshFields(bytes: Uint8Array, publicBlob: Uint8Array): Result<OpenSshKeyText, string> {
  try {
    const key = new SshReader(bytes);
    if (key.number() !== key.number()) return fail(DAMAGED);
    const algorithm = key.text();
    const count = OPENSSH_FIELDS.get(algorithm);
    if (count === undefined) return fail(unknownAlgorithm(algorithm));
    return ok({ form: 'openssh', algorithm, publicBlob, fields: Array.from({ length: count }, () => key.bytes()) });
  } catch (error) {
    if (error instanceof RangeError) return fail(DAMAGED);
    throw error;
  }
}

/** Whether a key needs a passphrase. */
export function isLocked(key: SshKeyText): key is LockedKeyText {
  return key.form === 'locked-pem' || key.form === 'locked-openssh';
}
