import { expect, test } from 'vitest';
import { rawJsonProgress } from '../../../cli/progress/rawjson.ts';

// As docker buildx build 0.29.1 --progress rawjson writes it, but for the graph of the source, which is not told.
test('a warning names the language of its source, and leaves out what is zero', () => {
  const lines: string[] = [];
  rawJsonProgress((text) => void lines.push(text)).onEvent({
    type: 'status',
    target: 'default',
    update: {
      vertexes: [],
      statuses: [],
      logs: [],
      warnings: [
        {
          vertex: 'sha256:1',
          level: 1,
          short: 'short',
          detail: [],
          url: '',
          source: {
            filename: 'Dockerfile',
            data: Buffer.from('FROM scratch as A'),
            language: 'Dockerfile',
            ranges: [{ start: { line: 1, character: 0 }, end: { line: 1, character: 4 } }],
          },
        },
      ],
    },
  });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      warnings: [
        {
          vertex: 'sha256:1',
          level: 1,
          short: 'c2hvcnQ=',
          sourceInfo: { filename: 'Dockerfile', data: 'RlJPTSBzY3JhdGNoIGFzIEE=', language: 'Dockerfile' },
          range: [{ start: { line: 1 }, end: { line: 1, character: 4 } }],
        },
      ],
    },
  ]);
});
