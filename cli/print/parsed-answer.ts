import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';

/** A frontend's answer about a target: `result.json`, `result.txt`, `result.statuscode`, `version`. */
export type Answer = Readonly<Record<string, string>>;

type Json = Readonly<Record<string, unknown>>;

/** The lists that an answer may hold, each of objects (moby/buildkit `frontend/subrequests`). */
const LISTS = ['args', 'secrets', 'ssh', 'targets', 'warnings', 'sources', 'ranges'] as const;

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
  if (method === 'subrequests.describe') return isListOf(value, hasShape);
  return ['outline', 'targets', 'lint'].includes(method) ? hasShape(value) : true;
}

function hasShape(value: unknown): value is Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const record = value as Json;
  return (
    LISTS.every((key) => record[key] === undefined || isListOf(record[key], hasShape)) &&
    OBJECTS.every((key) => record[key] === undefined || hasShape(record[key])) &&
    TEXTS.every((key) => record[key] === undefined || typeof record[key] === 'string')
  );
}

function isListOf(value: unknown, is: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && Array.from(value as readonly unknown[]).every(is);
}
