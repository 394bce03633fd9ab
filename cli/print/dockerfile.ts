import type { DockerfileSource } from '../../runtime/event.ts';
import { printable } from './text.ts';

/**
 * The lines of a Dockerfile that an error points at, as BuildKit's tools show them (moby/buildkit
 * `solver/errdefs/source.go`): two lines around, four for a single line, the lines at fault marked. Empty when the error
 * names no lines of it.
 */
export function dockerfileExcerpt(source: DockerfileSource): readonly string[] {
  const lines = Buffer.from(source.data).toString('utf8').split('\n');
  const [first] = source.ranges;
  if (first === undefined || source.data.length === 0) return [];
  let start = Math.min(...source.ranges.map((range) => range.start.line));
  let end = Math.max(...source.ranges.map((range) => Math.max(range.start.line, range.end.line)));
  if (start < 1 || start > lines.length) return [];
  const heading = `${printable(source.filename)}:${start}`;
  const room = start === end ? 4 : 2;
  for (let taken = 0; taken < room; taken++) {
    if (start > 1) {
      start--;
      taken++;
    }
    if (end < lines.length) {
      end++;
      taken++;
    }
  }
  const rule = '-'.repeat(20);
  const body = lines.slice(start - 1, end).map((text, at) => {
    const line = start + at;
    const marked = source.ranges.some(
      (range) => line >= range.start.line && line <= Math.max(range.start.line, range.end.line),
    );
    return ` ${String(line).padStart(3)} | ${marked ? '>>>' : '   '} ${printable(text.replace(/\r$/, ''))}`;
  });
  return [heading, rule, ...body, rule];
}
