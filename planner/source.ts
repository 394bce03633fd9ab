/** A text that was read, under the name a person knows it by (a path as the user wrote it, `-` for stdin). */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** A range of a source text in UTF-16 offsets, end exclusive. */
export interface Span {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

/** A text that is read, and where its ranges stand in the file that a person sees. */
export interface ReadableText {
  readonly text: string;
  /** The place of a range of {@link text}. */
  readonly span: (start: number, end: number) => Span;
}

/** A whole file, whose ranges are its own. */
export function wholeFile(file: SourceFile): ReadableText {
  return { text: file.text, span: (start, end) => ({ file, start, end }) };
}

/** A place as a person counts it: both from 1, columns in grapheme clusters (as HCL counts them). */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where an offset lies in a text. Offsets past the end count as the end. */
export function positionAt(text: string, offset: number): Position {
  const end = Math.min(offset, text.length);
  let line = 1;
  let lineStart = 0;
  for (let newline = text.indexOf('\n'); newline !== -1 && newline < end; newline = text.indexOf('\n', newline + 1)) {
    line++;
    lineStart = newline + 1;
  }
  return { line, column: graphemes(text.slice(lineStart, end)) + 1 };
}

/** The line of a text that holds an offset, without its line end. */
export function lineAt(text: string, offset: number): string {
  const at = Math.min(offset, text.length);
  const start = text.lastIndexOf('\n', at - 1) + 1;
  const end = text.indexOf('\n', at);
  return text.slice(start, end === -1 ? text.length : end).replace(/\r$/, '');
}

function graphemes(text: string): number {
  if (/^[\x20-\x7e\t]*$/.test(text)) return text.length;
  return [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)].length;
}
