import type { SourceFile, Span } from '../source.ts';
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
  file: SourceFile,
  start: number,
  nested: StartParser,
): { readonly parts: readonly TemplatePart[]; readonly end: number } {
  const { text } = file;
  const pieces: Piece[] = [];
  let literal = '';
  let literalStart = start;
  const flush = (end: number): void => {
    if (literal !== '')
      pieces.push({ is: 'text', text: literal.normalize('NFC'), span: { file, start: literalStart, end } });
    literal = '';
  };
  for (let at = start; ;) {
    const character = text[at];
    if (character === undefined || character === '\n') {
      throw syntax(
        file,
        [start - 1, start],
        'This string is never closed',
        'close it with " on the same line; for several lines use <<NAME ... NAME',
      );
    }
    if (character === '"') {
      flush(at);
      return { parts: assemble(pieces, file), end: at + 1 };
    }
    if (character === '\\') {
      const escape = readEscape(file, at);
      literal += escape.text;
      at = escape.end;
      continue;
    }
    const special = readSpecial(file, at, nested);
    if (special === undefined) {
      literal += character;
      at++;
    } else if (special.is === 'literal') {
      literal += special.text;
      at = special.end;
    } else {
      flush(at);
      pieces.push(special.piece);
      at = special.end;
      literalStart = at;
    }
  }
}

/** Reads a heredoc from its `<<NAME` line to the end of its closing marker. */
export function readHeredoc(
  file: SourceFile,
  token: Token,
  nested: StartParser,
): { readonly parts: readonly TemplatePart[]; readonly end: number } {
  const { text } = file;
  const [, dash = '', marker = ''] = /^<<(-?)([^\r\n]+)/.exec(token.text) ?? [];
  const lines: Piece[][] = [];
  let at = token.end;
  for (;;) {
    const lineEnd = endOfLine(text, at);
    if (text.slice(at, lineEnd).trim() === marker) {
      if (dash === '-') unindent(lines);
      return { parts: assemble(lines.flat(), file), end: at + text.slice(at, lineEnd).trimEnd().length };
    }
    if (lineEnd >= text.length) {
      throw syntax(
        file,
        [token.start, token.end - 1],
        'This heredoc is never closed',
        `end it with a line that holds only ${marker}`,
      );
    }
    const line = readHeredocLine(file, at, nested);
    lines.push(line.pieces);
    at = line.end;
  }
}

/** One line with its newline; an interpolation may run over several. */
function readHeredocLine(file: SourceFile, start: number, nested: StartParser): { pieces: Piece[]; end: number } {
  const { text } = file;
  const pieces: Piece[] = [];
  let literal = '';
  let literalStart = start;
  const flush = (end: number): void => {
    if (literal !== '')
      pieces.push({ is: 'text', text: literal.normalize('NFC'), span: { file, start: literalStart, end } });
    literal = '';
  };
  for (let at = start; ;) {
    const character = text[at];
    if (character === undefined) {
      flush(at);
      return { pieces, end: at };
    }
    if (character === '\n') {
      literal += '\n';
      flush(at + 1);
      return { pieces, end: at + 1 };
    }
    const special = readSpecial(file, at, nested);
    if (special === undefined) {
      literal += character;
      at++;
    } else if (special.is === 'literal') {
      literal += special.text;
      at = special.end;
    } else {
      flush(at);
      pieces.push(special.piece);
      at = special.end;
      literalStart = at;
    }
  }
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

/** What `<<-` does: takes off the smallest indentation of all lines that are not blank. */
function unindent(lines: readonly Piece[][]): void {
  const indents = lines.flatMap(([first]) => {
    if (first === undefined) return [];
    if (first.is !== 'text') return [0];
    const indent = /^[^\S\n]*/.exec(first.text)?.[0].length ?? 0;
    return first.text.trim() === '' && first.text.endsWith('\n') ? [] : [indent];
  });
  const smallest = indents.reduce((least, indent) => Math.min(least, indent), Number.POSITIVE_INFINITY);
  if (!Number.isFinite(smallest)) return;
  for (const [first] of lines) {
    if (first?.is === 'text' && !(first.text.trim() === '' && first.text.endsWith('\n')))
      first.text = first.text.slice(smallest);
  }
}

type Special =
  | { readonly is: 'literal'; readonly text: string; readonly end: number }
  | { readonly is: 'piece'; readonly piece: Piece; readonly end: number };

/** `${`, `%{` and their escapes; undefined where the character is plain text. */
function readSpecial(file: SourceFile, at: number, nested: StartParser): Special | undefined {
  const { text } = file;
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
  const span = { file, start: at, end };
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

function readEscape(file: SourceFile, at: number): { readonly text: string; readonly end: number } {
  const letter = file.text[at + 1] ?? '';
  const simple = ESCAPES[letter];
  if (simple !== undefined) return { text: simple, end: at + 2 };
  const digits = letter === 'u' ? 4 : letter === 'U' ? 8 : 0;
  const hex = file.text.slice(at + 2, at + 2 + digits);
  const point = Number.parseInt(hex, 16);
  if (digits > 0 && /^[0-9a-fA-F]+$/.test(hex) && hex.length === digits && point <= 0x10ffff) {
    return { text: String.fromCodePoint(point), end: at + 2 + digits };
  }
  throw syntax(
    file,
    [at, at + 2],
    `There is no escape \\${letter === '\n' ? '' : letter}`,
    'known are \\n \\r \\t \\" \\\\ \\uXXXX and \\UXXXXXXXX; write \\\\ for a backslash',
  );
}

/** Trims where ~ says so, then nests what stands between directives. */
function assemble(pieces: readonly Piece[], file: SourceFile): readonly TemplatePart[] {
  for (const [index, piece] of pieces.entries()) {
    if (piece.is === 'text') continue;
    const before = pieces[index - 1];
    const after = pieces[index + 1];
    if (piece.trim.left && before?.is === 'text') before.text = before.text.trimEnd();
    if (piece.trim.right && after?.is === 'text') after.text = after.text.trimStart();
  }
  const cursor = { at: 0 };
  const parts = nest(pieces, cursor, undefined);
  const rest = pieces[cursor.at];
  if (rest?.is === 'directive') throw stray(file, rest);
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
    throw syntaxAt(open.span, 'This directive is never closed', `end it with %{ end${open.directive.word} }`);
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
      ? syntaxAt(
          end.span,
          `%{ ${end.directive.word} } does not fit here`,
          `%{ ${directive.word} } is closed by %{ end${directive.word} }`,
        )
      : syntaxAt(span, 'This directive is never closed', `end it with %{ end${directive.word} }`);
  }
  cursor.at++;
  if (directive.word === 'if') return { is: 'if', condition: directive.condition, then: first, otherwise, span };
  if (directive.word === 'for') return { is: 'for', ...directive.header, body: first, span };
  throw syntaxAt(span, 'This directive opens nothing', 'known are if and for');
}

function stray(file: SourceFile, piece: Extract<Piece, { is: 'directive' }>): HclError {
  return syntax(
    file,
    [piece.span.start, piece.span.end],
    `%{ ${piece.directive.word} } has no beginning`,
    'it closes a %{ if } or %{ for } before it',
  );
}

function syntax(file: SourceFile, [start, end]: readonly [number, number], message: string, hint: string): HclError {
  return syntaxAt({ file, start, end }, message, hint);
}

function syntaxAt(span: Span, message: string, hint: string): HclError {
  return new HclError({ reason: 'syntax', message, hint, span });
}
