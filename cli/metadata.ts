import { access, appendFile, constants, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { unreachable } from '../planner/result.ts';
import type { BuiltTarget } from '../runtime/build/build.ts';
import type { VertexWarning } from '../runtime/event.ts';
import { replaceFile } from '../runtime/files/replace-file.ts';
import { destination, openPipe } from '../runtime/load/destination.ts';
import { warningJson } from './progress/rawjson.ts';

/**
 * What `--metadata-file` holds: for each target the exporters' answers, those that are JSON in base64 as JSON, and the
 * build's reference, or what a frontend answered instead; `warnings` beside them (docker/buildx `commands/bake.go`).
 */
export function metadataJson(
  built: readonly BuiltTarget[],
  { builder, warnings }: { readonly builder: string; readonly warnings: readonly VertexWarning[] },
): string {
  return text([...built.map((one) => [one.name, answers(one, builder)] as const), ...warned(warnings)]);
}

/** The same of the one target of a build, without its name (docker/buildx `commands/build.go`). */
export function singleMetadataJson(
  [built]: readonly BuiltTarget[],
  { builder, warnings }: { readonly builder: string; readonly warnings: readonly VertexWarning[] },
): string {
  return text([...(built === undefined ? [] : Object.entries(answers(built, builder))), ...warned(warnings)]);
}

function warned(warnings: readonly VertexWarning[]): readonly (readonly [string, unknown])[] {
  return warnings.length === 0 ? [] : [['buildx.build.warnings', warnings.map(warningJson)]];
}

function text(entries: readonly (readonly [string, unknown])[]): string {
  return `${JSON.stringify(Object.fromEntries([...entries].sort(byKey)), undefined, 2)}\n`;
}

function answers({ ref, response, answer, pushes }: BuiltTarget, builder: string): object {
  const entries = Object.entries({ ...response, ...answer }).map(([key, value]) => [key, decoded(value)] as const);
  const reference = answer === undefined ? [['buildx.build.ref', `${builder}/${builder}/${ref}`] as const] : [];
  const pushed = pushes.length === 0 ? [] : [['depot.pushes', pushes.map(pushEntry)] as const];
  return Object.fromEntries([...reference, ...entries, ...pushed].sort(byKey));
}

/** What came of one name of an image that went to several registries; docker buildx has nothing of the kind. */
function pushEntry(push: BuiltTarget['pushes'][number]): object {
  return push.is === 'pushed'
    ? { name: push.name, result: 'pushed', digest: push.digest }
    : { name: push.name, result: 'failed', error: push.error.message };
}

/** Why a file cannot be written there, found out before the build; undefined when it looks as if it could. */
export async function metadataProblem(file: string): Promise<string | undefined> {
  const isFolder = (name: string): Promise<boolean> =>
    stat(name).then(
      (found) => found.isDirectory(),
      () => false,
    );
  if (await isFolder(file)) return 'it is a folder';
  const to = await destination(file).catch((error: Error) => ({ is: 'refused', why: error.message }) as const);
  if (to.is === 'refused') return to.why;
  // What is replaced needs its folder to be writable, what is written to only itself.
  const written = to.is === 'file' ? path.dirname(to.path) : to.path;
  if (to.is === 'file' && !(await isFolder(written))) return `there is no folder ${written}`;
  return access(written, constants.W_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => `${written} cannot be written to (${error.code ?? error.message})`,
  );
}

/**
 * Writes a file whole or not at all, where a symbolic link leads; into a pipe or a device without replacing it. Throws the
 * file system's error.
 */
export async function writeMetadata(
  file: string,
  text: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const to = await destination(file);
  switch (to.is) {
    case 'file':
      return replaceFile(to.path, (partial, options) =>
        writeFile(partial, text, { mode: 0o644, ...options, flag: 'wx' }),
      );
    case 'pipe':
      return pipeline([text], await openPipe(file, { signal }), { signal });
    case 'character device':
    case 'open file':
      return appendFile(file, text);
    case 'refused':
      throw new Error(to.why);
    default:
      return unreachable(to);
  }
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

/** A value that is a JSON object or list in base64 is shown as such. */
function decoded(value: string): unknown {
  if (!/^[A-Za-z0-9+/]+=*$/.test(value) || value.length % 4 !== 0) return value;
  try {
    const json: unknown = JSON.parse(Buffer.from(value, 'base64').toString('utf8'));
    const isObject = typeof json === 'object' && json !== null && Object.keys(json).length > 0;
    return isObject ? json : value;
  } catch {
    return value;
  }
}
