import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { status as code } from '../rpc/status.ts';
import { secretFile } from '../../planner/options/secret.ts';
import type { SecretEntry } from '../../planner/target.ts';
import { Secrets } from '../../proto/gen/moby/buildkit/secrets/v1/secrets_pb.ts';
import type { SessionService } from './server.ts';
import { RpcError, unaryHandler } from './server.ts';

/** BuildKit's limit (moby/buildkit `session/secrets`). */
const MAX_SECRET_BYTES = 500 * 1024;

/** How long somebody may take to open a pipe for writing. */
const WRITER_MS = 2_000;

const PAUSE_MS = 10;

/**
 * Hands out a target's secrets, read only when a step asks. The environment wins over a file; with neither named, the
 * variable of the secret's own name is taken if set, else the file of that name; a variable that is named but not set
 * is an empty secret (moby/buildkit `session/secrets/secretsprovider/store.go`).
 */
export function secretsService(
  secrets: readonly SecretEntry[],
  { env, resolve }: { readonly env: ReadonlyMap<string, string>; readonly resolve: (path: string) => string },
): SessionService {
  const byId = new Map(secrets.map((secret) => [secret.id, secret]));
  return unaryHandler(Secrets.method.getSecret, async ({ ID }, { signal }) => {
    const secret = byId.get(ID);
    if (!secret) throw new RpcError(code.NOT_FOUND, `secret ${ID} is not offered by this build`);
    const file = secret.env === undefined ? secretFile(secret, env) : undefined;
    if (file !== undefined) return { data: await readSecret(resolve(file), ID, signal) };
    return { data: withinLimit(Buffer.from(env.get(secret.env ?? secret.id) ?? ''), ID) };
  });
}

/**
 * Reads a file, or a pipe such as `<(...)` of a shell. Opening a pipe never waits: a thread that did would keep the whole
 * program from ending.
 */
async function readSecret(file: string, id: string, signal: AbortSignal): Promise<Uint8Array> {
  await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      throw new RpcError(code.NOT_FOUND, `the file of secret ${id} cannot be read: ${error.code ?? error.message}`);
    },
  );
  const buffer = Buffer.alloc(MAX_SECRET_BYTES + 1);
  const isPipe = (await handle.stat()).isFIFO();
  const latest = Date.now() + WRITER_MS;
  let length = 0;
  for (let isWritten = !isPipe; length < buffer.length;) {
    const read = await readSome(handle, buffer.subarray(length));
    if (read === undefined) isWritten = true;
    else if (read > 0) length += read;
    else if (isWritten || length > 0) break;
    else if (Date.now() > latest)
      throw new RpcError(code.NOT_FOUND, `the file of secret ${id} is a pipe that nobody writes to`);
    if (read === undefined || read === 0) await setTimeout(PAUSE_MS, undefined, { signal });
  }
  return withinLimit(buffer.subarray(0, length), id);
}

/** How many bytes were there to read: none at the end, undefined when the writer of a pipe has more to come. */
async function readSome(handle: FileHandle, into: Buffer): Promise<number | undefined> {
  try {
    return (await handle.read(into)).bytesRead;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return undefined;
    throw error;
  }
}

function withinLimit(data: Uint8Array, id: string): Uint8Array {
  if (data.length <= MAX_SECRET_BYTES) return data;
  throw new RpcError(code.INVALID_ARGUMENT, `secret ${id} is larger than ${MAX_SECRET_BYTES} bytes`);
}
