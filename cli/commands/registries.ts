import { CredentialHelperFailed, CredentialStore } from '../../runtime/docker/credentials.ts';
import { BadImage } from '../../runtime/images/bad-image.ts';
import { BadProxy } from '../../runtime/registry/proxy.ts';
import { Registries } from '../../runtime/registry/registries.ts';
import { RegistryError } from '../../runtime/registry/registry-error.ts';
import type { CommandContext } from '../command.ts';
import { dockerConfig } from '../config.ts';
import { environmentMap } from '../environment.ts';
import { registryFailureText } from '../print/registry-failure.ts';
import { printable } from '../print/text.ts';

/** The exit code of a process ended by Ctrl-C. */
const INTERRUPTED = 130;

/** Registries, with the credentials of Docker's configuration. */
export interface OpenRegistries {
  readonly registries: Registries;
  readonly signal: AbortSignal;
}

/** Does something with registries; what they refuse is told, and gives the exit code. */
export async function withRegistries(
  context: CommandContext,
  work: (opened: OpenRegistries) => Promise<number>,
): Promise<number> {
  const { env, signal, stderr } = context;
  const config = await dockerConfig(env, (warning) => void stderr.write(`WARNING: ${warning}\n`));
  const variables = environmentMap(env);
  await using registries = new Registries({
    credentials: new CredentialStore(config, variables),
    env: variables,
  });
  try {
    return await work({ registries, signal });
  } catch (error) {
    if (signal.aborted) {
      stderr.write('ERROR: canceled\n');
      return INTERRUPTED;
    }
    if (!isForeseen(error)) throw error;
    stderr.write(`${registryFailureText(error)}\n`);
    return 1;
  }
}

function isForeseen(error: unknown): error is Error {
  return [RegistryError, BadImage, CredentialHelperFailed, BadProxy].some((kind) => error instanceof kind);
}

/** Says what is wrong, and gives the exit code. */
export function complain({ stderr }: CommandContext, message: string): number {
  stderr.write(`ERROR: ${printable(message)}\n`);
  return 1;
}
