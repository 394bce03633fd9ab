import path from 'node:path';
import { printAnswers } from '../../planner/bake/print.ts';
import { compareText } from '../../planner/hcl/value.ts';
import type { Call } from '../../planner/options/call.ts';
import { calledMethod } from '../../planner/options/call.ts';
import { isRemoteUrl } from '../../planner/options/url.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { Plan, Target } from '../../planner/target.ts';
import type { BuiltTarget } from '../../runtime/build/build.ts';
import type { ShownAnswer } from './answer.ts';
import { showAnswer } from './answer.ts';
import { printable } from './text.ts';

/** What frontends answered about the targets of a plan, as text, and the exit code it comes to. */
export interface ShownAnswers {
  readonly text: string;
  /** Why the one target of a build could not be built at all, where its answer says so. */
  readonly error?: string;
  readonly exitCode: number;
}

interface Answered {
  readonly target: Target;
  readonly method: string;
  readonly shown: ShownAnswer;
}

/**
 * The answers for all targets that were asked about, by name; undefined when there are none (buildx `commands/bake.go`).
 * `call` is what the command line says: its format and whether the status counts are for targets that ask by themselves too.
 * Fails with the target whose answer cannot be read.
 */
export function showAnswers(
  plan: Plan,
  built: readonly BuiltTarget[],
  { call, single = false }: { readonly call: Call | undefined; readonly single?: boolean },
): Result<ShownAnswers | undefined, string> {
  const answered: Answered[] = [];
  for (const target of plan.targets) {
    const method = calledMethod(target.call);
    const answer = built.find(({ name }) => name === target.name)?.answer;
    if (method === undefined || answer === undefined) continue;
    const asked = { ignoreStatus: false, ...call, method };
    const shown = showAnswer(answer, asked, dockerfileName(target));
    const whose = single ? '' : `target ${target.name}: `;
    if (!shown.ok) return fail(`${whose}the answer of its frontend cannot be read: ${shown.failure}`);
    answered.push({ target, method, shown: shown.value });
  }
  if (answered.length === 0) return ok(undefined);
  const [only] = single ? answered : [];
  if (only !== undefined) {
    const { text, error, status } = only.shown;
    return ok({ text, ...(error === undefined ? {} : { error }), exitCode: status });
  }
  const sorted = answered.sort((a, b) => compareText(a.target.name, b.target.name));
  const broken = sorted.some(({ shown }) => shown.error !== undefined);
  const status = sorted.find(({ shown }) => shown.status !== 0)?.shown.status ?? 0;
  return ok({
    text: call?.format === 'json' ? jsonText(plan, sorted) : sorted.map(plainText).join('\n'),
    exitCode: broken ? 1 : status,
  });
}

function plainText({ target, shown }: Answered): string {
  const description = (target.description ?? '') === '' ? '' : `${printable(target.description ?? '')}\n`;
  const error = shown.error === undefined ? '' : `error: ${printable(shown.error)}\n`;
  return `${printable(target.name)}\n${description}\n${shown.text}${error}`;
}

function jsonText(plan: Plan, answered: readonly Answered[]): string {
  const results = answered.map(({ target, method, shown }) => {
    const result: unknown = JSON.parse(shown.text);
    const isObject = typeof result === 'object' && result !== null && !Array.isArray(result);
    const entries = [
      ...(isObject ? Object.entries(result) : [[method, result] as const]),
      ...(shown.error === undefined ? [] : [['error', shown.error] as const]),
    ];
    const sorted = Object.fromEntries(entries.sort(([a], [b]) => compareText(a, b)));
    return [target.name, [method === 'lint' ? 'check' : method, sorted]] as const;
  });
  return printAnswers(plan, new Map(results));
}

/** The name of a target's Dockerfile as the user knows it. */
function dockerfileName(target: Target): string {
  if (target.dockerfileInline !== undefined) return 'inline';
  if (target.dockerfile.startsWith('cwd://')) return path.normalize(target.dockerfile.slice('cwd://'.length));
  const apart = path.isAbsolute(target.dockerfile) || isRemoteUrl(target.dockerfile) || isRemoteUrl(target.context);
  return apart ? target.dockerfile : path.join(target.context, target.dockerfile);
}
