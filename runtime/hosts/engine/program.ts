import { join } from 'node:path';
import type { MachineFacts } from './facts.ts';

interface Loader {
  readonly loader: string;
  readonly libraries: string;
}

const LOADERS: Readonly<Record<string, Loader>> = {
  amd64: { loader: 'lib64/ld-linux-x86-64.so.2', libraries: 'usr/lib/x86_64-linux-gnu' },
  arm64: { loader: 'lib/ld-linux-aarch64.so.1', libraries: 'usr/lib/aarch64-linux-gnu' },
};

/**
 * The command that runs a program of a Debian root from outside of it, with the root's own C library, seeing the
 * machine's files: no root rights, mounts or chroot. `path` is the program's path in the root.
 */
export function programOfRoot(
  root: string,
  { path, facts }: { readonly path: string; readonly facts: Pick<MachineFacts, 'architecture'> },
): readonly [string, ...string[]] {
  const found = LOADERS[facts.architecture];
  if (found === undefined) return [join(root, path)];
  return [join(root, found.loader), '--library-path', join(root, found.libraries), join(root, path)];
}
