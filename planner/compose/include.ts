import path from 'node:path/posix';
import type { SourceFile, Span } from '../source.ts';
import type { LoadContext } from './context.ts';
import { isRemoteFile, readNamed, refuseRemote, resolvePath } from './context.ts';
import { parseEnvFile } from './env-file.ts';
import { ComposeError } from './error.ts';
import { goType } from './go-type.ts';
import type { Entry, MapNode, Node } from './node.ts';
import { child, entriesOf, map, sameNode, textOf, withEntries } from './node.ts';
import { scalarText } from './scalar.ts';

/** Deeper includes are refused. */
const MAX_DEPTH = 50;
/** Files that are loaded by includes of one project, those that are included again counted each time. */
const MAX_FILES = 2000;
/** Their length together. */
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** Loads the files of one include as a model of its own, its paths seen from the including one. */
export type LoadIncluded = (request: {
  readonly files: readonly IncludedFile[];
  readonly context: LoadContext;
  /** The folder of the included project, seen from the including one. */
  readonly relativeDir: string;
  readonly including: Including;
}) => MapNode;

/** How a file came to be loaded. */
export interface Including {
  /** The files that are being loaded, outermost first. */
  readonly chain: readonly string[];
  /** One for the whole project. */
  readonly tally: IncludeTally;
}

/** Counts what includes load: files that each include the next twice load the last one 2 ** n times. */
export class IncludeTally {
  #files = 0;
  #characters = 0;

  /** Throws {@link ComposeError} at the including place when it comes to too much. */
  add(file: SourceFile, span: Span): void {
    this.#files++;
    this.#characters += file.text.length;
    if (this.#files <= MAX_FILES && this.#characters <= MAX_CHARACTERS) return;
    const limit = this.#files > MAX_FILES ? `${MAX_FILES} files` : '8 MiB';
    throw new ComposeError({
      reason: 'too-large',
      message: `includes make this project load more than ${limit}`,
      hint: 'a file is loaded each time it is included, and so is what it includes; include it in one place',
      span,
    });
  }
}

/** A file with the path it was read from. */
export interface IncludedFile {
  readonly path: string;
  readonly file: SourceFile;
}

const SECTIONS = ['services', 'volumes', 'networks', 'secrets', 'configs', 'models'];

/**
 * A model with the resources of the models it includes (compose-go v2.9 `loader/include.go`). Throws
 * {@link ComposeError}.
 */
export function withIncludes(model: MapNode, context: LoadContext, including: Including, load: LoadIncluded): MapNode {
  const said = model.entries.get('include');
  if (said === undefined) return model;
  let made = withEntries(model, [['include', undefined]]);
  for (const entry of includeEntries(said)) {
    const imported = loadEntry(entry, context, including, load);
    for (const section of SECTIONS) made = importSection(made, imported, section, entry.span);
  }
  return made;
}

interface IncludeEntry {
  readonly paths: readonly { readonly text: string; readonly span: Span }[];
  readonly envFiles: readonly { readonly text: string; readonly span: Span }[];
  readonly projectDirectory: string | undefined;
  readonly span: Span;
}

function includeEntries({ value }: Entry): readonly IncludeEntry[] {
  if (value.is === 'scalar' && value.value === null) return [];
  if (value.is !== 'list') {
    const shown = value.is === 'scalar' ? scalarText(value.value) : 'a mapping';
    throw new ComposeError({
      reason: 'wrong-type',
      message: `\`include\` must be a list, got ${shown}`,
      hint: 'write - in front of each file',
      span: value.span,
    });
  }
  return value.items.map((item, at) => {
    if (item.is !== 'map' && textOf(item) === undefined) {
      throw new ComposeError({
        reason: 'wrong-type',
        message: `include[${at}]: expected a text or a mapping, got ${goType(item)}`,
        hint: 'write a path, or path: with project_directory: and env_file:',
        span: item.span,
      });
    }
    const paths = texts(item.is === 'map' ? child(item, 'path') : item);
    if (paths.length === 0) {
      throw new ComposeError({
        reason: 'missing-attribute',
        message: `include[${at}] names no file`,
        hint: 'write path: FILE',
        span: item.span,
      });
    }
    const projectDirectory = textOf(child(item, 'project_directory'));
    return { paths, envFiles: texts(child(item, 'env_file')), projectDirectory, span: item.span };
  });
}

function texts(node: Node | undefined): readonly { readonly text: string; readonly span: Span }[] {
  const items = node === undefined ? [] : node.is === 'list' ? node.items : [node];
  return items.flatMap((item) => {
    const text = textOf(item);
    return text === undefined ? [] : [{ text, span: item.span }];
  });
}

function loadEntry(
  { paths, envFiles, projectDirectory }: IncludeEntry,
  context: LoadContext,
  including: Including,
  load: LoadIncluded,
): MapNode {
  const files = paths.map(({ text, span }): IncludedFile => {
    if (isRemoteFile(text)) refuseRemote(text, span);
    const full = resolvePath(context.dir, text, context.homeDir);
    const { chain, tally } = including;
    if (chain.includes(full)) throw new ComposeError(cycle([...chain, full], context, span));
    if (chain.length > MAX_DEPTH) {
      throw new ComposeError({
        reason: 'too-deep',
        message: `files include others over more than ${MAX_DEPTH} levels`,
        hint: 'include the inner files from an outer one',
        span,
      });
    }
    const file = readNamed(context, full, span);
    tally.add(file, span);
    return { path: full, file };
  });
  const first = paths[0]?.text ?? '';
  const named = projectDirectory ?? '';
  const folder = named === '' ? path.dirname(resolvePath('', first, context.homeDir)) : named;
  const dir = resolvePath(context.dir, folder, context.homeDir);
  const environment = includedEnvironment(envFiles, dir, context);
  const relativeDir = isTwice(context) ? path.join(context.dir, folder) : folder;
  return load({ files, context: { ...context, dir, environment }, relativeDir, including });
}

/** An include of an included file: where paths are relative, the reference puts the outer folder in front twice. */
function isTwice({ isPrinted, dir }: LoadContext): boolean {
  return isPrinted && dir !== '' && !path.isAbsolute(dir);
}

/** The including environment, then the env files of the include, else the `.env` beside it. */
function includedEnvironment(
  envFiles: IncludeEntry['envFiles'],
  dir: string,
  context: LoadContext,
): ReadonlyMap<string, string> {
  const dotEnv = path.join(dir, '.env');
  const named = envFiles.map(({ text, span }) => ({ name: resolvePath(context.dir, text, context.homeDir), span }));
  const beside = context.fs.kind(dotEnv) === 'file' ? [{ name: dotEnv, span: undefined }] : [];
  const read = new Map<string, string>();
  for (const { name, span } of envFiles.length > 0 ? named : beside) {
    if (span !== undefined && context.fs.kind(name) === undefined) {
      throw new ComposeError({
        reason: 'missing-file',
        message: `stat ${name}: no such file or directory`,
        hint: 'check env_file; it is seen from the folder of the including project',
        span,
      });
    }
    const parsed = parseEnvFile(readNamed(context, name, span), {
      get: (variable) => context.environment.get(variable) ?? read.get(variable),
      onUnset: context.onUnset,
    });
    if (!parsed.ok) throw new ComposeError(parsed.failure);
    for (const [variable, value] of parsed.value) read.set(variable, value);
  }
  return new Map([...read, ...context.environment]);
}

function cycle(chain: readonly string[], context: LoadContext, span: Span): ComposeError['diagnostics'][number] {
  return {
    reason: 'include-cycle',
    message: `include cycle detected: ${chain.map((one) => context.display(one)).join(' include ')}`,
    hint: 'a file cannot include itself, directly or through others',
    span,
  };
}

function importSection(model: MapNode, imported: MapNode, section: string, span: Span): MapNode {
  const from = imported.entries.get(section);
  if (from === undefined || from.value.is !== 'map') return model;
  const to = model.entries.get(section);
  const known = to?.value.is === 'map' ? to.value : map([], span);
  const added = entriesOf(from.value).flatMap(([name, entry]) => {
    const local = known.entries.get(name);
    if (local === undefined) return [[name, entry] as const];
    if (sameNode(local.value, entry.value)) return [];
    throw new ComposeError({
      reason: 'include-conflict',
      message: `${section}.${name} conflicts with imported resource`,
      hint: 'give one of them another name, or override it in another file named with -f',
      span: local.key,
      related: [{ message: 'imported from here', span: entry.key }],
    });
  });
  return withEntries(model, [[section, { key: to?.key ?? from.key, value: withEntries(known, added) }]]);
}
