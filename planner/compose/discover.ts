import path from 'node:path/posix';
import { cleanPath } from '../clean-path.ts';
import type { SourceFile } from '../source.ts';
import { goBool } from '../options/entries.ts';
import type { ComposeFileSystem } from './context.ts';
import { isRemoteFile, readText, refuseRemote } from './context.ts';
import { parseEnvFile } from './env-file.ts';
import { ComposeError } from './error.ts';
import type { IncludedFile } from './include.ts';

const NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const OVERRIDES = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
];

/** What decides which files and variables a project has. */
export interface ProjectRequest {
  /** `-f`, in order; `-` is stdin. */
  readonly files: readonly string[];
  /** `--project-directory`. */
  readonly projectDirectory: string | undefined;
  /** `--env-file`, in order. */
  readonly envFiles: readonly string[];
  /** The environment of the process. */
  readonly environment: ReadonlyMap<string, string>;
  /** The working directory, absolute. */
  readonly cwd: string;
  readonly fs: ComposeFileSystem;
  /** The text on stdin, when a file is `-`. */
  readonly stdin: string | undefined;
  readonly onUnset: (name: string) => void;
  readonly warn: (message: string) => void;
}

/** The files of a project, where it lives, and its variables. */
export interface FoundProject {
  readonly files: readonly IncludedFile[];
  /** Absolute; relative paths start here. */
  readonly dir: string;
  readonly environment: ReadonlyMap<string, string>;
}

/**
 * Finds a project as `docker compose` 2.40 does (compose-go `cli/options.go`): files named, else `COMPOSE_FILE`, else the
 * default names here and above; `.env` beside them. Throws {@link ComposeError}.
 */
export function findProject(request: ProjectRequest): FoundProject {
  const { cwd, environment } = request;
  const absolute = (name: string): string => cleanPath(path.resolve(cwd, name));
  const given = request.projectDirectory === undefined ? undefined : absolute(request.projectDirectory);
  const firstNamed = request.files.find((name) => name !== '-');
  const before = given ?? (firstNamed === undefined ? cwd : path.dirname(absolute(firstNamed)));
  const named = environment.has('PWD') ? environment : new Map([...environment, ['PWD', cwd]]);
  const readsDotEnv = explicitEnvFiles(request).length === 0 && !isDisabled(environment);
  let variables = withEnvFiles(named, explicitEnvFiles(request).map(absolute), request);
  if (readsDotEnv) variables = withEnvFiles(variables, dotEnv(before, request), request);
  const names = fileNames(request, variables, given ?? cwd);
  const first = names.find((name) => name !== '-');
  const dir = given ?? (first === undefined ? cwd : path.dirname(first));
  if (readsDotEnv && dir !== before) variables = withEnvFiles(variables, dotEnv(dir, request), request);
  return { files: names.map((name) => readFile(name, request)), dir, environment: variables };
}

/** A path as a person in a folder knows it. */
export function displayName(name: string, cwd: string): string {
  const relative = path.relative(cwd, name);
  return relative === '' || relative.startsWith('../../') ? name : relative;
}

function explicitEnvFiles({ envFiles, environment }: ProjectRequest): readonly string[] {
  if (envFiles.length > 0) return envFiles;
  return (environment.get('COMPOSE_ENV_FILES') ?? '').split(',').filter((name) => name !== '');
}

function isDisabled(environment: ReadonlyMap<string, string>): boolean {
  const said = environment.get('COMPOSE_DISABLE_ENV_FILE') ?? '';
  const value = said === '' ? false : goBool(said);
  if (value !== undefined) return value;
  throw new ComposeError({
    reason: 'invalid-value',
    message: `COMPOSE_DISABLE_ENV_FILE: ${JSON.stringify(said)} is no boolean`,
    hint: 'set it to true or false',
  });
}

function dotEnv(dir: string, { fs }: ProjectRequest): readonly string[] {
  const name = path.join(dir, '.env');
  return fs.kind(name) === 'file' ? [name] : [];
}

/** Variables, and those of env files that are not set yet; among the files, the later wins. */
function withEnvFiles(
  variables: ReadonlyMap<string, string>,
  names: readonly string[],
  { fs, cwd, onUnset }: ProjectRequest,
): ReadonlyMap<string, string> {
  const read = new Map<string, string>();
  for (const name of names) {
    const kind = fs.kind(name);
    const text = kind === undefined || kind === 'dir' ? undefined : readText(fs, name, displayName(name, cwd));
    if (text === undefined) {
      throw new ComposeError({
        reason: 'missing-file',
        message: kind === 'dir' ? `${name} is a directory` : `couldn't find env file: ${name}`,
        hint: 'check --env-file and COMPOSE_ENV_FILES',
      });
    }
    const file = { name: displayName(name, cwd), text: text.replace(/^\ufeff/, '') };
    const parsed = parseEnvFile(file, { get: (key) => variables.get(key) ?? read.get(key), onUnset });
    if (!parsed.ok) throw new ComposeError(parsed.failure);
    for (const [key, value] of parsed.value) read.set(key, value);
  }
  return new Map([...read, ...variables]);
}

/** Absolute names of the files, `-` for stdin. */
function fileNames(request: ProjectRequest, variables: ReadonlyMap<string, string>, start: string): readonly string[] {
  const { files, cwd, fs } = request;
  const absolute = (name: string): string => (name === '-' ? name : cleanPath(path.resolve(cwd, name)));
  if (files.length > 0) {
    for (const name of files) if (isRemoteFile(name)) refuseRemote(name);
    return files.map(absolute);
  }
  const listed = variables.get('COMPOSE_FILE') ?? '';
  if (listed !== '') {
    const names = listed.split(variables.get('COMPOSE_PATH_SEPARATOR') || ':').map(absolute);
    const missing = names.find((name) => name !== '-' && fs.kind(name) === undefined);
    if (missing === undefined) return names;
    throw new ComposeError({
      reason: 'missing-file',
      message: `stat ${missing}: no such file or directory`,
      hint: 'COMPOSE_FILE names it',
    });
  }
  for (let dir = start; ; dir = path.dirname(dir)) {
    const found = NAMES.map((name) => path.join(dir, name)).filter((name) => isFile(name, fs));
    const [base] = found;
    if (base !== undefined) return [tellChoice(found, 'config files', request), ...override(dir, request)];
    if (dir === path.dirname(dir)) break;
  }
  throw new ComposeError({
    reason: 'no-definition',
    message: 'no configuration file provided: not found',
    hint: `create compose.yaml, or name a file with -f`,
  });
}

function override(dir: string, request: ProjectRequest): readonly string[] {
  const found = OVERRIDES.map((name) => path.join(dir, name)).filter((name) => isFile(name, request.fs));
  return found.length === 0 ? [] : [tellChoice(found, 'override files', request)];
}

function tellChoice(found: readonly string[], what: string, { warn }: ProjectRequest): string {
  const first = found[0] ?? '';
  if (found.length > 1) {
    warn(`Found multiple ${what} with supported names: ${found.join(', ')}`);
    warn(`Using ${first}`);
  }
  return first;
}

function isFile(name: string, fs: ComposeFileSystem): boolean {
  const kind = fs.kind(name);
  return kind !== undefined && kind !== 'dir';
}

function readFile(name: string, { files, fs, cwd, stdin }: ProjectRequest): IncludedFile {
  if (name === '-') return { path: name, file: { name, text: stdin ?? '' } };
  const problem = (message: string, otherwise: string): ComposeError =>
    new ComposeError({
      reason: 'missing-file',
      message,
      hint: files.length > 0 ? 'check the name given with -f' : otherwise,
    });
  if (fs.kind(name) === 'dir') throw problem(`read ${name}: is a directory`, 'COMPOSE_FILE names it');
  let text: string | undefined;
  try {
    text = fs.readText(name);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ComposeError({
      reason: 'unreadable-file',
      message: `${name}: ${why}`,
      hint: 'the file must be readable text in UTF-8, or in UTF-16 with a byte order mark',
    });
  }
  if (text === undefined)
    throw problem(`open ${name}: no such file or directory`, 'it went away, or is a link to nothing');
  const file: SourceFile = { name: displayName(name, cwd), text };
  return { path: name, file };
}
