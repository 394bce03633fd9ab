import type { Diagnostic } from '../../planner/diagnostic.ts';
import type { Span } from '../../planner/source.ts';
import { lineAt, positionAt } from '../../planner/source.ts';
import { printable, printableLine } from './text.ts';

/**
 * A mistake in words, with its place and line:
 *
 * ```
 * docker-bake.hcl:12:14: There is no target "bse"
 *   12 |   inherits = ["bse"]
 *      |               ^^^^^ did you mean "base"?
 * ```
 */
export function diagnosticText(diagnostic: Diagnostic): string {
  const { span, message, hint } = diagnostic;
  if (span === undefined) return `${printableLine(message)}${hint === undefined ? '' : `; ${printableLine(hint)}`}`;
  const lines = [`${place(span)}: ${printableLine(message)}`, ...excerpt(span, hint ?? '')];
  for (const other of diagnostic.related ?? []) {
    lines.push(`${place(other.span)}: ${printableLine(other.message)}`, ...excerpt(other.span, ''));
  }
  return lines.join('\n');
}

/** So many are shown; the others mostly follow from these. */
const MOST_SHOWN = 20;

/** Several in words, each after its kind. */
export function diagnosticsText(kind: 'ERROR' | 'WARNING', found: readonly Diagnostic[]): string {
  const shown = found.slice(0, MOST_SHOWN).map((one) => `${kind}: ${diagnosticText(one)}\n`);
  const more = found.length - shown.length;
  return `${shown.join('')}${more > 0 ? `... and ${more} more\n` : ''}`;
}

/** `FILE:LINE:COLUMN`. */
export function place(span: Span): string {
  const { line, column } = positionAt(span.file.text, span.start);
  return `${printableLine(span.file.name)}:${line}:${column}`;
}

function excerpt(span: Span, note: string): readonly string[] {
  const { line } = positionAt(span.file.text, span.start);
  const text = lineAt(span.file.text, span.start);
  const lineStart = span.file.text.lastIndexOf('\n', span.start - 1) + 1;
  const from = span.start - lineStart;
  const to = Math.min(Math.max(span.end - lineStart, from + 1), Math.max(text.length, from + 1));
  const shown = cut(text, from, to);
  const gutter = String(line).length + 2;
  const indent = printable(shown.text.slice(0, shown.from)).replace(/[^\t]/g, ' ');
  const marks = '^'.repeat(Math.max(1, [...shown.text.slice(shown.from, shown.to)].length));
  return [
    `${String(line).padStart(gutter)} | ${printable(shown.text)}`,
    `${' '.repeat(gutter)} | ${indent}${marks}${note === '' ? '' : ` ${printableLine(note)}`}`,
  ];
}

/** Longer lines are not shown in full: of a definition on one line, nobody finds the place in it. */
const MAX_COLUMNS = 160;
/** Of a long range, its beginning is shown, with this much in front. */
const MIN_BEFORE = 20;

interface CutLine {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** The part of a line around a range, and where the range stands in it. */
function cut(text: string, from: number, to: number): CutLine {
  if (text.length <= MAX_COLUMNS) return { text, from, to };
  const room = MAX_COLUMNS - 2;
  const before = Math.max(MIN_BEFORE, Math.floor((room - (to - from)) / 2));
  const wanted = Math.max(0, Math.min(from - before, text.length - room));
  const start = isInsideCharacter(text, wanted) ? wanted + 1 : wanted;
  const end = isInsideCharacter(text, wanted + room) ? wanted + room - 1 : wanted + room;
  const head = start === 0 ? '' : '…';
  const tail = end >= text.length ? '' : '…';
  const moved = head.length - start;
  return { text: `${head}${text.slice(start, end)}${tail}`, from: from + moved, to: Math.min(to, end) + moved };
}

/** Whether an offset is between the two halves of a character. */
function isInsideCharacter(text: string, offset: number): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(Math.max(0, offset - 1), offset + 1));
}
