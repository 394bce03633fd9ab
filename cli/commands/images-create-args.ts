import { closeSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import type { Diagnostic } from '../../planner/diagnostic.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { SourceFile } from '../../planner/source.ts';
import type { PlacedSource, SourceText } from '../../runtime/images/source-text.ts';
import { parseSourceText, placeSources } from '../../runtime/images/source-text.ts';
import type { IndexAnnotation } from '../../runtime/oci/combine.ts';
import type { OciPlatform } from '../../runtime/oci/platform.ts';
import type { WantedName } from '../../runtime/push/put-image.ts';
import { parseImageReference } from '../../runtime/registry/image-reference.ts';
import { MAX_MANIFEST_BYTES } from '../../runtime/registry/manifest.ts';
import type { ParsedArgs } from '../flags.ts';
import { askedPlatforms, indexAnnotations } from './images-flags.ts';

/** What `depot images create` is to do. */
export interface Asked {
  readonly names: readonly WantedName[];
  readonly sources: readonly PlacedSource[];
  readonly annotations: readonly IndexAnnotation[];
  readonly platforms: readonly OciPlatform[];
  readonly prefersIndex: boolean;
  readonly isDryRun: boolean;
}

/** Reads a command line, and the files that it names (in `cwd`). Fails with what is wrong, in a file with its place. */
export function askedFor(args: ParsedArgs, cwd: string): Result<Asked, Diagnostic> {
  const { lists, switches, texts, rest } = args;
  const tags = lists.get('tag') ?? [];
  const isDryRun = switches.get('dry-run') === true;
  if (texts.has('builder')) return mistake('not supported: --builder; no builder is needed for this');
  if (rest.length === 0 && !lists.has('file'))
    return mistake('no source is named', 'depot images create -t NAME SOURCE...');
  if (!isDryRun && tags.length === 0)
    return mistake('nothing says where the image is to go', 'name it with --tag, or look at it with --dry-run');
  const names: WantedName[] = [];
  for (const name of tags) {
    const reference = parseImageReference(name);
    if (!reference.ok) return mistake(`--tag: ${reference.failure}`);
    names.push({ name, reference: reference.value });
  }
  const appended = switches.get('append') === true ? tags.slice(0, 1) : [];
  const files = readFiles(lists.get('file') ?? [], cwd);
  if (!files.ok) return files;
  const written = readSources([...appended.map(plain), ...files.value, ...rest.map(plain)]);
  if (!written.ok) return written;
  const sources = placeSources(
    written.value,
    names.map(({ reference }) => reference),
  );
  if (!sources.ok) return mistake(sources.failure);
  const annotations = indexAnnotations(lists.get('annotation') ?? []);
  if (!annotations.ok) return mistake(`--annotation: ${annotations.failure}`);
  const platforms = askedPlatforms(lists.get('platform') ?? []);
  if (!platforms.ok) return mistake(`--platform: ${platforms.failure}`);
  return ok({
    names,
    sources: sources.value,
    annotations: annotations.value,
    platforms: platforms.value,
    prefersIndex: switches.get('prefer-index') !== false,
    isDryRun,
  });
}

/** A source as it is written; with a name where that is in a file. */
type WrittenSource = SourceFile | { readonly text: string };

/** In the order in which their images will be. */
function readSources(written: readonly WrittenSource[]): Result<readonly SourceText[], Diagnostic> {
  const sources: SourceText[] = [];
  for (const one of written) {
    const source = parseSourceText(one.text);
    if (!source.ok) return 'name' in one ? fail(inFile(one, source.failure)) : mistake(source.failure);
    sources.push(source.value);
  }
  return ok(sources);
}

function readFiles(names: readonly string[], cwd: string): Result<readonly SourceFile[], Diagnostic> {
  const files: SourceFile[] = [];
  for (const name of names) {
    const file = readFile(name, cwd);
    if (!file.ok) return file;
    files.push(file.value);
  }
  return ok(files);
}

function readFile(name: string, cwd: string): Result<SourceFile, Diagnostic> {
  try {
    const text = beginning(path.resolve(cwd, name), MAX_MANIFEST_BYTES + 1);
    if (text.length > MAX_MANIFEST_BYTES)
      return mistake(`--file: ${JSON.stringify(name)} is larger than a manifest may be`);
    return ok({ name, text: text.toString('utf8') });
  } catch (error) {
    const cause = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return mistake(`--file: ${JSON.stringify(name)} cannot be read (${cause})`);
  }
}

/** What a file, a pipe or a device begins with. */
function beginning(file: string, maxBytes: number): Buffer {
  const fd = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(maxBytes);
    let length = 0;
    for (let read = -1; read !== 0 && length < maxBytes; length += read)
      read = readSync(fd, bytes, length, maxBytes - length, null);
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

function plain(text: string): { readonly text: string } {
  return { text };
}

/** The place of what is wrong: of JSON where it ends to be that, else where the text begins. */
function inFile(file: SourceFile, message: string): Diagnostic {
  const { text } = file;
  const start = /\S/.exec(text)?.index ?? 0;
  const firstLine = /.*/.exec(text.slice(start))?.[0] ?? '';
  const broken = text[start] === '{' ? brokenAt(text) : undefined;
  const span =
    broken === undefined
      ? { file, start, end: start + firstLine.trimEnd().length }
      : { file, start: broken, end: broken + 1 };
  return { reason: 'bad-source', message, span };
}

/** Where a text ends to be JSON, if it does. */
function brokenAt(text: string): number | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const position = /at position (\d+)/.exec(String(error))?.[1];
    return position === undefined ? text.trimEnd().length : Number(position);
  }
}

function mistake(message: string, hint?: string): { readonly ok: false; readonly failure: Diagnostic } {
  return fail({ reason: 'bad-command-line', message, ...(hint === undefined ? {} : { hint }) });
}
