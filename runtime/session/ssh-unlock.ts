import { createDecipheriv, createPrivateKey } from 'node:crypto';
import type { LockedKeyText, LockedOpenSshText, OpenKeyText } from '../../planner/options/ssh-key.ts';
import { openSshFields } from '../../planner/options/ssh-key.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import { bcryptPbkdf } from './bcrypt-pbkdf.ts';

/** What a passphrase did not open, though it may be the right one; anything else is `wrong`. */
export type Locked = 'wrong' | { readonly unsupported: string };

interface Cipher {
  /** By its name in OpenSSL. */
  readonly name: string;
  readonly keyBytes: number;
  readonly ivBytes: number;
  readonly hasTag: boolean;
}

const aes = (bits: 128 | 192 | 256, mode: 'ctr' | 'cbc' | 'gcm'): Cipher => ({
  name: `aes-${bits}-${mode}`,
  keyBytes: bits / 8,
  ivBytes: mode === 'gcm' ? 12 : 16,
  hasTag: mode === 'gcm',
});

/** Those of OpenSSH's own format, by their names there (openssh `cipher.c`). */
const CIPHERS: ReadonlyMap<string, Cipher> = new Map([
  ['aes256-ctr', aes(256, 'ctr')],
  ['aes256-cbc', aes(256, 'cbc')],
  ['aes256-gcm@openssh.com', aes(256, 'gcm')],
  ['aes192-ctr', aes(192, 'ctr')],
  ['aes192-cbc', aes(192, 'cbc')],
  ['aes128-ctr', aes(128, 'ctr')],
  ['aes128-cbc', aes(128, 'cbc')],
  ['aes128-gcm@openssh.com', aes(128, 'gcm')],
]);

/** More would take minutes of this process; ssh-keygen takes 16 or 24 by itself. */
const MAX_ROUNDS = 4096;

/** Opens a private key with its passphrase. */
export function unlocked(key: LockedKeyText, passphrase: Uint8Array): Result<OpenKeyText, Locked> {
  return key.form === 'locked-pem' ? unlockedPem(key.pem, passphrase) : unlockedOpenSsh(key, passphrase);
}

function unlockedPem(pem: string, passphrase: Uint8Array): Result<OpenKeyText, Locked> {
  try {
    const key = createPrivateKey({ key: pem, format: 'pem', passphrase: Buffer.from(passphrase) });
    return ok({ form: 'pkcs8', der: key.export({ format: 'der', type: 'pkcs8' }) });
  } catch (error) {
    const isUnknown = error instanceof Error && 'code' in error && error.code === 'ERR_OSSL_EVP_UNSUPPORTED';
    return fail(
      isUnknown ? { unsupported: 'ssh: it is encrypted in a way that OpenSSL does not know any more' } : 'wrong',
    );
  }
}

function unlockedOpenSsh(key: LockedOpenSshText, passphrase: Uint8Array): Result<OpenKeyText, Locked> {
  const cipher = CIPHERS.get(key.cipher);
  if (cipher === undefined)
    return fail({ unsupported: 'ssh: it is encrypted with a cipher other than AES; an agent may know it' });
  if (key.rounds > MAX_ROUNDS || key.rounds === 0 || key.salt.length === 0)
    return fail({
      unsupported: `ssh: its passphrase is worked in ${key.rounds} times; ${MAX_ROUNDS} are taken at most`,
    });
  const { salt, rounds } = key;
  const { name, keyBytes, ivBytes } = cipher;
  const derived = bcryptPbkdf(passphrase, { salt, rounds, keyBytes: keyBytes + ivBytes });
  try {
    const opened = decrypted(
      key,
      { name, secret: derived.subarray(0, keyBytes), iv: derived.subarray(keyBytes) },
      cipher,
    );
    const fields = openSshFields(opened, key.publicBlob);
    return fields.ok ? fields : fail('wrong');
  } catch {
    return fail('wrong');
  }
}

function decrypted(
  { encrypted, tag }: LockedOpenSshText,
  { name, secret, iv }: { readonly name: string; readonly secret: Buffer; readonly iv: Buffer },
  { hasTag }: Cipher,
): Buffer {
  const decipher = createDecipheriv(name, secret, iv);
  // What is encrypted fills whole blocks by itself.
  decipher.setAutoPadding(false);
  if (hasTag && 'setAuthTag' in decipher && typeof decipher.setAuthTag === 'function') decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(encrypted), decipher.final()]);
}
