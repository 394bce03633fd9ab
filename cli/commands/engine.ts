import { unreachable } from '../../planner/result.ts';
import { describeEndpoint } from '../../runtime/buildkit/describe-endpoint.ts';
import type { EngineHandle } from '../../runtime/hosts/engine/discover.ts';
import { engineDown, engineStatus, engineUp } from '../../runtime/hosts/engine/engine.ts';
import type { StepEvent } from '../../runtime/hosts/engine/step.ts';
import type { Command, CommandContext } from '../command.ts';
import { dataDir } from '../config.ts';
import { complain } from '../print/complain.ts';
import { failureText } from '../print/failure.ts';

/** `depot engine`: sets up, shows or stops the engine that depot itself has on this machine. */
export const engine: Command = {
  name: 'engine',
  summary: 'Set up, show or stop the engine that builds',
  usage: 'engine up | status | down [--purge]',
  flags: [{ name: 'purge', kind: 'switch', help: 'With down: also remove images, cache and the engine itself' }],
  run: async (context) => {
    const [word, ...extra] = context.args.rest;
    if (extra.length > 0) return complain(context, `engine ${word} takes no arguments`);
    switch (word) {
      case 'up':
        return up(context);
      case 'status':
        return status(context);
      case 'down':
        return down(context);
      default:
        return complain(
          context,
          word === undefined
            ? 'say up, status or down'
            : `unknown command "engine ${word}"; up, status and down are known`,
        );
    }
  },
};

async function up(context: CommandContext): Promise<number> {
  const { env, signal, stdout } = context;
  const result = await engineUp({ dataDir: dataDir(env), env, signal, report: stepLines(context) });
  if (!result.ok) return complainFailure(context, failureText(result.failure));
  stdout.write(`${engineWords(result.value)}\n`);
  return 0;
}

async function status(context: CommandContext): Promise<number> {
  const { env, signal, stdout } = context;
  const result = await engineStatus({ dataDir: dataDir(env), env, signal });
  if (!result.ok) return complainFailure(context, failureText(result.failure));
  const { engine: used, sandbox } = result.value;
  stdout.write(
    used.ok ? `${engineWords(used.value)}\n` : `No engine: ${failureText(used.failure).replace('ERROR: ', '')}\n`,
  );
  stdout.write(`Sandboxed engine: ${sandbox.state}${sandbox.pid === undefined ? '' : ` (process ${sandbox.pid})`}\n`);
  stdout.write(`  socket ${sandbox.socket}\n  log    ${sandbox.log}\n`);
  return used.ok ? 0 : 1;
}

async function down(context: CommandContext): Promise<number> {
  const { env, signal, stdout, args } = context;
  const result = await engineDown({
    dataDir: dataDir(env),
    signal,
    purge: args.switches.get('purge') === true,
    report: stepLines(context),
  });
  if (!result.ok) return complainFailure(context, failureText(result.failure));
  const { stopped, removed } = result.value;
  stdout.write(stopped.length === 0 ? 'No engine of ours was running.\n' : `Stopped: ${stopped.join(', ')}.\n`);
  for (const folder of removed) stdout.write(`Removed ${folder}\n`);
  return 0;
}

function complainFailure({ stderr }: CommandContext, words: string): number {
  stderr.write(`${words}\n`);
  return 1;
}

function engineWords(handle: EngineHandle): string {
  const version = handle.version === undefined ? '' : ` ${handle.version}`;
  return `Engine: ${kindWords(handle)}${version} at ${describeEndpoint(handle.endpoint)}`;
}

function kindWords(handle: EngineHandle): string {
  switch (handle.kind) {
    case 'buildkit-host':
      return 'BuildKit (BUILDKIT_HOST)';
    case 'buildkitd':
      return 'buildkitd';
    case 'docker':
      return 'Docker Engine';
    case 'sandbox':
      return 'sandboxed Docker Engine';
    default:
      return unreachable(handle.kind);
  }
}

/** A line for each step when it begins, what it is doing, and how it ended. */
function stepLines({ stderr }: CommandContext): (event: StepEvent) => void {
  return ({ title, state, detail }) => {
    const more = detail === undefined ? '' : `: ${detail}`;
    switch (state) {
      case 'started':
        stderr.write(`=> ${title} ...\n`);
        break;
      case 'running':
        stderr.write(`   ${detail ?? ''}\n`);
        break;
      case 'done':
      case 'skipped':
      case 'failed':
        stderr.write(`=> ${title}: ${state}${more}\n`);
        break;
      default:
        unreachable(state);
    }
  };
}
