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
const MAX_CHARACTERS = 4 * 1024 * 1024;

/**
 * Replaces `$NAME` and `${...}` in a text (compose-go v2.9 `template/template.go`). Defaults and messages are evaluated
 * whether they are used or not; what is not set inside unused ones is not told.
 */
export function interpolate(text: string, variables: Variables, depth = 0): Result<string, TemplateProblem> {
  if (depth > MAX_DEPTH) return fail({ is: 'invalid', text });
  let result = '';
  let rest = text;
  for (;;) {
    if (result.length > MAX_CHARACTERS) return fail({ is: 'too-long', text });
    const dollar = rest.indexOf('$');
    if (dollar === -1) return ok(result + rest);
    result += rest.slice(0, dollar);
    rest = rest.slice(dollar);
    if (rest.startsWith('$$')) {
      result += '$';
      rest = rest.slice(2);
      continue;
    }
    const name = /^\$([A-Za-z_][A-Za-z0-9_]*)/.exec(rest);
    if (name?.[1] !== undefined) {
      result += plain(name[1], variables);
      rest = rest.slice(name[0].length);
    } else if (rest.startsWith('${')) {
      const braced = bracedReference(rest);
      if (braced === undefined) return fail({ is: 'invalid', text });
      const value = reference(braced.inside, variables, text, depth);
      if (!value.ok) return value;
      result += value.value;
      rest = rest.slice(braced.length);
    } else {
      result += '$';
      rest = rest.slice(1);
    }
  }
}

function plain(name: string, { get, onUnset }: Variables): string {
  const value = get(name);
  if (value === undefined) onUnset?.(name);
  return value ?? '';
}

/**
 * The text between the braces, and the length of the whole. It reaches to the last `}` of the line; inside that, braces
 * are counted, and the character after each `{` is passed over.
 */
function bracedReference(text: string): { readonly inside: string; readonly length: number } | undefined {
  const line = text.slice(0, text.includes('\n') ? text.indexOf('\n') : text.length);
  const last = line.lastIndexOf('}');
  if (last === -1) return undefined;
  let open = 0;
  for (let at = 1; at <= last; at++) {
    if (line[at] === '{') {
      open++;
      at++;
    } else if (line[at] === '}' && --open === 0) return { inside: line.slice(2, at), length: at + 1 };
  }
  return { inside: line.slice(2, last), length: last + 1 };
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
