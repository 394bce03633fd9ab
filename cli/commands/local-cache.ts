import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import { BuildkitClient } from '../../runtime/buildkit/client.ts';
import { codeName, isConnectionLoss, wireError } from '../../runtime/buildkit/error.ts';
import { unreachableBuilder } from '../../runtime/build/failures.ts';
import type { CommandContext } from '../command.ts';
import { findBuilder } from '../builder.ts';
import { canceled, complain } from '../print/complain.ts';
import { failureText } from '../print/failure.ts';

const UNKNOWN = 2;

/** The build cache of the engine at hand. */
export interface LocalCache extends Disposable {
  readonly client: BuildkitClient;
  /** Tells what a call was rejected with, and gives the exit code. */
  readonly tell: (error: unknown) => number;
}

/** Finds the engine; where there is none, that is told, and the exit code is the failure. */
export async function openCache(context: CommandContext): Promise<Result<LocalCache, number>> {
  const { signal } = context;
  const engine = await findBuilder(context);
  if (!engine.ok) return fail(write(context, failureText(engine.failure)));
  const { endpoint } = engine.value;
  const client = new BuildkitClient(endpoint);
  const tell = (error: unknown): number => {
    if (signal.aborted) return canceled(context);
    const wire = wireError(error);
    if (wire === undefined) throw error;
    if (isConnectionLoss(wire)) return write(context, failureText(unreachableBuilder(endpoint, error)));
    return complain(context, `${wire.code === UNKNOWN ? '' : `${codeName(wire.code)}: `}${wire.message}`);
  };
  return ok({ client, tell, [Symbol.dispose]: () => client[Symbol.dispose]() });
}

function write({ stderr }: CommandContext, text: string): number {
  stderr.write(`${text}\n`);
  return 1;
}
