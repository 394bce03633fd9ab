import type { ImageProgress } from './api.ts';
import type { DockerResponse } from './http.ts';
import { DockerError } from './http.ts';
import { jsonLines } from './stream.ts';

/**
 * What a daemon says while it loads or pulls.
 * @throws DockerError for a failure that it reports so
 */
export async function* progress(response: DockerResponse): AsyncGenerator<ImageProgress, void, undefined> {
  for await (const line of jsonLines(response.body)) {
    const entry = record(line);
    const failure = entry['error'] ?? record(entry['errorDetail'])['message'];
    if (failure !== undefined) throw new DockerError(text(failure).trim(), {});
    const detail = record(entry['progressDetail']);
    yield {
      ...(entry['id'] === undefined ? {} : { id: text(entry['id']) }),
      ...(entry['status'] === undefined ? {} : { status: text(entry['status']) }),
      ...(entry['stream'] === undefined ? {} : { text: text(entry['stream']) }),
      ...(detail['current'] === undefined ? {} : { current: Number(detail['current']) }),
      ...(detail['total'] === undefined ? {} : { total: Number(detail['total']) }),
    };
  }
}

/** A JSON object; empty for anything else. */
export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** A JSON array; empty for anything else. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A JSON string; empty for anything else. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
