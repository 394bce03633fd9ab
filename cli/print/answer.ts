import type { Call } from '../../planner/options/call.ts';
import type { Result } from '../../planner/result.ts';
import { ok } from '../../planner/result.ts';
import { tabTable } from './tab-table.ts';
import type { LintResults } from './lint.ts';
import { lintErrorText, lintText } from './lint.ts';
import type { Answer } from './parsed-answer.ts';
import { parsedAnswer } from './parsed-answer.ts';
import { printable } from './text.ts';

/** An answer as it is shown, and what it means for the exit code. */
export interface ShownAnswer {
  readonly text: string;
  /** Why the target could not be built at all, where the answer says so. */
  readonly error?: string;
  /** 0 where all is well, or the user does not care. */
  readonly status: number;
}

/** The versions of the answers that are known here (moby/buildkit `frontend/subrequests`); newer ones tell themselves. */
const KNOWN_VERSION = [1, 0, 0] as const;

/**
 * An answer in words, or its own JSON (buildx `commands/build.go`, `printResult`). Fails with what is wrong with an answer
 * that cannot be read.
 */
export function showAnswer(
  answer: Answer,
  { method, format, ignoreStatus }: Call,
  dockerfile: string,
): Result<ShownAnswer, string> {
  const told = answer['result.txt'] ?? '';
  const print = PRINTERS.get(method);
  const isTold = format !== 'json' && (print === undefined || (told !== '' && isNewer(answer.version ?? '')));
  const parsed = isTold && method !== 'lint' ? ok({}) : parsedAnswer(answer, method);
  if (!parsed.ok) return parsed;
  const code = Number.parseInt(answer['result.statuscode'] ?? '0', 10);
  const status = ignoreStatus || Number.isNaN(code) ? 0 : code;
  const inWords = isTold || print === undefined ? told : print(parsed.value, dockerfile);
  const text = format === 'json' ? `${answer['result.json'] ?? ''}\n` : printable(inWords);
  if (method !== 'lint') return ok({ text, status: print === undefined ? status : 0 });
  const results = parsed.value as LintResults;
  const error = lintErrorText(results, dockerfile);
  if (error === undefined) return ok({ text, status });
  const gap = format !== 'json' && (results.warnings ?? []).length > 0 ? '\n' : '';
  return ok({ text: text + gap, error, status: 1 });
}

/** How the answers to the methods that are known here are put into words. */
const PRINTERS: ReadonlyMap<string, (answer: unknown, dockerfile: string) => string> = new Map([
  ['outline', (answer) => outlineText(answer as Outline)],
  ['targets', (answer) => targetsText(answer as StageList)],
  ['subrequests.describe', (answer) => describeText(answer as readonly Described[])],
  ['lint', (answer, dockerfile) => lintText(answer as LintResults, dockerfile)],
]);

function isNewer(version: string): boolean {
  const parts = version.split('.').map(Number);
  const at = KNOWN_VERSION.findIndex((known, index) => known !== (parts[index] ?? 0));
  return at !== -1 && (parts[at] ?? 0) > (KNOWN_VERSION[at] ?? 0);
}

interface Outline {
  readonly name?: string;
  readonly description?: string;
  readonly args?: readonly { readonly name?: string; readonly value?: string; readonly description?: string }[];
  readonly secrets?: readonly Needed[];
  readonly ssh?: readonly Needed[];
}

interface Needed {
  readonly name?: string;
  readonly required?: boolean;
}

function outlineText({ name = '', description = '', args = [], secrets = [], ssh = [] }: Outline): string {
  const tables: string[] = [];
  if (name !== '' || description !== '') {
    const rows = [['TARGET:', name === '' ? '(default)' : name]];
    if (description !== '') rows.push(['DESCRIPTION:', description]);
    tables.push(tabTable(rows, 1));
  }
  if (args.length > 0) {
    const rows = args.map((one) => [one.name ?? '', one.value ?? '', one.description ?? '']);
    tables.push(tabTable([['BUILD ARG', 'VALUE', 'DESCRIPTION'], ...rows], 3));
  }
  for (const [title, needed] of [
    ['SECRET', secrets],
    ['SSH', ssh],
  ] as const) {
    const rows = needed.map((one) => [one.name ?? '', one.required === true ? 'true' : '']);
    if (rows.length > 0) tables.push(tabTable([[title, 'REQUIRED'], ...rows], 3));
  }
  return tables.map((table) => `${table}\n`).join('');
}

interface StageList {
  readonly targets?: readonly { readonly name?: string; readonly default?: boolean; readonly description?: string }[];
}

function targetsText({ targets = [] }: StageList): string {
  const rows = targets.map(({ name = '', default: isDefault = false, description = '' }) => [
    `${name}${name !== '' && isDefault ? ' ' : ''}${isDefault ? '(default)' : ''}`,
    description,
  ]);
  return tabTable([['TARGET', 'DESCRIPTION'], ...rows], 1);
}

interface Described {
  readonly name?: string;
  readonly version?: string;
  readonly description?: string;
}

function describeText(requests: readonly Described[]): string {
  const rows = requests.map(({ name = '', version = '', description = '' }) => [
    name.replace(/^frontend\./, ''),
    version,
    description,
  ]);
  return tabTable([['NAME', 'VERSION', 'DESCRIPTION'], ...rows], 1);
}
