import type { Diagnostic } from '../diagnostic.ts';
import type { FileSystemPort } from '../host.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { SourceFile } from '../source.ts';

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

/** Which definition files to read. */
export interface FileRequest {
  /** As named with `-f`; `-` is stdin. Empty: the environment, else the default names. */
  readonly named: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly fs: FileSystemPort;
  /** The text on stdin, when one of the names is `-`. */
  readonly stdin?: string | undefined;
}

/** Reads the definition files, in the order of merging. Empty files count as absent. */
export function readDefinitionFiles(request: FileRequest): Result<readonly SourceFile[], readonly Diagnostic[]> {
  const named = request.named.length > 0 ? request.named : fromEnvironment(request.environment);
  const files: SourceFile[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const name of named.length > 0 ? named : DEFAULT_FILES.filter((one) => request.fs.kind(one) !== undefined)) {
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
        hint: named.length > 0 ? 'the named files are empty' : `create docker-bake.hcl, or name a file with -f`,
      },
    ]);
  }
  return ok(files);
}

function fromEnvironment(environment: ReadonlyMap<string, string>): readonly string[] {
  const list = environment.get('BUILDX_BAKE_FILE') ?? '';
  const separator = environment.get('BUILDX_BAKE_PATH_SEPARATOR') ?? ':';
  return list
    .split(separator === '' ? ':' : separator)
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function readFile(name: string, { fs, stdin }: FileRequest): Result<SourceFile, Diagnostic> {
  if (name === '-') return ok({ name, text: stdin ?? '' });
  const path = name.replace(/^cwd:\/\//, '');
  if (fs.kind(path) === 'dir') {
    return fail({ reason: 'unreadable-file', message: `read ${path}: is a directory`, hint: 'name a file with -f' });
  }
  try {
    const text = fs.readText(path);
    if (text !== undefined) return ok({ name: path, text });
    return fail({
      reason: 'missing-file',
      message: `open ${path}: no such file or directory`,
      hint: 'check the name given with -f',
    });
  } catch (error) {
    return fail({
      reason: 'unreadable-file',
      message: `${path}: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'the file must be readable UTF-8 text',
    });
  }
}
