import type { Result } from '../planner/result.ts';
import type { RuntimeFailure } from '../runtime/failure.ts';
import type { EngineHandle } from '../runtime/hosts/engine/discover.ts';
import { findEngine } from '../runtime/hosts/engine/discover.ts';
import type { CommandContext } from './command.ts';
import { dataDir } from './config.ts';

/** The engine that builds: the builder of `--builder` or `BUILDX_BUILDER`, one of docker buildx, else the engine at hand. */
export function findBuilder({
  args,
  env,
  signal,
}: Pick<CommandContext, 'args' | 'env' | 'signal'>): Promise<Result<EngineHandle, RuntimeFailure>> {
  const flag = args.texts.get('builder') ?? '';
  const name = flag || env.BUILDX_BUILDER || 'default';
  const askedBy = flag === '' ? 'BUILDX_BUILDER' : '--builder';
  return findEngine({
    dataDir: dataDir(env),
    env,
    signal,
    ...(name === 'default' ? {} : { builder: { name, askedBy } }),
  });
}
