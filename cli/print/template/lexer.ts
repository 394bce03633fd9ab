import type { SourceFile } from '../../../planner/source.ts';
import type { Place } from './syntax.ts';
import { BadTemplate } from './syntax.ts';

/** A word of an action. `chain`: `.A.B`, directly behind a parenthesis when `isJoined`. */
export interface Token extends Place {
  readonly kind: 'word' | 'chain' | 'variable' | 'number' | 'text' | '(' | ')' | '|' | ',' | ':=' | '=';
  readonly text: string;
  /** Nothing stands between it and the one before. */
  readonly isJoined: boolean;
}

/** A piece of a template: text as it is, or the words of an action. */
export type Piece =
  | { readonly is: 'text'; readonly text: string }
  | (Place & { readonly is: 'action'; readonly tokens: readonly Token[] });

const TOKENS: readonly (readonly [kind: Token['kind'], pattern: RegExp])[] = [
  ['text', /"(?:\\.|[^"\\\n])*"|`[^`]*`/y],
  ['chain', /\.[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)*|\.(?![\d\p{L}_])/uy],
  ['variable', /\$[\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)*/uy],
  ['number', /[+-]?\.?\d[\w.+-]*/y],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  [':=', /:=/y],
  ['=', /=/y],
  ['(', /\(/y],
  [')', /\)/y],
  ['|', /\|/y],
  [',', /,/y],
];

/** Takes a template apart (Go, `text/template/parse`): `{{-` and `-}}` eat the space beside them, comments are dropped. */
export function pieces(file: SourceFile): readonly Piece[] {
  const { text } = file;
  const found: Piece[] = [];
  let trims = false;
  for (let at = 0; at < text.length;) {
    const open = text.indexOf('{{', at);
    const end = open === -1 ? text.length : open;
    const trimsBefore = open !== -1 && /^-\s/.test(text.slice(open + 2, open + 4));
    const whole = text.slice(at, end);
    const start = trims ? whole.trimStart() : whole;
    const between = trimsBefore ? start.trimEnd() : start;
    if (between !== '') found.push({ is: 'text', text: between });
    if (open === -1) break;
    const action = actionFrom(file, open, trimsBefore ? open + 4 : open + 2);
    if (!action.isComment) found.push({ is: 'action', start: open, end: action.end, tokens: action.tokens });
    trims = action.trims;
    at = action.end;
  }
  return found;
}

interface Action {
  readonly tokens: readonly Token[];
  readonly isComment: boolean;
  readonly trims: boolean;
  readonly end: number;
}

function actionFrom(file: SourceFile, open: number, from: number): Action {
  const { text } = file;
  const comment = /\s*\/\*[\s\S]*?\*\/(\s+-|\s*)\}\}/y;
  comment.lastIndex = from;
  const [whole, dash] = comment.exec(text) ?? [];
  if (whole !== undefined)
    return { tokens: [], isComment: true, trims: dash?.endsWith('-') === true, end: from + whole.length };
  const tokens: Token[] = [];
  for (let at = from; at < text.length;) {
    const close = /(\s+-|\s*)\}\}/y;
    close.lastIndex = at;
    const closed = close.exec(text);
    if (closed !== null) {
      return { tokens, isComment: false, trims: closed[1]?.endsWith('-') === true, end: at + closed[0].length };
    }
    const space = /\s*/y;
    space.lastIndex = at;
    const next = at + (space.exec(text)?.[0].length ?? 0);
    if (next >= text.length) break;
    const token = tokenAt(file, next, next === at && tokens.length > 0);
    tokens.push(token);
    at = token.end;
  }
  throw new BadTemplate(file, { start: open, end: open + 2 }, 'an action that begins with {{ does not end with }}');
}

function tokenAt(file: SourceFile, start: number, isJoined: boolean): Token {
  for (const [kind, pattern] of TOKENS) {
    pattern.lastIndex = start;
    const text = pattern.exec(file.text)?.[0];
    if (text !== undefined) return { kind, text, start, end: start + text.length, isJoined };
  }
  throw new BadTemplate(
    file,
    { start, end: start + 1 },
    `${JSON.stringify(file.text.slice(start, start + 1))} means nothing in an action`,
  );
}
