import { remoteNames } from '../../planner/bake/discover.ts';
import type { RemoteDefinition } from '../../planner/bake/remote.ts';
import { readRemoteDefinition } from '../../runtime/build/remote-definition.ts';
import type { RuntimeFailure } from '../../runtime/failure.ts';
import type { CommandContext } from '../command.ts';
import { findBuilder } from '../builder.ts';
import { environmentMap } from '../environment.ts';
import { passphrasePrompt } from '../passphrase.ts';
import { canceled } from '../print/complain.ts';
import { failureText } from '../print/failure.ts';
import { chooseProgress } from '../progress/choose.ts';

/** Has the engine at hand fetch a definition and reads it there; undefined when that failed, which is told by then. */
export async function readRemote(
  url: string,
  context: CommandContext,
  named: readonly string[] = context.args.lists.get('file') ?? [],
): Promise<RemoteDefinition | undefined> {
  const { args, env, signal, stderr } = context;
  const mode = args.texts.get('progress') ?? (env.BUILDKIT_PROGRESS || 'auto');
  const progress = await chooseProgress(mode, (text) => void stderr.write(text));
  if (!progress.ok) {
    stderr.write(`ERROR: ${progress.failure}\n`);
    return undefined;
  }
  const engine = await findBuilder(context);
  if (!engine.ok) return failed(engine.failure, context);
  const variables = environmentMap(env);
  const definition = await readRemoteDefinition({
    url,
    ...remoteNames({ named, environment: variables }),
    builder: engine.value,
    cwd: context.cwd,
    askPassphrase: passphrasePrompt(context),
    env: variables,
    emit: progress.value.onEvent,
    signal,
  });
  progress.value.end();
  return definition.ok ? definition.value : failed(definition.failure, context);
}

function failed(failure: RuntimeFailure, { signal, stderr }: CommandContext): undefined {
  if (signal.aborted) canceled({ stderr });
  else stderr.write(`${failureText(failure)}\n`);
  return undefined;
}
