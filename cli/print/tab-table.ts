import { printable } from './text.ts';

const TAB_WIDTH = 8;

/** How columns are kept apart: by tabs, or by spaces after the widest cell, the column being `least` wide. */
export type Gap = 'tabs' | number | { readonly spaces: number; readonly least: number };

/**
 * Rows of cells, set in columns as Go's `text/tabwriter` does: a column ends where a line has no cell in it, the last cell
 * of a line has no width. Cells may hold newlines and tabs, which begin new lines and cells; other control characters are
 * shown as escapes.
 */
export function tabTable(rows: readonly (readonly string[])[], gap: Gap = 'tabs'): string {
  const lines = rows
    .map((row) => printable(row.join('\t')))
    .join('\n')
    .split('\n')
    .map((line) => line.split('\t'));
  const widths = lines.map((): number[] => []);
  setWidths(lines, widths, { from: 0, to: lines.length, column: 0, gap });
  return lines.map((cells, at) => `${setLine(cells, widths[at] ?? [], gap)}\n`).join('');
}

function setWidths(
  lines: readonly (readonly string[])[],
  widths: readonly number[][],
  { from, to, column, gap }: { readonly from: number; readonly to: number; readonly column: number; readonly gap: Gap },
): void {
  const has = (at: number): boolean => at < to && column < (lines[at]?.length ?? 0) - 1;
  for (let start = from; start < to; start++) {
    if (!has(start)) continue;
    let end = start;
    let widest = 0;
    for (; has(end); end++) widest = Math.max(widest, [...(lines[end]?.[column] ?? '')].length);
    const width = columnWidth(widest, gap);
    for (let at = start; at < end; at++) widths[at]?.push(width);
    setWidths(lines, widths, { from: start, to: end, column: column + 1, gap });
    start = end;
  }
}

function columnWidth(widest: number, gap: Gap): number {
  if (gap === 'tabs') return Math.ceil((widest + 1) / TAB_WIDTH) * TAB_WIDTH;
  return typeof gap === 'number' ? widest + gap : Math.max(widest + gap.spaces, gap.least);
}

function setLine(cells: readonly string[], widths: readonly number[], gap: Gap): string {
  return cells
    .map((cell, column) => {
      const missing = (widths[column] ?? 0) - [...cell].length;
      if (column === cells.length - 1) return cell;
      return cell + (gap === 'tabs' ? '\t'.repeat(Math.ceil(missing / TAB_WIDTH)) : ' '.repeat(missing));
    })
    .join('');
}
