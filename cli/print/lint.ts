import type { BuiltTarget } from '../../runtime/build/build.ts';
import type { DockerfileRange } from '../../runtime/event.ts';
import { compareText } from '../../planner/hcl/value.ts';
import { dockerfileExcerpt } from './dockerfile.ts';
import { parsedAnswer } from './parsed-answer.ts';

/** What a linter has to say of one Dockerfile (moby/buildkit `frontend/subrequests/lint`). */
export interface LintResults {
  readonly warnings?: readonly LintWarning[];
  readonly sources?: readonly LintSource[];
  /** Why the Dockerfile cannot be built at all. */
  readonly buildError?: { readonly message?: string; readonly location?: LintLocation };
}

interface LintWarning {
  readonly ruleName?: string;
  readonly url?: string;
  readonly detail?: string;
  readonly location?: LintLocation;
}

interface LintSource {
  readonly filename?: string;
  /** Base64. */
  readonly data?: string;
}

interface LintLocation {
  readonly sourceIndex?: number;
  readonly ranges?: readonly LintRange[];
}

interface LintRange {
  readonly start?: LintPosition;
  readonly end?: LintPosition;
}

interface LintPosition {
  readonly line?: number;
  readonly character?: number;
}

/** From which kind of finding on a lint counts as failed. */
export type LintLevel = 'info' | 'warn' | 'error' | 'none';

/** The level that `--lint-fail-on` names; undefined when it is none. */
export function lintLevel(text: string): LintLevel | undefined {
  return text === 'info' || text === 'warn' || text === 'error' || text === 'none' ? text : undefined;
}

/** Whether one of the answers to a lint holds something as bad as this; what is no error is a warning. */
export function reachesLevel(built: readonly BuiltTarget[], level: LintLevel): boolean {
  const all = built.flatMap(({ answer }) => {
    const parsed = answer === undefined ? undefined : parsedAnswer(answer, 'lint');
    return parsed?.ok === true ? [parsed.value as LintResults] : [];
  });
  return all.some(({ warnings, buildError }) => {
    const worst = buildError !== undefined ? 2 : (warnings ?? []).length > 0 ? 1 : 0;
    return worst > 0 && worst >= { info: 0, warn: 1, error: 2, none: 3 }[level];
  });
}

/** A linter's results in words; `dockerfile` is the name by which the user knows the file. */
export function lintText(results: LintResults, dockerfile: string): string {
  const warnings = results.warnings ?? [];
  if (warnings.length === 0) return results.buildError === undefined ? 'Check complete, no warnings found.\n' : '';
  const count = warnings.length === 1 ? '1 warning has' : `${warnings.length} warnings have`;
  const each = [...warnings].sort((a, b) => inOrder(a, b, results)).map((one) => warningText(one, results, dockerfile));
  return `Check complete, ${count} been found!\n${each.join('')}`;
}

/** Why the Dockerfile cannot be built, in words; undefined when it can. */
export function lintErrorText({ buildError, sources }: LintResults, dockerfile: string): string | undefined {
  if (buildError === undefined) return undefined;
  return `${buildError.message ?? ''}\n${excerpt(buildError.location, sources, dockerfile)}`;
}

function warningText(warning: LintWarning, { sources }: LintResults, dockerfile: string): string {
  const url = (warning.url ?? '') === '' ? '' : ` - ${warning.url}`;
  return `\nWARNING: ${warning.ruleName ?? ''}${url}\n${warning.detail ?? ''}\n${excerpt(warning.location, sources, dockerfile)}`;
}

function excerpt(location: LintLocation | undefined, sources: LintResults['sources'], dockerfile: string): string {
  const source = sources?.[location?.sourceIndex ?? 0];
  if (source === undefined) return '';
  const lines = dockerfileExcerpt({
    filename: dockerfile,
    data: Buffer.from(source.data ?? '', 'base64'),
    ranges: (location?.ranges ?? []).map(range),
  });
  return lines.map((line) => `${line}\n`).join('');
}

function range({ start, end }: LintRange): DockerfileRange {
  return { start: position(start), end: position(end) };
}

function position(at: LintPosition | undefined): DockerfileRange['start'] {
  return { line: at?.line ?? 0, character: at?.character ?? 0 };
}

/** Warnings about nothing in particular first, by rule; the others by file and first line. */
function inOrder(a: LintWarning, b: LintWarning, { sources }: LintResults): number {
  const [first, second] = [place(a, sources), place(b, sources)];
  if (first === undefined || second === undefined) {
    if (first === second) return compareText(a.ruleName ?? '', b.ruleName ?? '');
    return first === undefined ? -1 : 1;
  }
  return compareText(first.file, second.file) || first.line - second.line;
}

function place(
  { location }: LintWarning,
  sources: LintResults['sources'],
): { readonly file: string; readonly line: number } | undefined {
  const [first] = location?.ranges ?? [];
  if (first === undefined) return undefined;
  return { file: sources?.[location?.sourceIndex ?? 0]?.filename ?? '', line: first.start?.line ?? 0 };
}
