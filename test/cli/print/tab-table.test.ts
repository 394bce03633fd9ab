import { expect, test } from 'vitest';
import { tabTable } from '../../../cli/print/tab-table.ts';

test.each([
  [
    'columns are filled up with tabs',
    [
      ['A', 'B'],
      ['12345678', 'x'],
    ],
    'A\t\tB\n12345678\tx\n',
  ],
  ['a line without a cell ends its column', [['a', 'bb', 'c'], ['d'], ['e', 'f', 'g']], 'a\tbb\tc\nd\ne\tf\tg\n'],
  [
    'a newline in a cell begins a line',
    [
      ['a', 'x\ny', 'z'],
      ['b', '', ''],
    ],
    'a\tx\ny\tz\nb\t\t\n',
  ],
  [
    'a cell of wide characters counts its characters',
    [
      ['ééééééé', 'x'],
      ['a', 'y'],
    ],
    'ééééééé\tx\na\ty\n',
  ],
])('%s', (_name, rows, text) => {
  expect(tabTable(rows)).toBe(text);
});
