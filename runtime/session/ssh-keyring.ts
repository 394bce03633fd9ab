import type { KeyObject } from 'node:crypto';
import { sign } from 'node:crypto';
import { SshReader } from '../../planner/options/ssh-reader.ts';
import type { SshAgent } from './ssh-agent.ts';
import { AGENT_FAILURE, REQUEST_IDENTITIES, SIGN_REQUEST, typeOf } from './ssh-agent.ts';
import { sshBytes, sshCount, sshNumber } from './ssh-bytes.ts';
import type { SshAlgorithm, SshKey } from './ssh-key.ts';

const IDENTITIES_ANSWER = 12;
const SIGN_RESPONSE = 14;

/** The length and the type of a message. */
const HEAD_BYTES = 5;

/** What an RSA key signs with, by the flags of the request (RFC 8332; draft-miller-ssh-agent, 6.2). */
const RSA_BY_FLAGS: ReadonlyMap<number, SshAlgorithm> = new Map([
  [0, { name: 'ssh-rsa', hash: 'sha1' }],
  [2, { name: 'rsa-sha2-256', hash: 'sha256' }],
  [4, { name: 'rsa-sha2-512', hash: 'sha512' }],
]);

/**
 * An agent inside this process, for keys that lie in files: it tells which keys it has and signs with them; anything else
 * fails. Keys are told without a comment, so that a builder learns no names of files.
 */
export function keyringAgent(keys: readonly SshKey[]): SshAgent {
  const byBlob = new Map(keys.map((one) => [nameOf(one.publicBlob), one]));
  const identities = message(IDENTITIES_ANSWER, [
    sshCount(byBlob.size),
    ...[...byBlob.values()].flatMap(({ publicBlob }) => [sshBytes(publicBlob), sshBytes('')]),
  ]);
  const ask = async (request: Buffer): Promise<Buffer> => {
    if (typeOf(request) === REQUEST_IDENTITIES) return identities;
    if (typeOf(request) !== SIGN_REQUEST) return AGENT_FAILURE;
    const signature = await signed(request.subarray(HEAD_BYTES), byBlob);
    return signature === undefined ? AGENT_FAILURE : message(SIGN_RESPONSE, [sshBytes(signature)]);
  };
  return { connect: async () => ({ ask, [Symbol.dispose]: () => undefined }) };
}

function nameOf(blob: Buffer): string {
  return blob.toString('latin1');
}

function message(type: number, parts: readonly Buffer[]): Buffer {
  return sshBytes(Buffer.concat([Buffer.of(type), ...parts]));
}

/** The signature that is asked for; undefined where the key is another's, or does not sign in that way. */
async function signed(request: Buffer, keys: ReadonlyMap<string, SshKey>): Promise<Buffer | undefined> {
  const asked = readRequest(request);
  const found = asked && keys.get(nameOf(asked.blob));
  if (asked === undefined || found === undefined) return undefined;
  const { key } = found;
  const algorithm = key.asymmetricKeyType === 'rsa' ? RSA_BY_FLAGS.get(asked.flags) : found.algorithm;
  if (algorithm === undefined || (key.asymmetricKeyType !== 'rsa' && asked.flags !== 0)) return undefined;
  const bytes = await signature(asked.data, algorithm, key);
  if (bytes === undefined) return undefined;
  return Buffer.concat([
    sshBytes(algorithm.name),
    sshBytes(key.asymmetricKeyType === 'ec' ? twoNumbers(bytes) : bytes),
  ]);
}

function readRequest(
  request: Buffer,
): { readonly blob: Buffer; readonly data: Buffer; readonly flags: number } | undefined {
  try {
    const reader = new SshReader(request);
    return { blob: reader.bytes(), data: reader.bytes(), flags: reader.number() };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Made away from the thread that everything else runs on; undefined where the key is too short for the hash. */
function signature(data: Buffer, { hash }: SshAlgorithm, key: KeyObject): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  sign(hash, data, { key, dsaEncoding: 'ieee-p1363' }, (error, bytes) => resolve(error === null ? bytes : undefined));
  return promise;
}

/** Both halves of an ECDSA signature as ssh wants them (RFC 5656, 3.1.2). */
function twoNumbers(bytes: Buffer): Buffer {
  const half = bytes.length / 2;
  return Buffer.concat([sshNumber(bytes.subarray(0, half)), sshNumber(bytes.subarray(half))]);
}
