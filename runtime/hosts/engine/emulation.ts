import { readFile } from 'node:fs/promises';
import { setupEnvironment } from './facts.ts';
import { runInRoot } from './room.ts';

/** The kernel's own name (uname -m, and so QEMU's) of the architecture a machine does not have. */
const FOREIGN: Readonly<Record<string, string>> = { amd64: 'aarch64', arm64: 'x86_64' };

/** QEMU's name of the architecture that a machine (named in Debian's words) does not have; empty for unknown machines. */
export function foreignArchitecture(architecture: string): string {
  return FOREIGN[architecture] ?? '';
}

/**
 * Shell that registers the emulator of `$foreign` from Debian's binfmt.d file with the kernel, unless one is there, and
 * writes one word about it into `$answer`.
 *
 * The kernel opens the emulator at once and keeps it (flag F, admin-guide/binfmt-misc), so it works in every mount
 * namespace. Since Linux 6.7 it forgets what was registered when the last mount of binfmt_misc goes, so this has to
 * run where a mount can stay: in the daemon's own namespace, with which it then goes away by itself.
 */
export const REGISTER = `
register() {
  folder=/proc/sys/fs/binfmt_misc
  [ -n "$foreign" ] || { echo unknown; return; }
  [ -e "$folder/register" ] || mount -t binfmt_misc binfmt_misc "$folder" || { echo refused; return; }
  handler=qemu-$foreign
  if [ -e "$folder/$handler" ]; then
    grep -q '^enabled' "$folder/$handler" || { echo disabled; return; }
    grep -q '^flags:.*F' "$folder/$handler" || { echo unfixed; return; }
    echo present
  elif cat "/usr/share/qemu/binfmt.d/$handler.conf" > "$folder/register"; then
    echo registered
  else
    echo refused
  fi
}
register > "$answer"
`;

/** The same shell's way back. */
const UNREGISTER = `
folder=/proc/sys/fs/binfmt_misc
[ -e "$folder/register" ] || mount -t binfmt_misc binfmt_misc "$folder" || exit 69
[ ! -e "$folder/qemu-$1" ] || echo -1 > "$folder/qemu-$1"
`;

/** Whether programs of the architecture that a machine does not have can run on it. */
export type Emulation =
  /** `ours`: we registered it, and may take it away again. */
  | { readonly is: 'on'; readonly architecture: string; readonly ours: boolean }
  | { readonly is: 'off'; readonly why: string };

/** What {@link REGISTER} came to, from the word it wrote. */
export async function readEmulation(answer: string, architecture: string): Promise<Emulation> {
  const foreign = foreignArchitecture(architecture);
  const word = (await readFile(answer, 'utf8').catch(() => '')).trim();
  switch (word) {
    case 'registered':
      return { is: 'on', architecture: foreign, ours: true };
    case 'present':
      return { is: 'on', architecture: foreign, ours: false };
    case 'disabled':
      return { is: 'off', why: `qemu-${foreign} is registered with the kernel but switched off` };
    case 'unfixed':
      return {
        is: 'off',
        why: `qemu-${foreign} is registered with the kernel without the F flag, which containers need`,
      };
    case 'unknown':
      return { is: 'off', why: `no emulator is known for a machine of architecture ${architecture}` };
    default:
      return { is: 'off', why: 'the kernel does not take it (no binfmt_misc)' };
  }
}

/** Takes away what {@link REGISTER} registered, where the machine keeps a mount of binfmt_misc of its own. */
export async function unregisterEmulation(
  architecture: string,
  { root, signal }: { readonly root: string; readonly signal: AbortSignal },
): Promise<void> {
  const foreign = foreignArchitecture(architecture);
  await runInRoot(root, { argv: ['sh', '-c', UNREGISTER, 'sh', foreign], env: setupEnvironment({}) }, { signal });
}
