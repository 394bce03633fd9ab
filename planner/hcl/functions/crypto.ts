import { constants, createHash, createPrivateKey, privateDecrypt, randomUUID } from 'node:crypto';
import { genSaltSync, hashSync } from 'bcryptjs';
import { spend } from '../budget.ts';
import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import type { Value } from '../value.ts';
import { text } from '../value.ts';
import { decodeBase64, decodeUtf8 } from './bytes.ts';
import { countAt, define, defineVariadic, nfc, num, string, textAt } from './define.ts';

const hash = (algorithm: string): HclFunction =>
  define([string('str')], (args) => text(createHash(algorithm).update(textAt(args, 0)).digest('hex')));

/** Hashes, passwords, keys and identifiers (hashicorp/go-cty-funcs `crypto`, `uuid`). */
export const CRYPTO_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  md5: hash('md5'),
  sha1: hash('sha1'),
  sha256: hash('sha256'),
  sha512: hash('sha512'),
  bcrypt: defineVariadic([string('str')], num('cost'), bcrypt),
  rsadecrypt: define([string('ciphertext'), string('privatekey')], (args) =>
    rsaDecrypt(textAt(args, 0), textAt(args, 1)),
  ),
  uuidv4: define([], () => text(randomUUID())),
  uuidv5: define([string('namespace'), string('name')], (args) => text(uuidV5(textAt(args, 0), textAt(args, 1)))),
};

const DEFAULT_COST = 10;
const MIN_COST = 4;
const MAX_COST = 31;

/** One more doubles the time; this one takes a second or two. */
const MOST_PATIENT_COST = 14;
const MAX_PASSWORD_BYTES = 72;
/** What a round costs of the evaluation's budget. */
const STEPS_PER_ROUND = 60;

function bcrypt(args: readonly Value[]): Value {
  const password = textAt(args, 0);
  const given = args.length > 1 ? countAt(args, 1) : DEFAULT_COST;
  if (args.length > 2) throw new CallError('bcrypt() takes no more than two arguments');
  if (given > MAX_COST) throw new CallError(`cost ${given} is outside allowed range (${MIN_COST},${MAX_COST})`, 1);
  if (given > MOST_PATIENT_COST) {
    throw new CallError(`cost ${given} would take too long while planning; ${MOST_PATIENT_COST} is the most`, 1);
  }
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) {
    throw new CallError(`password length exceeds ${MAX_PASSWORD_BYTES} bytes`, 0);
  }
  spend(STEPS_PER_ROUND * 2 ** given);
  const salt = genSaltSync(given < MIN_COST ? DEFAULT_COST : given);
  return text(hashSync(password, salt.replace(/^\$2.\$/, '$2a$')));
}

/** PKCS#1 v1.5. The padding is taken off here: OpenSSL would answer wrong padding with random text instead of an error. */
function rsaDecrypt(encoded: string, pem: string): Value {
  const bytes = decodeBase64(encoded);
  if (bytes === undefined) {
    throw new CallError(`failed to decode input ${JSON.stringify(encoded)}: cipher text must be base64-encoded`);
  }
  const padded = rawDecrypt(bytes, pem);
  const end = padded.indexOf(0, 2);
  if (padded[0] !== 0 || padded[1] !== 2 || end < 10) throw new CallError('decryption error: it is for another key');
  const plain = decodeUtf8(padded.subarray(end + 1));
  if (plain === undefined) throw new CallError('what is decrypted is not valid UTF-8');
  return nfc(plain);
}

function rawDecrypt(bytes: Buffer, pem: string): Buffer {
  const [, headers = '', body = ''] =
    /-----BEGIN [^-\n]+-----\s*\n((?:[\w-]+: [^\n]*\n)*)([A-Za-z0-9+/=\s]*)-----END [^-\n]+-----/.exec(pem) ?? [];
  if (body === '') throw new CallError('failed to parse key: no key found', 1);
  if (headers.includes('ENCRYPTED')) {
    throw new CallError('failed to parse key: password protected keys are not supported', 1);
  }
  try {
    const der = Buffer.from(body, 'base64');
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs1' });
    return privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, bytes);
  } catch (error) {
    throw new CallError(`failed to decrypt: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Namespaces of RFC 4122, appendix C. */
const NAMESPACES: Readonly<Record<string, string>> = {
  dns: '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
  url: '6ba7b811-9dad-11d1-80b4-00c04fd430c8',
  oid: '6ba7b812-9dad-11d1-80b4-00c04fd430c8',
  x500: '6ba7b814-9dad-11d1-80b4-00c04fd430c8',
};

function uuidV5(namespace: string, name: string): string {
  const known = Object.hasOwn(NAMESPACES, namespace) ? NAMESPACES[namespace] : undefined;
  const digest = createHash('sha1')
    .update(uuidBytes(known ?? namespace))
    .update(name)
    .digest();
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x50;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Plain, with `urn:uuid:`, in braces, or without dashes. */
function uuidBytes(uuid: string): Buffer {
  const plain = uuid.replace(/^urn:uuid:/i, '').replace(/^\{(.*)\}$/, '$1');
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$|^[0-9a-f]{32}$/i.test(plain)) {
    const why = [32, 36, 38, 45].includes(uuid.length) ? 'invalid UUID format' : `invalid UUID length: ${uuid.length}`;
    throw new CallError(`uuidv5() doesn't support namespace ${uuid} (${why})`, 0);
  }
  return Buffer.from(plain.replaceAll('-', ''), 'hex');
}
