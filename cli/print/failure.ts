import { unreachable } from '../../planner/result.ts';
import type { Span } from '../../planner/source.ts';
import type { RuntimeFailure } from '../../runtime/failure.ts';
import { place } from './diagnostic.ts';
import { dockerfileExcerpt } from './dockerfile.ts';
import { registryHint } from './registry-failure.ts';
import { printable } from './text.ts';

/** What is known of the build that failed. */
export interface FailedBuild {
  /** Where targets are written. */
  readonly origins?: ReadonlyMap<string, Span>;
  /** Whether there is but one target, whose name nobody gave. */
  readonly single?: boolean;
}

/** A failure of the runtime in words; the last line begins with `ERROR:`. */
export function failureText(failure: RuntimeFailure, build: FailedBuild = {}): string {
  return [...before(failure), `ERROR: ${printable(message(failure, build))}`, ...hint(failure)].join('\n');
}

function before(failure: RuntimeFailure): readonly string[] {
  if (failure.reason === 'solve-failed') return failure.sources.flatMap(dockerfileExcerpt);
  if (failure.reason === 'engine-failed') return (failure.logTail ?? []).map((line) => ` | ${printable(line)}`);
  return [];
}

function message(failure: RuntimeFailure, { origins = new Map(), single = false }: FailedBuild): string {
  const of = (target: string): string => (single ? '' : `target ${target}: `);
  switch (failure.reason) {
    case 'builder-unreachable':
      return `the builder at ${failure.endpoint} cannot be reached: ${failure.cause}`;
    case 'builder-lost':
      return `${single ? '' : `${failure.targets.length === 1 ? 'target' : 'targets'} ${failure.targets.join(', ')}: `}the builder at ${failure.endpoint} went away during the build: ${failure.cause}`;
    case 'solve-failed': {
      const code = failure.code === undefined ? '' : `${failure.code}: `;
      return `${single ? 'failed to build: ' : of(failure.target)}failed to solve: ${code}${failure.message}`;
    }
    case 'input-missing': {
      const origin = origins.get(failure.target);
      const where = origin === undefined ? '' : `${place(origin)}: `;
      return `${where}${of(failure.target)}${failure.what} ${failure.path} cannot be used: ${failure.cause}`;
    }
    case 'definition-unreadable':
      return `the definition ${failure.url} cannot be read: ${failure.cause}`;
    case 'load-failed':
      return `${of(failure.target)}the image was built, but not loaded: ${failure.cause}`;
    case 'push-failed':
      return `${of(failure.target)}the image was built, but ${failure.names.join(' and ')} ${failure.names.length === 1 ? 'was' : 'were'} not pushed: ${failure.error.message}`;
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
  if (failure.reason === 'push-failed')
    return [registryHint(failure.error)].flatMap((text) => (text === undefined ? [] : [`  ${printable(text)}`]));
  return 'hint' in failure && failure.hint !== undefined ? [`  ${printable(failure.hint)}`] : [];
}
