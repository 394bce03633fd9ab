import type { ReadableText, Span } from '../source.ts';
import type { TemplatePart } from './ast.ts';
import { HclError } from './error.ts';
import type { ExpressionParser } from './expression-parser.ts';
import type { Token } from './lexer.ts';

type StartParser = (position: number) => ExpressionParser;

/** A template cut into flat pieces, before directives are nested and white space is trimmed. */
type Piece =
  | { readonly is: 'text'; text: string; readonly span: Span }
  | { readonly is: 'part'; readonly part: TemplatePart; readonly trim: Trim }
  | { readonly is: 'directive'; readonly directive: Directive; readonly trim: Trim; readonly span: Span };

interface Trim {
  readonly left: boolean;
  readonly right: boolean;
}

type Directive =
  | { readonly word: 'if'; readonly condition: ReturnType<ExpressionParser['expression']> }
  | { readonly word: 'for'; readonly header: ReturnType<ExpressionParser['forHeader']> }
  | { readonly word: 'else' | 'endif' | 'endfor' };

/**
 * Reads a quoted template from after its opening quote to after its closing one (HCL native syntax specification,
 * "Templates"). `end` is where the text goes on.
 */
export function readQuoted(
  source: ReadableText,
  start: number,
  nested: StartParser,
): { readonly parts: readonly TemplatePart[]; readonly end: number } {
  const { text } = source;
  const plain = endOfPlain(text, start);
  if (text[plain] === '"') return { parts: plainParts(source, start, plain), end: plain + 1 };
  const pieces = new Pieces(source, start);
  for (let at = pieces.addText(text.slice(start, plain), plain); ;) {
    const character = text[at];
    if (character === undefined || character === '\n') {
      throw syntax(
        source.span(start - 1, start),
        'This string is never closed',
        'close it with " on the same line; for several lines use <<NAME ... NAME',
      );
    }
    if (character === '"') return { parts: assemble(pieces.take(at)), end: at + 1 };
    if (character === '\\') {
      const escape = readEscape(source, at);
      at = pieces.addText(escape.text, escape.end);
    } else at = readOne(pieces, source, at, nested);
  }
}

/** What ends a run of text that means itself, in any kind of template. */
const NO_PLAIN_TEXT = /["\\$%\n]/g;

function endOfPlain(text: string, start: number): number {
  NO_PLAIN_TEXT.lastIndex = start;
  return NO_PLAIN_TEXT.test(text) ? NO_PLAIN_TEXT.lastIndex - 1 : text.length;
}

function plainParts(source: ReadableText, start: number, end: number): readonly TemplatePart[] {
  if (start === end) return [];
  return [{ is: 'text', text: normal(source.text.slice(start, end)), span: source.span(start, end) }];
}

/** Strings are in normal form C (HCL native syntax specification, "Template Expressions"). */
function normal(text: string): string {
  return IS_ASCII.test(text) ? text : text.normalize('NFC');
}

const IS_ASCII = /^[\x00-\x7f]*$/;

/** Reads a heredoc from its `<<NAME` line to the end of its closing marker. */
export function readHeredoc(
  source: ReadableText,
  token: Token,
  nested: StartParser,
): { readonly parts: readonly TemplatePart[]; readonly end: number } {
  const { text } = source;
  const [, dash = '', marker = ''] = /^<<(-?)([^\r\n]+)/.exec(token.text) ?? [];
  const pieces = new Pieces(source, token.end);
  for (let at = token.end; ;) {
    const lineEnd = endOfLine(text, at);
    if (text.slice(at, lineEnd).trim() === marker) {
      const parts = assemble(pieces.take(at), dash === '-' ? 'unindent' : 'keep');
      return { parts, end: at + text.slice(at, lineEnd).trimEnd().length };
    }
    if (lineEnd >= text.length) {
      throw syntax(
        source.span(token.start, token.end - 1),
        'This heredoc is never closed',
        `end it with a line that holds only ${marker}`,
      );
    }
    at = readLine(pieces, source, at, nested);
  }
}

/** Reads a text that is a template as a whole, such as a string of HCL's JSON syntax. */
export function readWhole(source: ReadableText, nested: StartParser): readonly TemplatePart[] {
  const pieces = new Pieces(source, 0);
  let at = 0;
  while (at < source.text.length) at = readOne(pieces, source, at, nested);
  return assemble(pieces.take(at));
}

/** One line with its newline, which ends a literal; an interpolation may run over several. */
function readLine(pieces: Pieces, source: ReadableText, start: number, nested: StartParser): number {
  for (let at = start; ;) {
    const character = source.text[at];
    if (character === undefined) return at;
    at = character === '\n' ? pieces.addText('\n', at + 1) : readOne(pieces, source, at, nested);
    if (character === '\n') {
      pieces.flush(at);
      return at;
    }
  }
}

/** A run of plain text, an escape, an interpolation or a directive; gives where the text goes on. */
function readOne(pieces: Pieces, source: ReadableText, at: number, nested: StartParser): number {
  const special = readSpecial(source, at, nested);
  if (special === undefined) {
    const end = endOfPlain(source.text, at + 1);
    return pieces.addText(source.text.slice(at, end), end);
  }
  if (special.is === 'literal') return pieces.addText(special.text, special.end);
  return pieces.add(special.piece, at, special.end);
}

/** Gathers literal text into pieces, each with its place. */
class Pieces {
  readonly #source: ReadableText;
  readonly #pieces: Piece[] = [];
  #literal = '';
  #start: number;

  constructor(source: ReadableText, start: number) {
    this.#source = source;
    this.#start = start;
  }

  addText(text: string, end: number): number {
    this.#literal += text;
    return end;
  }

  add(piece: Piece, start: number, end: number): number {
    this.flush(start);
    this.#pieces.push(piece);
    this.#start = end;
    return end;
  }

  flush(end: number): void {
    if (this.#literal !== '') {
      const span = this.#source.span(this.#start, end);
      this.#pieces.push({ is: 'text', text: normal(this.#literal), span });
    }
    this.#literal = '';
    this.#start = end;
  }

  take(end: number): readonly Piece[] {
    this.flush(end);
    return this.#pieces;
  }
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

/**
 * What `<<-` does: takes off the smallest indentation of all lines that are not blank. A line begins after a literal that
 * ends in a newline; one whose newline `~` has taken does not count (hashicorp/hcl `hclsyntax/parser_template.go`).
 */
function unindent(pieces: readonly Piece[]): void {
  const lines: Extract<Piece, { is: 'text' }>[] = [];
  let smallest = Number.POSITIVE_INFINITY;
  let begins = true;
  for (const piece of pieces) {
    const isText = piece.is === 'text';
    const blank = isText && piece.text.trim() === '' && piece.text.endsWith('\n');
    if (begins && isText && !blank) {
      lines.push(piece);
      smallest = Math.min(smallest, /^[^\S\n]*/.exec(piece.text)?.[0].length ?? 0);
    } else if (begins && !isText) smallest = 0;
    begins = isText && piece.text.endsWith('\n');
  }
  if (!Number.isFinite(smallest)) return;
  for (const line of lines) line.text = line.text.slice(smallest);
}

type Special =
  | { readonly is: 'literal'; readonly text: string; readonly end: number }
  | { readonly is: 'piece'; readonly piece: Piece; readonly end: number };

/** `${`, `%{` and their escapes; undefined where the character is plain text. */
function readSpecial(source: ReadableText, at: number, nested: StartParser): Special | undefined {
  const { text } = source;
  const sign = text[at];
  if (sign !== '$' && sign !== '%') return undefined;
  if (text[at + 1] === sign && text[at + 2] === '{') return { is: 'literal', text: `${sign}{`, end: at + 3 };
  if (text[at + 1] !== '{') return undefined;
  const left = text[at + 2] === '~';
  const parser = nested(at + (left ? 3 : 2));
  const piece = sign === '$' ? readInterpolation(parser) : readDirective(parser);
  const right = parser.peek('skip').text === '~';
  if (right) parser.take('skip');
  const close = parser.peek('skip');
  if (close.text !== '}') {
    throw parser.error(
      close,
      `This ${sign}{ is not closed here`,
      `close it with }, or write ${sign}${sign}{ for the text ${sign}{`,
    );
  }
  parser.take('skip');
  const end = close.end;
  const span = source.span(at, end);
  const trim = { left, right };
  if ('directive' in piece)
    return { is: 'piece', piece: { is: 'directive', directive: piece.directive, trim, span }, end };
  return {
    is: 'piece',
    piece: { is: 'part', part: { is: 'interpolation', expression: piece.expression, span }, trim },
    end,
  };
}

function readInterpolation(parser: ExpressionParser): {
  readonly expression: ReturnType<ExpressionParser['expression']>;
} {
  return { expression: parser.interpolated() };
}

function readDirective(parser: ExpressionParser): { readonly directive: Directive } {
  const word = parser.take('skip');
  switch (word.text) {
    case 'if':
      return { directive: { word: 'if', condition: parser.interpolated() } };
    case 'for':
      return { directive: { word: 'for', header: parser.forHeader() } };
    case 'else':
    case 'endif':
    case 'endfor':
      return { directive: { word: word.text } };
    default:
      throw parser.error(
        word,
        'A template directive is expected after %{',
        'if, else, endif, for or endfor; write %%{ for the text %{',
      );
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };

function readEscape(source: ReadableText, at: number): { readonly text: string; readonly end: number } {
  const letter = source.text[at + 1] ?? '';
  const simple = ESCAPES[letter];
  if (simple !== undefined) return { text: simple, end: at + 2 };
  const digits = letter === 'u' ? 4 : letter === 'U' ? 8 : 0;
  const hex = source.text.slice(at + 2, at + 2 + digits);
  const point = Number.parseInt(hex, 16);
  const isSurrogate = point >= 0xd800 && point <= 0xdfff;
  if (digits > 0 && /^[0-9a-fA-F]+$/.test(hex) && hex.length === digits && point <= 0x10ffff && !isSurrogate) {
    return { text: String.fromCodePoint(point), end: at + 2 + digits };
  }
  throw syntax(
    source.span(at, at + 2),
    isSurrogate ? `\\${letter}${hex} is half of a character` : `There is no escape \\${letter === '\n' ? '' : letter}`,
    isSurrogate
      ? 'write the whole character, or \\UXXXXXXXX'
      : 'known are \\n \\r \\t \\" \\\\ \\uXXXX and \\UXXXXXXXX; write \\\\ for a backslash',
  );
}

/** Trims where ~ says so, then nests what stands between directives. */
function assemble(pieces: readonly Piece[], indentation: 'keep' | 'unindent' = 'keep'): readonly TemplatePart[] {
  for (let at = 0; at < pieces.length; at++) {
    const piece = pieces[at];
    if (piece === undefined || piece.is === 'text') continue;
    const before = piece.trim.left ? pieces[at - 1] : undefined;
    const after = piece.trim.right ? pieces[at + 1] : undefined;
    if (before?.is === 'text') before.text = before.text.trimEnd();
    if (after?.is === 'text') after.text = after.text.trimStart();
  }
  if (indentation === 'unindent') unindent(pieces);
  const cursor = { at: 0 };
  const parts = nest(pieces, cursor, undefined);
  const rest = pieces[cursor.at];
  if (rest?.is === 'directive') throw stray(rest);
  return parts;
}

function nest(pieces: readonly Piece[], cursor: { at: number }, open: Piece | undefined): TemplatePart[] {
  const parts: TemplatePart[] = [];
  for (let piece = pieces[cursor.at]; piece !== undefined; piece = pieces[cursor.at]) {
    if (piece.is === 'text') {
      if (piece.text !== '') parts.push({ is: 'text', text: piece.text, span: piece.span });
      cursor.at++;
    } else if (piece.is === 'part') {
      parts.push(piece.part);
      cursor.at++;
    } else if (piece.directive.word === 'if' || piece.directive.word === 'for') {
      cursor.at++;
      parts.push(nestDirective(pieces, cursor, piece));
    } else {
      return parts;
    }
  }
  if (open?.is === 'directive')
    throw syntax(open.span, 'This directive is never closed', `end it with %{ end${open.directive.word} }`);
  return parts;
}

function nestDirective(
  pieces: readonly Piece[],
  cursor: { at: number },
  open: Extract<Piece, { is: 'directive' }>,
): TemplatePart {
  const { directive, span } = open;
  const first = nest(pieces, cursor, open);
  let otherwise: TemplatePart[] = [];
  let end = pieces[cursor.at];
  if (directive.word === 'if' && end?.is === 'directive' && end.directive.word === 'else') {
    cursor.at++;
    otherwise = nest(pieces, cursor, open);
    end = pieces[cursor.at];
  }
  if (end?.is !== 'directive' || end.directive.word !== `end${directive.word}`) {
    throw end?.is === 'directive'
      ? syntax(
          end.span,
          `%{ ${end.directive.word} } does not fit here`,
          `%{ ${directive.word} } is closed by %{ end${directive.word} }`,
        )
      : syntax(span, 'This directive is never closed', `end it with %{ end${directive.word} }`);
  }
  cursor.at++;
  if (directive.word === 'if') return { is: 'if', condition: directive.condition, then: first, otherwise, span };
  if (directive.word === 'for') return { is: 'for', ...directive.header, body: first, span };
  throw syntax(span, 'This directive opens nothing', 'known are if and for');
}

function stray(piece: Extract<Piece, { is: 'directive' }>): HclError {
  return syntax(
    piece.span,
    `%{ ${piece.directive.word} } has no beginning`,
    'it closes a %{ if } or %{ for } before it',
  );
}

function syntax(span: Span, message: string, hint: string): HclError {
  return new HclError({ reason: 'syntax', message, hint, span });
}
