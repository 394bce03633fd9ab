import type { SourceFile, Span } from '../source.ts';
import { HclError } from './error.ts';

/** A JSON value that knows where it stands. */
export type JsonNode =
  | { readonly is: 'object'; readonly members: readonly JsonMember[]; readonly span: Span }
  | { readonly is: 'array'; readonly items: readonly JsonNode[]; readonly span: Span }
  | JsonText
  /** The digits as written, so that none is lost. */
  | { readonly is: 'number'; readonly digits: string; readonly span: Span }
  | { readonly is: 'bool'; readonly value: boolean; readonly span: Span }
  | { readonly is: 'null'; readonly span: Span };

/** A string without its quotes and escapes. */
export interface JsonText {
  readonly is: 'text';
  readonly text: string;
  /** For each UTF-16 unit of {@link text}, and for its end, the offset in the file. */
  readonly offsets: readonly number[];
  readonly span: Span;
}

/** `"name": value`; a name may come again. */
export interface JsonMember {
  readonly name: JsonText;
  readonly value: JsonNode;
}

/** Deeper nesting is no file of a person, and would exhaust the stack. */
const MAX_DEPTH = 400;

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[\p{ID_Start}_][\p{ID_Continue}]*/uy;

/** Reads one JSON value that fills a file (RFC 8259). Throws {@link HclError} for the first mistake. */
export function readJson(file: SourceFile): JsonNode {
  return new JsonReader(file).file();
}

class JsonReader {
  readonly #file: SourceFile;
  readonly #text: string;
  #position = 0;

  constructor(file: SourceFile) {
    this.#file = file;
    this.#text = file.text;
  }

  file(): JsonNode {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#position < this.#text.length)
      throw this.#error('Nothing may follow the JSON value', 'take it out', this.#position, this.#position + 1);
    return value;
  }

  #value(depth: number): JsonNode {
    this.#skipSpace();
    const start = this.#position;
    if (depth > MAX_DEPTH)
      throw this.#error('This is nested too deeply', `at most ${MAX_DEPTH} levels are read`, start, start + 1);
    const character = this.#text[start];
    if (character === '{') return this.#object(start, depth);
    if (character === '[') return this.#array(start, depth);
    if (character === '"') return this.#string();
    const number = this.#match(NUMBER);
    if (number !== undefined) return { is: 'number', digits: number, span: this.#span(start, this.#position) };
    return this.#word(start);
  }

  #word(start: number): JsonNode {
    const word = this.#match(WORD);
    const span = this.#span(start, this.#position);
    if (word === 'true' || word === 'false') return { is: 'bool', value: word === 'true', span };
    if (word === 'null') return { is: 'null', span };
    if (word !== undefined)
      throw this.#error(
        `${JSON.stringify(word)} is no JSON`,
        `put it in quotes: ${JSON.stringify(word)}`,
        start,
        span.end,
      );
    if (start >= this.#text.length) {
      throw this.#error('A JSON value is expected here', 'the file ends too early', start, start);
    }
    if (this.#text[start] === '\uFEFF') {
      throw this.#error('JSON must not begin with a byte order mark', 'save the file without it', start, start + 1);
    }
    const comment = this.#text.startsWith('//', start) || this.#text.startsWith('#', start);
    throw this.#error(
      comment ? 'JSON has no comments' : 'A JSON value is expected here',
      comment ? 'write "//": "text" inside an object' : 'a string, a number, true, false, null, an object or a list',
      start,
      start + 1,
    );
  }

  #object(start: number, depth: number): JsonNode {
    this.#position++;
    const members: JsonMember[] = [];
    for (let first = true; ; first = false) {
      this.#skipSpace();
      if (this.#text[this.#position] === '}') {
        if (!first) this.#trailingComma('property');
        break;
      }
      if (this.#text[this.#position] !== '"') throw this.#noName(start);
      const name = this.#string();
      this.#skipSpace();
      if (this.#text[this.#position] !== ':') {
        throw this.#error('A : is expected after this name', 'write "name": value', this.#position, this.#position + 1);
      }
      this.#position++;
      members.push({ name, value: this.#value(depth + 1) });
      if (!this.#comma('}', start)) break;
    }
    this.#position++;
    return { is: 'object', members, span: this.#span(start, this.#position) };
  }

  #noName(open: number): HclError {
    const at = this.#position;
    if (at >= this.#text.length) return this.#unclosed(open);
    const quote = this.#text[at] === "'";
    return this.#error(
      quote ? 'Single quotes are not valid' : 'A name in quotes is expected here',
      quote ? 'use double quotes (")' : 'write "name": value',
      at,
      at + 1,
    );
  }

  #array(start: number, depth: number): JsonNode {
    this.#position++;
    const items: JsonNode[] = [];
    for (let first = true; ; first = false) {
      this.#skipSpace();
      if (this.#text[this.#position] === ']') {
        if (!first) this.#trailingComma('item');
        break;
      }
      if (this.#position >= this.#text.length) throw this.#unclosed(start);
      items.push(this.#value(depth + 1));
      if (!this.#comma(']', start)) break;
    }
    this.#position++;
    return { is: 'array', items, span: this.#span(start, this.#position) };
  }

  /** Takes a comma; false at the closing bracket. */
  #comma(closing: string, open: number): boolean {
    this.#skipSpace();
    const character = this.#text[this.#position];
    if (character === closing) return false;
    if (character === ',') {
      this.#position++;
      return true;
    }
    if (character === undefined) throw this.#unclosed(open);
    throw this.#error(
      `A comma or ${closing} is expected here`,
      'separate with commas',
      this.#position,
      this.#position + 1,
    );
  }

  #trailingComma(what: string): never {
    const at = this.#text.lastIndexOf(',', this.#position);
    throw this.#error(`JSON allows no comma after the last ${what}`, 'take it out', at, at + 1);
  }

  #unclosed(open: number): HclError {
    const bracket = this.#text[open] ?? '';
    return this.#error(
      `This ${bracket} is never closed`,
      `there is no ${bracket === '{' ? '}' : ']'} that matches it`,
      open,
      open + 1,
    );
  }

  #string(): JsonText {
    const start = this.#position;
    const offsets: number[] = [];
    let decoded = '';
    for (let at = start + 1; ;) {
      const character = this.#text[at];
      if (character === undefined || character === '\n') {
        throw this.#error('This string is never closed', 'close it with "; write \\n for a newline', start, start + 1);
      }
      if (character === '"') {
        offsets.push(at);
        this.#position = at + 1;
        return { is: 'text', text: decoded.toWellFormed(), offsets, span: this.#span(start, at + 1) };
      }
      const unit = character === '\\' ? this.#escape(at) : { text: character, end: at + 1 };
      if (character < ' ') {
        throw this.#error('A control character is not allowed here', 'write it as \\uXXXX', at, at + 1);
      }
      decoded += unit.text;
      offsets.push(at);
      at = unit.end;
    }
  }

  #escape(at: number): { readonly text: string; readonly end: number } {
    const letter = this.#text[at + 1] ?? '';
    const simple = ESCAPES[letter];
    if (simple !== undefined) return { text: simple, end: at + 2 };
    const hex = this.#text.slice(at + 2, at + 6);
    if (letter === 'u' && /^[0-9a-fA-F]{4}$/.test(hex)) {
      return { text: String.fromCharCode(Number.parseInt(hex, 16)), end: at + 6 };
    }
    throw this.#error(
      `There is no escape \\${letter}`,
      'known are \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX; write \\\\ for a backslash',
      at,
      at + 2,
    );
  }

  #skipSpace(): void {
    this.#match(SPACE);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#position = pattern.lastIndex;
    return match[0];
  }

  #span(start: number, end: number): Span {
    return { file: this.#file, start, end };
  }

  #error(message: string, hint: string, start: number, end: number): HclError {
    return new HclError({ reason: 'syntax', message, hint, span: this.#span(start, end) });
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
