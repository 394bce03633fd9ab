import { CallError } from '../scope.ts';
import type { Type } from '../type.ts';
import { STRING } from '../type.ts';
import type { Value } from '../value.ts';
import { object } from '../value.ts';
import { list, nfc } from './define.ts';

interface Row {
  readonly fields: readonly string[];
  /** The line, from 1 on, where the row begins. */
  readonly line: number;
}

/**
 * A list of objects, one for each row of comma-separated text after the first, which names the columns (RFC 4180 as Go's
 * `encoding/csv` reads it). Throws {@link CallError}.
 */
export function csvTable(source: string): Value {
  const reader = new CsvReader(source);
  const header = reader.next();
  if (header === undefined) throw new CallError('missing header line');
  const names = header.fields.map((name) => name.normalize());
  for (const [at, name] of names.entries()) {
    if (names.indexOf(name) < at) throw new CallError(`duplicate column name ${JSON.stringify(name)}`);
  }
  const rows: Value[] = [];
  for (let row = reader.next(); row !== undefined; row = reader.next()) {
    const { fields } = row;
    if (fields.length !== names.length) throw csvError(row.line, 'wrong number of fields');
    rows.push(object(names.map((name, at) => [name, nfc(fields[at] ?? '')] as const)));
  }
  const type: Type = { is: 'object', attributes: new Map(names.map((name) => [name, STRING])), optional: new Set() };
  return list(type, rows);
}

class CsvReader {
  readonly #source: string;
  #at = 0;
  #line = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** The next row that is not empty. */
  next(): Row | undefined {
    let text = this.#nextLine();
    while (text === '\n' || text === '') text = this.#nextLine();
    if (text === undefined) return undefined;
    const line = this.#line;
    const fields: string[] = [];
    for (;;) {
      const field: { readonly value: string; readonly rest: string | undefined } = text.startsWith('"')
        ? this.#quoted(text.slice(1))
        : this.#plain(text);
      fields.push(field.value);
      if (field.rest === undefined) return { fields, line };
      text = field.rest;
    }
  }

  /** A line with its newline, `\r\n` made `\n`; at the end of the text without. */
  #nextLine(): string | undefined {
    if (this.#at >= this.#source.length) return undefined;
    this.#line++;
    const end = this.#source.indexOf('\n', this.#at);
    const line = this.#source.slice(this.#at, end < 0 ? undefined : end + 1);
    this.#at += line.length;
    return line.replace(/\r\n$/, '\n').replace(/\r$/, '');
  }

  #plain(text: string): { readonly value: string; readonly rest: string | undefined } {
    const comma = text.indexOf(',');
    const value = comma < 0 ? text.replace(/\n$/, '') : text.slice(0, comma);
    if (value.includes('"')) throw csvError(this.#line, 'bare " in non-quoted field');
    return { value, rest: comma < 0 ? undefined : text.slice(comma + 1) };
  }

  /** What follows an opening quote, be it over several lines. */
  #quoted(start: string): { readonly value: string; readonly rest: string | undefined } {
    let text = start;
    const pieces: string[] = [];
    for (;;) {
      const quote = text.indexOf('"');
      if (quote < 0) {
        pieces.push(text);
        const more = this.#nextLine();
        if (more === undefined) throw csvError(this.#line, 'extraneous or missing " in quoted-field');
        text = more;
        continue;
      }
      pieces.push(text.slice(0, quote));
      const after = text.slice(quote + 1);
      if (after.startsWith('"')) {
        pieces.push('"');
        text = after.slice(1);
        continue;
      }
      if (after.startsWith(',')) return { value: pieces.join(''), rest: after.slice(1) };
      if (after === '' || after === '\n') return { value: pieces.join(''), rest: undefined };
      throw csvError(this.#line, 'extraneous or missing " in quoted-field');
    }
  }
}

function csvError(line: number, why: string): CallError {
  return new CallError(`CSV parse error on line ${line}: ${why}`);
}
