import { expect, test } from 'vitest';
import { plainProgress } from '../../../cli/progress/plain.ts';

const COLOUR = '\u001b[31mred\u001b[0m';

test('only the log of a step may hold control characters', () => {
  let written = '';
  const progress = plainProgress((text) => void (written += text));
  const step = { digest: 'd', inputs: [], name: '[1/1] RUN \u001b[2Khidden\n#9 DONE', cached: false, started: 0n };
  const update = {
    vertexes: [{ ...step, error: '' }],
    statuses: [{ id: 'pull\u001b[2K', vertex: 'd', name: '', current: 0, total: 0, timestamp: 0n }],
    logs: [{ vertex: 'd', timestamp: 0n, stream: 1, data: Buffer.from(`${COLOUR}\n`) }],
    warnings: [{ vertex: 'd', level: 1, short: 'doubt\u009b2K', detail: [], url: '' }],
  };
  progress.onEvent({ type: 'status', target: 'app', update });
  const failed = { ...step, completed: 1n, error: 'exit \u001b[2K1' };
  progress.onEvent({
    type: 'status',
    target: 'app',
    update: { vertexes: [failed], statuses: [], logs: [], warnings: [] },
  });
  progress.end();
  expect(written.replaceAll(COLOUR, '')).not.toMatch(/[\u001b\u009b]/);
  expect(written.split('\n')).toEqual(
    expect.arrayContaining([
      String.raw`#1 [1/1] RUN \x1b[2Khidden\x0a#9 DONE`,
      String.raw`#1 pull\x1b[2K`,
      String.raw`#1 WARN: doubt\x9b2K`,
      String.raw`#1 ERROR: exit \x1b[2K1`,
      String.raw` > [1/1] RUN \x1b[2Khidden\x0a#9 DONE:`,
      `#1 0.000 ${COLOUR}`,
    ]),
  );
});
