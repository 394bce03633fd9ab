import path from 'node:path/posix';

/** A path as Go's `path.Clean` leaves it: normal, and without a slash at its end. Empty becomes `.`. */
export function cleanPath(text: string): string {
  const normal = path.normalize(text);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}
