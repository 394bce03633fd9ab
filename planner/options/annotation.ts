import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';

/** What an annotation is written on. */
export type AnnotationType = 'index' | 'manifest' | 'index-descriptor' | 'manifest-descriptor';

/** One annotation, on one kind of thing. */
export interface Annotation {
  /** Absent where none is named. */
  readonly type?: AnnotationType;
  /** Only on what is for this platform; as it is written. */
  readonly platform?: string;
  readonly key: string;
  readonly value: string;
}

const TYPES: ReadonlySet<string> = new Set<AnnotationType>([
  'index',
  'manifest',
  'index-descriptor',
  'manifest-descriptor',
]);

/**
 * Reads `[TYPE[PLATFORM],...:]KEY=VALUE` (buildx `util/buildflags`, `ParseAnnotations`): one for each type. Fails with what is
 * wrong.
 */
export function annotations(text: string): Result<readonly Annotation[], string> {
  const equals = text.indexOf('=');
  if (equals === -1) return fail(`invalid annotation ${JSON.stringify(text)}, expected key=value`);
  const [before, value] = [text.slice(0, equals), text.slice(equals + 1)];
  const colon = before.indexOf(':');
  if (colon === -1) return ok([{ key: before, value }]);
  const key = before.slice(colon + 1);
  const found: Annotation[] = [];
  for (const one of before.slice(0, colon).split(',')) {
    const [, type = '', platform] = /^([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?$/.exec(one) ?? [];
    if (!isType(type))
      return fail(`unknown annotation type ${JSON.stringify(one)}; ${[...TYPES].join(', ')} are known`);
    found.push({ type, key, value, ...(platform === undefined ? {} : { platform }) });
  }
  return ok(found);
}

function isType(text: string): text is AnnotationType {
  return TYPES.has(text);
}
