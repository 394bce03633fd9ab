import type { Diagnostic } from '../diagnostic.ts';
import type { FileSystemPort } from '../host.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { SourceFile } from '../source.ts';
import type { RemoteDefinition } from './remote.ts';

/** Every one of these that is there is read, in this order (buildx `bake/bake.go`, `DefaultFiles`). */
const DEFAULT_FILES = [
  'compose.yaml',
  'compose.yml',
  'docker-compose.yml',
  'docker-compose.yaml',
  'docker-bake.json',
  'docker-bake.hcl',
  'docker-bake.override.json',
  'docker-bake.override.hcl',
] as const;

/** Marks what is seen from the working directory, also where the definition lies elsewhere. */
const CWD = 'cwd://';

/** Which definition files to read. */
export interface FileRequest {
  /** As named with `-f`; `-` is stdin. Empty: the environment, else the default names. */
  readonly named: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly fs: FileSystemPort;
  /** The text on stdin, when one of the names is `-`. */
  readonly stdin?: string | undefined;
  /** What has been read elsewhere; then only names with `cwd://` are local. */
  readonly remote?: RemoteDefinition | undefined;
}

/** Which files to look for in a remote definition: those named for it, or the default names, as far as they are there. */
export function remoteNames({ named, environment }: Pick<FileRequest, 'named' | 'environment'>): {
  readonly names: readonly string[];
  readonly mayBeMissing: boolean;
} {
  const names = namesOf({ named, environment }).filter((name) => !name.startsWith(CWD));
  return names.length === 0 ? { names: DEFAULT_FILES, mayBeMissing: true } : { names, mayBeMissing: false };
}

/** Reads the definition files, in the order of merging. Empty files count as absent. */
export function readDefinitionFiles(request: FileRequest): Result<readonly SourceFile[], readonly Diagnostic[]> {
  const { remote } = request;
  const named = namesOf(request);
  const files: SourceFile[] = (remote?.files ?? []).filter(({ text }) => text !== '');
  const diagnostics: Diagnostic[] = [];
  for (const name of remote === undefined
    ? localNames(named, request.fs)
    : named.filter((one) => one.startsWith(CWD))) {
    const file = readFile(name, request);
    if (!file.ok) diagnostics.push(file.failure);
    else if (file.value.text !== '') files.push(file.value);
  }
  if (diagnostics.length > 0) return fail(diagnostics);
  if (files.length === 0) {
    return fail([
      {
        reason: 'no-definition',
        message: "couldn't find a bake definition",
        hint: nothingThere(named, remote),
      },
    ]);
  }
  return ok(files);
}

function namesOf({ named, environment }: Pick<FileRequest, 'named' | 'environment'>): readonly string[] {
  return named.length > 0 ? named : fromEnvironment(environment);
}

function localNames(named: readonly string[], fs: FileSystemPort): readonly string[] {
  return named.length > 0 ? named : DEFAULT_FILES.filter((one) => fs.kind(one) !== undefined);
}

function nothingThere(named: readonly string[], remote: RemoteDefinition | undefined): string {
  if (named.length > 0 || remote?.kind === 'file') return 'the named files are empty';
  const where = remote === undefined ? 'create docker-bake.hcl' : 'there is no docker-bake.hcl';
  return `${where}, or name a file with -f`;
}

function fromEnvironment(environment: ReadonlyMap<string, string>): readonly string[] {
  const list = environment.get('BUILDX_BAKE_FILE') ?? '';
  const separator = environment.get('BUILDX_BAKE_PATH_SEPARATOR') ?? ':';
  return list
    .split(separator === '' ? ':' : separator)
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function whoNamed(named: readonly string[], environment: ReadonlyMap<string, string>): string {
  if (named.length > 0) return 'check the name given with -f';
  return fromEnvironment(environment).length > 0 ? 'BUILDX_BAKE_FILE names it' : 'it is a link to nothing';
}

function readFile(name: string, { fs, named, environment, stdin }: FileRequest): Result<SourceFile, Diagnostic> {
  if (name === '-') return ok({ name, text: stdin ?? '' });
  const path = name.startsWith(CWD) ? name.slice(CWD.length) : name;
  if (fs.kind(path) === 'dir') {
    return fail({ reason: 'unreadable-file', message: `read ${path}: is a directory`, hint: 'name a file with -f' });
  }
  try {
    const text = fs.readText(path);
    if (text !== undefined) return ok({ name: path, text });
    return fail({
      reason: 'missing-file',
      message: `open ${path}: no such file or directory`,
      hint: whoNamed(named, environment),
    });
  } catch (error) {
    return fail({
      reason: 'unreadable-file',
      message: `${path}: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'the file must be readable UTF-8 text',
    });
  }
}
