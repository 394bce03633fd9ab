import type { Diagnostic } from '../../planner/diagnostic.ts';
import type { Span } from '../../planner/source.ts';
import { lineAt, positionAt } from '../../planner/source.ts';
import { printable } from './text.ts';

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
  if (span === undefined) return `${printable(message)}${hint === undefined ? '' : `; ${printable(hint)}`}`;
  const lines = [`${place(span)}: ${printable(message)}`, ...excerpt(span, hint ?? '')];
  for (const other of diagnostic.related ?? []) {
    lines.push(`${place(other.span)}: ${printable(other.message)}`, ...excerpt(other.span, ''));
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
  return `${printable(span.file.name)}:${line}:${column}`;
}

function excerpt(span: Span, note: string): readonly string[] {
  const { line } = positionAt(span.file.text, span.start);
  const text = lineAt(span.file.text, span.start);
  const lineStart = span.file.text.lastIndexOf('\n', span.start - 1) + 1;
  const from = span.start - lineStart;
  const to = Math.min(Math.max(span.end - lineStart, from + 1), Math.max(text.length, from + 1));
  const gutter = String(line).length + 2;
  const indent = text.slice(0, from).replace(/[^\t]/g, ' ');
  const marks = '^'.repeat(Math.max(1, [...text.slice(from, to)].length));
  return [
    `${String(line).padStart(gutter)} | ${printable(text)}`,
    `${' '.repeat(gutter)} | ${indent}${marks}${note === '' ? '' : ` ${printable(note)}`}`,
  ];
}
