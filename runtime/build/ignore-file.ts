import { statSync } from 'node:fs';
import path from 'node:path';
import { status as code } from '../rpc/status.ts';
import type { WireError } from '../buildkit/error.ts';
import type { InputMissing } from '../failure.ts';

/** Below this no daemon and no client has trouble with the patterns. */
const LARGE_BYTES = 1024 * 1024;

/** Where a target's ignore file may be. */
export interface IgnoreFilePlaces {
  readonly target: string;
  /** Absolute; undefined when the context is not a folder here. */
  readonly context: string | undefined;
  readonly dockerfile: { readonly dir: string; readonly name: string } | undefined;
}

/**
 * The failure of an ignore file that is too large to travel: the daemon takes it as one message and sends its patterns back
 * as headers of one call (moby/buildkit `session/filesync`); what it then reports blames the connection. Undefined for
 * every other error.
 */
export function ignoreFileTooLarge(wire: WireError, places: IgnoreFilePlaces): InputMissing | undefined {
  // In grpc-go's words: the daemon lives, and tells of the session that broke.
  const isLimit =
    (wire.code === code.RESOURCE_EXHAUSTED && wire.message.includes('larger than max')) ||
    /header list size|received prior goaway|error reading from server|stream terminated by RST_STREAM/i.test(
      wire.message,
    );
  if (!isLimit) return undefined;
  const { dockerfile, context } = places;
  const candidates = [
    ...(dockerfile === undefined ? [] : [path.join(dockerfile.dir, `${dockerfile.name}.dockerignore`)]),
    ...(context === undefined ? [] : [path.join(context, '.dockerignore')]),
  ];
  const file = candidates.find((one) => statSync(one, { throwIfNoEntry: false }) !== undefined);
  const bytes = file === undefined ? 0 : statSync(file).size;
  if (file === undefined || bytes < LARGE_BYTES) return undefined;
  return {
    reason: 'input-missing',
    target: places.target,
    what: 'ignore file',
    path: file,
    cause: `with ${(bytes / 1_000_000).toFixed(1)} MB it is too large for BuildKit, which sends its patterns as the headers of one call`,
    hint: 'patterns for whole folders (`name/`, `**/name`) instead of single files keep it short',
  };
}
