import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import { csvFields } from './csv.ts';
import { goBool } from './entries.ts';

/** What is asked of a frontend instead of a build. */
export interface Call {
  /** The frontend's own name of it: `lint`, `outline`, `targets`, `subrequests.describe`, or one that we do not know. */
  readonly method: string;
  /** `json`, or whatever else was written; undefined: text. */
  readonly format?: string;
  /** Whether what the frontend answers is no matter for the exit code. */
  readonly ignoreStatus: boolean;
}

/**
 * Reads `METHOD[,format=FORMAT][,ignorestatus=BOOL]` (buildx `util/buildflags/callfunc.go`); undefined for a plain build,
 * which is written `build` or nothing.
 */
export function parseCall(text: string): Result<Call | undefined, string> {
  if (text === '') return ok(undefined);
  const fields = csvFields(text);
  if (!fields.ok) return fields;
  let method: string | undefined;
  let format: string | undefined;
  let ignoreStatus = false;
  for (const field of fields.value) {
    const equals = field.indexOf('=');
    const value = field.slice(equals + 1);
    if (equals === -1) {
      if (method !== undefined) return fail(`${JSON.stringify(text)} names two methods`);
      method = field;
    } else if (field.startsWith('format=')) format = value;
    else if (field.startsWith('ignorestatus=')) {
      const wanted = goBool(value);
      if (wanted === undefined) return fail(`ignorestatus is true or false, not ${JSON.stringify(value)}`);
      ignoreStatus = wanted;
    } else return fail(`unknown field ${JSON.stringify(field)}; format= and ignorestatus= are known`);
  }
  const name = method === 'check' ? 'lint' : (method ?? '');
  if (name === '' || name === 'build') return ok(undefined);
  return ok({ method: name, ...(format === undefined ? {} : { format }), ignoreStatus });
}

/** What a target's `call` asks the frontend for; undefined when the target is built. */
export function calledMethod(call: string | undefined): string | undefined {
  const parsed = parseCall(call ?? '');
  return parsed.ok ? parsed.value?.method : call;
}
