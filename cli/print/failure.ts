import { unreachable } from '../../planner/result.ts';
import type { Span } from '../../planner/source.ts';
import type { RuntimeFailure } from '../../runtime/failure.ts';
import { place } from './diagnostic.ts';
import { dockerfileExcerpt } from './dockerfile.ts';
import { printable } from './text.ts';

/** A failure of the runtime in words; the last line begins with `ERROR:`. `origins` tells where targets are written. */
export function failureText(failure: RuntimeFailure, origins: ReadonlyMap<string, Span> = new Map()): string {
  return [...before(failure), `ERROR: ${printable(message(failure, origins))}`, ...hint(failure)].join('\n');
}

function before(failure: RuntimeFailure): readonly string[] {
  if (failure.reason === 'solve-failed') return failure.sources.flatMap(dockerfileExcerpt);
  if (failure.reason === 'engine-failed') return (failure.logTail ?? []).map((line) => ` | ${printable(line)}`);
  return [];
}

function message(failure: RuntimeFailure, origins: ReadonlyMap<string, Span>): string {
  switch (failure.reason) {
    case 'builder-unreachable':
      return `the builder at ${failure.endpoint} cannot be reached: ${failure.cause}`;
    case 'builder-lost':
      return `${failure.targets.length === 1 ? 'target' : 'targets'} ${failure.targets.join(', ')}: the builder at ${failure.endpoint} went away during the build: ${failure.cause}`;
    case 'solve-failed': {
      const code = failure.code === undefined ? '' : `${failure.code}: `;
      return `target ${failure.target}: failed to solve: ${code}${failure.message}`;
    }
    case 'input-missing': {
      const origin = origins.get(failure.target);
      const where = origin === undefined ? '' : `${place(origin)}: `;
      return `${where}target ${failure.target}: ${failure.what} ${failure.path} cannot be used: ${failure.cause}`;
    }
    case 'definition-unreadable':
      return `the definition ${failure.url} cannot be read: ${failure.cause}`;
    case 'load-failed':
      return `target ${failure.target}: the image was built, but not loaded: ${failure.cause}`;
    case 'unsupported':
      return `not supported: ${failure.what}`;
    case 'engine-failed':
      return `${failure.step}: ${failure.cause}`;
    case 'canceled':
      return 'canceled';
    default:
      return unreachable(failure);
  }
}

function hint(failure: RuntimeFailure): readonly string[] {
  return 'hint' in failure && failure.hint !== undefined ? [`  ${printable(failure.hint)}`] : [];
}
