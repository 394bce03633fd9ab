import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readSourcePolicy } from '../planner/options/source-policy.ts';
import type { Result } from '../planner/result.ts';
import { fail, ok } from '../planner/result.ts';
import type { WirePolicy } from '../runtime/buildkit/source-policy.ts';
import { binaryPolicy, wirePolicy } from '../runtime/buildkit/source-policy.ts';
import type { CommandContext } from './command.ts';
import { decodeText } from './host.ts';
import { complain } from './print/complain.ts';
import { diagnosticsText } from './print/diagnostic.ts';

const VARIABLE = 'EXPERIMENTAL_BUILDKIT_SOURCE_POLICY';

/**
 * The policy in the file that `EXPERIMENTAL_BUILDKIT_SOURCE_POLICY` names, in JSON or protobuf (docker/buildx
 * `build/build.go`, `ReadSourcePolicy`); undefined without one. Fails with the exit code, what is wrong being told by then.
 */
export async function sourcePolicy(context: CommandContext): Promise<Result<WirePolicy | undefined, number>> {
  const { [VARIABLE]: name = '' } = context.env;
  if (name === '') return ok(undefined);
  const bytes = await readFile(path.resolve(context.cwd, name)).catch((error: Error) => error);
  if (bytes instanceof Error)
    return fail(complain(context, `the source policy ${name} (${VARIABLE}) cannot be read: ${bytes.message}`));
  const binary = binaryPolicy(bytes);
  if (binary !== undefined) return ok(binary);
  const text = textOf(bytes);
  if (text === undefined)
    return fail(complain(context, `the source policy ${name} (${VARIABLE}) is neither JSON in UTF-8 nor protobuf`));
  const policy = readSourcePolicy({ name, text });
  if (policy.ok) return ok(wirePolicy(policy.value));
  context.stderr.write(diagnosticsText('ERROR', policy.failure));
  return fail(1);
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decodeText(bytes);
  } catch {
    return undefined;
  }
}
