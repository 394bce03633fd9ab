import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';

/** What keeps a text from being interpolated. */
export type TemplateProblem =
  | { readonly is: 'invalid'; readonly text: string }
  | { readonly is: 'too-long'; readonly text: string }
  | { readonly is: 'required'; readonly name: string; readonly message: string };

/** Where variables come from, and who hears of those that are not set. */
export interface Variables {
  readonly get: (name: string) => string | undefined;
  readonly onUnset?: (name: string) => void;
}

/** Nested defaults deeper than this are refused. */
const MAX_DEPTH = 100;
/** Results longer than this are refused: variables of variables of variables double in length each time. */
export const MAX_CHARACTERS = 4 * 1024 * 1024;

/**
 * Replaces `$NAME` and `${...}` in a text (compose-go v2.9 `template/template.go`). Defaults and messages are evaluated
 * whether they are used or not; what is not set inside unused ones is not told.
 */
export function interpolate(text: string, variables: Variables, depth = 0): Result<string, TemplateProblem> {
  if (depth > MAX_DEPTH) return fail({ is: 'invalid', text });
  let result = '';
  let line: Line = { end: 0, lastBrace: -1 };
  for (let at = 0; ;) {
    if (result.length > MAX_CHARACTERS) return fail({ is: 'too-long', text });
    const dollar = text.indexOf('$', at);
    if (dollar === -1) return ok(result + text.slice(at));
    result += text.slice(at, dollar);
    NAME.lastIndex = dollar + 1;
    const name = NAME.exec(text)?.[0];
    if (name !== undefined) {
      result += plain(name, variables);
      at = dollar + 1 + name.length;
    } else if (text[dollar + 1] === '{') {
      if (dollar >= line.end) line = lineFrom(text, dollar);
      const close = closingBrace(text, dollar, line);
      if (close === undefined) return fail({ is: 'invalid', text });
      const value = reference(text.slice(dollar + 2, close), variables, text, depth);
      if (!value.ok) return value;
      result += value.value;
      at = close + 1;
    } else {
      result += '$';
      at = text[dollar + 1] === '$' ? dollar + 2 : dollar + 1;
    }
  }
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;

/** The end of a line, and its last `}`; told once for all references in it. */
interface Line {
  readonly end: number;
  readonly lastBrace: number;
}

function lineFrom(text: string, start: number): Line {
  const newline = text.indexOf('\n', start);
  const end = newline === -1 ? text.length : newline;
  return { end, lastBrace: text.lastIndexOf('}', end) };
}

function plain(name: string, { get, onUnset }: Variables): string {
  const value = get(name);
  if (value === undefined) onUnset?.(name);
  return value ?? '';
}

/**
 * Where the reference that begins at a dollar ends. It reaches to the last `}` of the line; inside that, braces are
 * counted, and the character after each `{` is passed over.
 */
function closingBrace(text: string, dollar: number, { lastBrace }: Line): number | undefined {
  if (lastBrace < dollar) return undefined;
  let open = 0;
  for (let at = dollar + 1; at <= lastBrace; at++) {
    if (text[at] === '{') {
      open++;
      at++;
    } else if (text[at] === '}' && --open === 0) return at;
  }
  return lastBrace;
}

function reference(
  inside: string,
  variables: Variables,
  whole: string,
  depth: number,
): Result<string, TemplateProblem> {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])([^]*))?$/.exec(inside);
  if (!match) return fail({ is: 'invalid', text: whole });
  const [, name = '', operator, word = ''] = match;
  if (operator === undefined) return ok(plain(name, variables));
  const value = variables.get(name);
  const isSet = value !== undefined && (value !== '' || !operator.startsWith(':'));
  const usesWord = operator.endsWith('+') ? isSet : !isSet;
  const evaluated = interpolate(word, usesWord ? variables : { get: variables.get }, depth + 1);
  if (!evaluated.ok) return evaluated;
  if (operator.endsWith('?')) {
    return isSet ? ok(value) : fail({ is: 'required', name, message: evaluated.value });
  }
  if (operator.endsWith('+')) return ok(isSet ? evaluated.value : '');
  return ok(isSet ? value : evaluated.value);
}

/** A problem in words, as the reference has them. */
export function problemText(problem: TemplateProblem): string {
  if (problem.is === 'invalid') return `Invalid template: ${shortened(problem.text)}`;
  if (problem.is === 'too-long') return `${shortened(problem.text)} comes to more than ${MAX_CHARACTERS} characters`;
  return `required variable ${problem.name} is missing a value${problem.message === '' ? '' : `: ${problem.message}`}`;
}

/** The beginning of a text, in quotes. */
export function shortened(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
