import { GrpcError, status as code } from '../rpc/status.ts';
import { secretFile } from '../../planner/options/secret.ts';
import type { SecretEntry } from '../../planner/target.ts';
import { Secrets } from '../../proto/gen/moby/buildkit/secrets/v1/secrets_pb.ts';
import { NobodyWrites, readBeginning } from './limited-file.ts';
import type { SessionService } from './server.ts';
import { unaryHandler } from './server.ts';

/** BuildKit's limit (moby/buildkit `session/secrets`). */
const MAX_SECRET_BYTES = 500 * 1024;

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
    if (!secret) throw new GrpcError(code.NOT_FOUND, `secret ${ID} is not offered by this build`);
    const file = secret.env === undefined ? secretFile(secret, env) : undefined;
    if (file !== undefined) return { data: await readSecret(resolve(file), ID, signal) };
    return { data: withinLimit(Buffer.from(env.get(secret.env ?? secret.id) ?? ''), ID) };
  });
}

async function readSecret(file: string, id: string, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return withinLimit(await readBeginning(file, { maxBytes: MAX_SECRET_BYTES + 1, signal }), id);
  } catch (error) {
    if (error instanceof NobodyWrites)
      throw new GrpcError(code.NOT_FOUND, `the file of secret ${id} is a pipe that nobody writes to`);
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    const why = 'code' in error ? String(error.code) : error.message;
    throw new GrpcError(
      code.NOT_FOUND,
      why === 'EISDIR' ? `secret ${id} is a folder, not a file` : `the file of secret ${id} cannot be read: ${why}`,
    );
  }
}

function withinLimit(data: Uint8Array, id: string): Uint8Array {
  if (data.length <= MAX_SECRET_BYTES) return data;
  throw new GrpcError(code.INVALID_ARGUMENT, `secret ${id} is larger than ${MAX_SECRET_BYTES} bytes`);
}
