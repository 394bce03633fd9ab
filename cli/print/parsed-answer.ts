import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';

/** A frontend's answer about a target: `result.json`, `result.txt`, `result.statuscode`, `version`. */
export type Answer = Readonly<Record<string, string>>;

/** The lists of objects in the answers that are shown here, by method (moby/buildkit `frontend/subrequests`). */
const LISTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['outline', ['args', 'secrets', 'ssh']],
  ['targets', ['targets']],
  ['subrequests.describe', []],
  ['lint', ['warnings', 'sources', 'ranges']],
]);

/** What else of an answer, or of something in it, is an object. */
const OBJECTS = ['buildError', 'location', 'start', 'end'] as const;

const TEXTS = ['name', 'version', 'description', 'value', 'ruleName', 'url', 'detail', 'filename', 'data', 'message'];

/**
 * The value of an answer's `result.json`, of the shape that its method has; any, for a method that is not known here. What
 * is null counts as absent. Fails with what is wrong with it: any image can be a frontend.
 */
export function parsedAnswer(answer: Answer, method: string): Result<unknown, string> {
  const { 'result.json': text } = answer;
  if (text === undefined) return fail('there is no result.json in it');
  let value: unknown;
  try {
    value = JSON.parse(text, (_key, one: unknown) => one ?? undefined);
  } catch {
    return fail('its result.json is not JSON');
  }
  return isOfMethod(value, method) ? ok(value) : fail(`its result.json is no answer to ${method}`);
}

function isOfMethod(value: unknown, method: string): boolean {
  const lists = LISTS.get(method);
  if (lists === undefined) return true;
  return method === 'subrequests.describe' ? isListOf(value, lists) : hasShape(value, lists);
}

function hasShape(value: unknown, lists: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const record = value as Readonly<Record<string, unknown>>;
  return (
    lists.every((key) => record[key] === undefined || isListOf(record[key], lists)) &&
    OBJECTS.every((key) => record[key] === undefined || hasShape(record[key], lists)) &&
    TEXTS.every((key) => record[key] === undefined || typeof record[key] === 'string')
  );
}

function isListOf(value: unknown, lists: readonly string[]): boolean {
  return Array.isArray(value) && Array.from(value as readonly unknown[]).every((one) => hasShape(one, lists));
}
