import path from 'node:path/posix';
import { cleanPath } from '../clean-path.ts';
import type { FileSystemPort } from '../host.ts';
import type { SourceFile, Span } from '../source.ts';
import { ComposeError } from './error.ts';

/** The file system as loading Compose files needs it. */
export interface ComposeFileSystem extends FileSystemPort {
  /** The path with every symbolic link followed; undefined when there is nothing. */
  readonly realPath?: (path: string) => string | undefined;
}

/** Which of the two readers of Compose files is followed: they check, fill in and resolve differently. */
export type ComposeMode = 'bake' | 'compose';

/** What loading one project depends on. */
export interface LoadContext {
  readonly mode: ComposeMode;
  readonly fs: ComposeFileSystem;
  /** Where relative paths start: empty for the working directory (bake), else absolute (compose). */
  readonly dir: string;
  readonly environment: ReadonlyMap<string, string>;
  /** For `~`. */
  readonly homeDir: string;
  /** Told once for every variable that is not set. */
  readonly onUnset: (name: string) => void;
  readonly warn: (message: string) => void;
  /** The result is only printed: then known defects of the reference are followed, so that the texts are equal. */
  readonly isPrinted: boolean;
  /** A path as messages show it. */
  readonly display: (path: string) => string;
}

/** `path` seen from a folder; `~` is the home directory. Empty stays empty. */
export function resolvePath(dir: string, name: string, homeDir: string): string {
  const expanded = name.startsWith('~') ? path.join(homeDir, name.slice(1)) : name;
  if (expanded === '' || path.isAbsolute(expanded)) return expanded;
  return cleanPath(path.join(dir, expanded));
}

/** Reads a file that a Compose file names. Throws {@link ComposeError} at the place that names it. */
export function readNamed(context: LoadContext, name: string, span: Span | undefined): SourceFile {
  const complain = (message: string): ComposeError =>
    new ComposeError({
      reason: 'missing-file',
      message,
      hint: 'check the path; it is seen from the folder of the project',
      ...(span === undefined ? {} : { span }),
    });
  if (context.fs.kind(name) === 'dir') throw complain(`read ${name}: is a directory`);
  try {
    const text = context.fs.readText(name);
    if (text !== undefined) return { name: context.display(name), text };
  } catch (error) {
    throw complain(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw complain(`open ${name}: no such file or directory`);
}

/** The text of a file; undefined when there is none. Throws {@link ComposeError} for what cannot be read. */
export function readText(fs: FileSystemPort, name: string, shown: string): string | undefined {
  try {
    return fs.readText(name);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ComposeError({
      reason: 'unreadable-file',
      message: `failed to read ${shown}: ${why}`,
      hint: 'the file must be readable UTF-8 text',
    });
  }
}

/** Whether a path names something in another place (a git repository, an OCI artifact). */
export function isRemoteFile(name: string): boolean {
  return /^(?:oci:\/\/|git:\/\/|ssh:\/\/|git@|github\.com\/)|^https?:\/\/.*\.git(?:#|$)/.test(name);
}

/** Refuses a Compose file from another place. */
export function refuseRemote(name: string, span?: Span): never {
  throw new ComposeError({
    reason: 'unsupported',
    message: `remote Compose files are not supported: ${name}`,
    hint: 'clone the repository and name the file in it',
    ...(span === undefined ? {} : { span }),
  });
}
