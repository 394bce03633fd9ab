import type { Diagnostic } from '../diagnostic.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { SourceFile, Span } from '../source.ts';
import type { TemplateProblem, Variables } from './template.ts';
import { interpolate, MAX_CHARACTERS, problemText } from './template.ts';

/** White space within a line, as the reference counts it. */
const BLANK = /[\t\v\f\r \u0085\u00a0]/;
const SPACE = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/**
 * Reads an env file (compose-go v2.9 `dotenv/`). Values may refer to what `variables` has, then to what stands above. Names
 * without a value are taken from `variables`. Fails with the first mistake and its place.
 */
export function parseEnvFile(file: SourceFile, variables: Variables): Result<ReadonlyMap<string, string>, Diagnostic> {
  return new EnvFile(file, variables).read();
}

class EnvFile {
  readonly #file: SourceFile;
  readonly #text: string;
  readonly #variables: Variables;
  readonly #values = new Map<string, string>();
  #at = 0;

  constructor(file: SourceFile, variables: Variables) {
    this.#file = file;
    this.#text = file.text;
    this.#variables = {
      ...variables,
      get: (name) => variables.get(name) ?? this.#values.get(name),
    };
  }

  read(): Result<ReadonlyMap<string, string>, Diagnostic> {
    while (this.#toStatement()) {
      const problem = this.#statement();
      if (problem !== undefined) return fail(problem);
    }
    return ok(this.#values);
  }

  /** Passes over white space and comments. False at the end. */
  #toStatement(): boolean {
    for (;;) {
      this.#skip(SPACE);
      if (this.#at >= this.#text.length) return false;
      if (this.#text[this.#at] !== '#') return true;
      const end = this.#text.indexOf('\n', this.#at);
      this.#at = end === -1 ? this.#text.length : end;
    }
  }

  #statement(): Diagnostic | undefined {
    const start = this.#at;
    const exported = /^export(?=[\t\v\f\r \u0085\u00a0])/.exec(this.#rest());
    if (exported) {
      this.#at += exported[0].length;
      this.#skip(BLANK);
    }
    const keyStart = this.#at;
    for (let at = keyStart; at < this.#text.length;) {
      const character = String.fromCodePoint(this.#text.codePointAt(at) ?? 0);
      if (character === '=' || character === ':' || character === '\n') {
        this.#at = at + 1;
        return this.#assignment(trimmedEnd(this.#text.slice(keyStart, at)), character, start);
      }
      if (!BLANK.test(character) && !/^[\p{L}\p{N}_.[\]-]$/u.test(character)) {
        const name = /^[^=:\n]{0,80}(?=[=:])/.exec(this.#text.slice(keyStart, keyStart + 81));
        return this.#problem(
          `unexpected character ${shown(character)} in ${name === null ? 'a variable name' : `variable name ${shown(name[0])}`}`,
          'write NAME=value; a name has letters, digits, _, . and -',
          at,
        );
      }
      at += character.length;
    }
    this.#at = this.#text.length;
    return undefined;
  }

  #assignment(key: string, end: string, start: number): Diagnostic | undefined {
    if (/ /.test(key)) return this.#problem('key cannot contain a space', 'write NAME=value', start);
    if (end === '\n') {
      const inherited = this.#variables.get(key);
      if (inherited !== undefined) this.#values.set(key, inherited);
      return undefined;
    }
    this.#skip(BLANK);
    const quote = this.#text[this.#at];
    return quote === '"' || quote === "'" ? this.#quoted(key, quote) : this.#unquoted(key);
  }

  #unquoted(key: string): Diagnostic | undefined {
    const start = this.#at;
    const newline = this.#text.indexOf('\n', start);
    const line = this.#text.slice(start, newline === -1 ? this.#text.length : newline);
    this.#at = start + line.length;
    const comment = line.indexOf(' #');
    const value = trimmedEnd(comment === -1 ? line : line.slice(0, comment));
    return this.#set(key, value, start);
  }

  #quoted(key: string, quote: '"' | "'"): Diagnostic | undefined {
    const start = this.#at;
    let value = '';
    for (let at = start + 1; at < this.#text.length; at++) {
      const character = this.#text[at] ?? '';
      if (character === '\\' && at + 1 < this.#text.length) {
        const next = this.#text[at + 1] ?? '';
        value += next === quote && quote === "'" ? next : character + next;
        at++;
      } else if (character === quote) {
        this.#at = at + 1;
        if (quote === '"') return this.#set(key, expandEscapes(value), start);
        this.#values.set(key, value);
        return undefined;
      } else value += character;
    }
    return this.#problem(`unterminated quoted value of ${key}`, `close it with ${quote}`, start);
  }

  #set(key: string, value: string, at: number): Diagnostic | undefined {
    const result = interpolate(value, this.#variables);
    if (result.ok) {
      this.#values.set(key, result.value);
      return undefined;
    }
    return { reason: 'interpolation', ...valueProblem(key, result.failure), span: this.#span(at) };
  }

  #problem(message: string, hint: string, at: number): Diagnostic {
    return { reason: 'env-file', message, hint, span: this.#span(at) };
  }

  #span(start: number): Span {
    return maskedSpan(this.#file, start);
  }

  #rest(): string {
    return this.#text.slice(this.#at, this.#at + 16);
  }

  #skip(kind: RegExp): void {
    while (kind.test(this.#text.charAt(this.#at))) this.#at++;
  }
}

/** What is wrong with references in a value, without the value. */
function valueProblem(key: string, failure: TemplateProblem): Pick<Diagnostic, 'message' | 'hint'> {
  switch (failure.is) {
    case 'required':
      return { message: problemText(failure), hint: `set ${failure.name}` };
    case 'invalid':
      return { message: `invalid template in the value of ${key}`, hint: 'write $$ for a dollar sign' };
    case 'too-long':
      return {
        message: `the value of ${key} comes to more than ${MAX_CHARACTERS} characters`,
        hint: 'a value that holds others that hold others grows fast',
      };
  }
}

/** A place in the file as it may be shown: of every line only the name, as values may be passwords. */
function maskedSpan({ name, text }: SourceFile, offset: number): Span {
  const before = text.slice(0, offset).split('\n');
  const lines = text.split('\n').map(maskedLine);
  const above = lines.slice(0, before.length - 1).reduce((length, line) => length + line.length + 1, 0);
  const line = lines[before.length - 1] ?? '';
  const start = above + Math.min(before.at(-1)?.length ?? 0, line.length);
  return { file: { name, text: lines.join('\n') }, start, end: above + line.length };
}

function maskedLine(line: string): string {
  if (/^\s*(?:#.*)?$/.test(line)) return line;
  const name = /^[^=:]*[=:]/.exec(line)?.[0];
  return `${name ?? ''}***`;
}

/** Without the white space at its end; an expression with `$` would try every run of blanks in the text. */
function trimmedEnd(text: string): string {
  let end = text.length;
  while (SPACE.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  $: '$$',
  '"': '"',
  '\\': '\\',
};

/** Escapes in double quotes; a dollar sign stays escaped, for interpolation comes after. Unknown ones stay as written. */
function expandEscapes(text: string): string {
  return text.replace(/\\(?:([abfnrtv$"\\])|0([0-3][0-7]{2}))/g, (_whole, letter: string | undefined, octal: string) =>
    letter === undefined ? String.fromCharCode(Number.parseInt(octal, 8)) : (ESCAPES[letter] ?? letter),
  );
}

/** In quotes; a byte order mark, which prints nothing, as an escape. */
function shown(text: string): string {
  return JSON.stringify(text).replace(/\ufeff/g, '\\ufeff');
}
