import type { Call } from '../../planner/options/call.ts';
import { tabTable } from './tab-table.ts';
import type { LintResults } from './lint.ts';
import { lintErrorText, lintText } from './lint.ts';

/** A frontend's answer about a target: `result.json`, `result.txt`, `result.statuscode`, `version`. */
export type Answer = Readonly<Record<string, string>>;

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

/** An answer in words, or its own JSON (buildx `commands/build.go`, `printResult`). */
export function showAnswer(answer: Answer, { method, format, ignoreStatus }: Call, dockerfile: string): ShownAnswer {
  const json = answer['result.json'] ?? '';
  const told = answer['result.txt'] ?? '';
  const known = !isNewer(answer.version ?? '');
  const text = (print: (value: unknown) => string): string => {
    if (format === 'json') return `${json}\n`;
    return known || told === '' ? print(JSON.parse(json)) : told;
  };
  const code = Number.parseInt(answer['result.statuscode'] ?? '0', 10);
  const status = ignoreStatus || Number.isNaN(code) ? 0 : code;
  switch (method) {
    case 'outline':
      return { text: text((value) => outlineText(value as Outline)), status: 0 };
    case 'targets':
      return { text: text((value) => targetsText(value as StageList)), status: 0 };
    case 'subrequests.describe':
      return { text: text((value) => describeText(value as readonly Described[])), status: 0 };
    case 'lint': {
      const results = JSON.parse(json) as LintResults;
      const error = lintErrorText(results, dockerfile);
      const gap = error !== undefined && format !== 'json' && (results.warnings ?? []).length > 0 ? '\n' : '';
      return {
        text: text(() => lintText(results, dockerfile)) + gap,
        ...(error === undefined ? {} : { error }),
        status: error === undefined ? status : 1,
      };
    }
    default:
      return { text: format === 'json' && json !== '' ? `${json}\n` : told, status };
  }
}

function isNewer(version: string): boolean {
  const parts = version.split('.').map(Number);
  const at = KNOWN_VERSION.findIndex((known, index) => known !== (parts[index] ?? 0));
  return at !== -1 && (parts[at] ?? 0) > (KNOWN_VERSION[at] ?? 0);
}

interface Outline {
  readonly name?: string;
  readonly description?: string;
  readonly args?: readonly { readonly name: string; readonly value?: string; readonly description?: string }[];
  readonly secrets?: readonly Needed[];
  readonly ssh?: readonly Needed[];
}

interface Needed {
  readonly name: string;
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
    const rows = args.map((one) => [one.name, one.value ?? '', one.description ?? '']);
    tables.push(tabTable([['BUILD ARG', 'VALUE', 'DESCRIPTION'], ...rows], 3));
  }
  for (const [title, needed] of [
    ['SECRET', secrets],
    ['SSH', ssh],
  ] as const) {
    const rows = needed.map((one) => [one.name, one.required === true ? 'true' : '']);
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
  readonly name: string;
  readonly version: string;
  readonly description: string;
}

function describeText(requests: readonly Described[]): string {
  const rows = requests.map(({ name, version, description }) => [
    name.replace(/^frontend\./, ''),
    version,
    description,
  ]);
  return tabTable([['NAME', 'VERSION', 'DESCRIPTION'], ...rows], 1);
}
