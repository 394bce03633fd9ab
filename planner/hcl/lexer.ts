import type { ReadableText } from '../source.ts';
import { HclError } from './error.ts';

/** What a token is; punctuation and operators are their own text. */
export interface Token {
  readonly kind: 'identifier' | 'number' | 'quote' | 'heredoc' | 'newline' | 'end' | 'punctuation';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const IDENTIFIER = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy;
/** Nearly all names are of these letters, which are told apart much faster. */
const PLAIN_IDENTIFIER = /[A-Za-z_][A-Za-z0-9_-]*/y;
const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const HEREDOC = /<<(-?)([\p{ID_Start}_][\p{ID_Continue}-]*)(\r?\n)/uy;
const PUNCTUATION = /\.\.\.|::|=>|==|!=|<=|>=|&&|\|\||[-+*/%!<>?:={}[\](),.~]/y;

const ASCII = 0x7f;

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const HASH = 0x23;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const STAR = 0x2a;
const SLASH = 0x2f;

/** Punctuation that begins nothing longer, by its character code. */
const ALONE: ReadonlyMap<number, string> = new Map([...'[]{}(),?+-*/%~'].map((one) => [one.charCodeAt(0), one]));

const PATTERNS: readonly (readonly [Token['kind'], RegExp])[] = [
  ['identifier', IDENTIFIER],
  ['number', NUMBER],
  ['heredoc', HEREDOC],
  ['punctuation', PUNCTUATION],
];

/**
 * Cuts a text into tokens, one at a time from where the parser stands: what comes next can depend on where it is, since
 * newlines do not count inside brackets and strings are templates (HCL native syntax specification, "Lexical Elements").
 */
export class Lexer {
  readonly #source: ReadableText;
  readonly #text: string;

  constructor(source: ReadableText) {
    this.#source = source;
    this.#text = source.text;
  }

  /** The token at or after an offset; white space and comments before it are passed over, newlines if told so. */
  at(offset: number, newlines: 'count' | 'skip'): Token {
    const start = this.#skip(offset, newlines);
    if (start >= this.#text.length) return { kind: 'end', text: '', start, end: start };
    const code = this.#text.charCodeAt(start);
    if (code === NEWLINE) return this.#token('newline', start, start + 1);
    if (code === RETURN && this.#text.charCodeAt(start + 1) === NEWLINE)
      return this.#token('newline', start, start + 2);
    if (code === HASH || (code === SLASH && this.#text.charCodeAt(start + 1) === SLASH))
      return this.#lineComment(start);
    if (code === QUOTE) return { kind: 'quote', text: '"', start, end: start + 1 };
    const alone = ALONE.get(code);
    if (alone !== undefined) return { kind: 'punctuation', text: alone, start, end: start + 1 };
    if (code === EQUALS && !this.#continuesEquals(start))
      return { kind: 'punctuation', text: '=', start, end: start + 1 };
    const plain = this.#match(PLAIN_IDENTIFIER, start);
    if (plain !== undefined && !(this.#text.charCodeAt(plain) > ASCII)) return this.#token('identifier', start, plain);
    for (const [kind, pattern] of PATTERNS) {
      const end = this.#match(pattern, start);
      if (end !== undefined) return this.#token(kind, start, end);
    }
    throw new HclError({ reason: 'syntax', ...foreign(this.#text, start), span: this.#source.span(start, start + 1) });
  }

  #continuesEquals(at: number): boolean {
    const next = this.#text.charCodeAt(at + 1);
    return next === EQUALS || next === GREATER;
  }

  #token(kind: Token['kind'], start: number, end: number): Token {
    return { kind, text: this.#text.slice(start, end), start, end };
  }

  #match(pattern: RegExp, at: number): number | undefined {
    pattern.lastIndex = at;
    return pattern.test(this.#text) ? pattern.lastIndex : undefined;
  }

  /** A comment to the end of its line counts as that line's newline. */
  #lineComment(start: number): Token {
    const end = this.#text.indexOf('\n', start);
    return end === -1
      ? this.#token('end', this.#text.length, this.#text.length)
      : this.#token('newline', start, end + 1);
  }

  #skip(offset: number, newlines: 'count' | 'skip'): number {
    const text = this.#text;
    const skips = newlines === 'skip';
    for (let at = offset; ;) {
      const code = text.charCodeAt(at);
      if (code === SPACE || code === TAB) at++;
      else if (skips && (code === NEWLINE || (code === RETURN && text.charCodeAt(at + 1) === NEWLINE))) at++;
      else if (skips && (code === HASH || (code === SLASH && text.charCodeAt(at + 1) === SLASH)))
        at = this.#lineEnd(at);
      else if (code === SLASH && text.charCodeAt(at + 1) === STAR) at = this.#commentEnd(at);
      else return at;
    }
  }

  #lineEnd(at: number): number {
    const end = this.#text.indexOf('\n', at);
    return end === -1 ? this.#text.length : end + 1;
  }

  #commentEnd(at: number): number {
    const end = this.#text.indexOf('*/', at + 2);
    if (end !== -1) return end + 2;
    throw new HclError({
      reason: 'syntax',
      message: 'This comment is never closed',
      hint: 'end it with */',
      span: this.#source.span(at, at + 2),
    });
  }
}

/** What to say of a character that no HCL text has outside strings. */
function foreign(text: string, at: number): { readonly message: string; readonly hint: string } {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
  switch (character) {
    case "'":
      return { message: 'Single quotes are not valid', hint: 'use double quotes (") around strings' };
    case '`':
      return { message: 'Backquotes are not valid', hint: 'for text of several lines use <<NAME ... NAME' };
    case '&':
      return { message: 'Bitwise operators are not supported', hint: 'for a logical AND use &&' };
    case '|':
      return { message: 'Bitwise operators are not supported', hint: 'for a logical OR use ||' };
    case '^':
      return { message: 'Bitwise operators are not supported', hint: 'there is no operator ^' };
    case ';':
      return { message: 'The character ";" is not valid', hint: 'end an attribute with a newline' };
    case '“':
    case '”':
      return { message: 'Curly quotes are not valid', hint: 'use straight double quotes (")' };
    case '<':
      return { message: 'A heredoc needs its marker alone on the line', hint: 'write <<NAME and a newline' };
    default:
      return {
        message: `The character ${JSON.stringify(character)} is not valid here`,
        hint: 'an attribute (name = value) or a block is expected',
      };
  }
}
