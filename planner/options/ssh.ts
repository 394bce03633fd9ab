import type { FileSystemPort } from '../host.ts';
import type { SshEntry } from '../target.ts';

/**
 * What is wrong with a forwarded agent or key (moby/buildkit `session/sshforward/sshprovider`); undefined when nothing is.
 * A path must be an agent's socket or a private key that can be used without a passphrase.
 */
export function sshProblem(
  { id, paths }: SshEntry,
  { environment, fs }: { readonly environment: ReadonlyMap<string, string>; readonly fs: FileSystemPort },
): string | undefined {
  if (paths.length === 0) {
    const socket = environment.get('SSH_AUTH_SOCK') ?? '';
    if (socket === '') return 'invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set';
    return fs.kind(socket) === undefined ? `SSH_AUTH_SOCK: ${socket}: no such file or directory` : undefined;
  }
  for (const path of paths) {
    const kind = fs.kind(path);
    if (kind === undefined) return `failed to stat ${path}: no such file or directory`;
    if (kind === 'other') {
      if (paths.length > 1) return `ssh ${id}: a socket stands alone, without keys beside it`;
      continue;
    }
    const problem = kind === 'dir' ? 'it is a directory' : keyProblem(fs.readText(path) ?? '');
    if (problem !== undefined)
      return `failed to convert agent config for ID: ${JSON.stringify(id)}: ${path}: ${problem}`;
  }
  return undefined;
}

function keyProblem(text: string): string | undefined {
  const begin = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----\r?\n/.exec(text);
  const [line = '', kind = ''] = begin ?? [];
  const start = (begin?.index ?? 0) + line.length;
  const end = begin === null ? -1 : text.indexOf(`-----END ${kind}-----`, start);
  if (end === -1) return 'ssh: no key found';
  const body = text.slice(start, end);
  const encrypted =
    kind === 'ENCRYPTED PRIVATE KEY' ||
    /^Proc-Type: 4,ENCRYPTED/m.test(body) ||
    (kind === 'OPENSSH PRIVATE KEY' && !hasNoCipher(body));
  return encrypted ? 'ssh: this private key is passphrase protected; add it to an agent' : undefined;
}

/** OpenSSH's own format begins with the name of the cipher (openssh PROTOCOL.key). */
function hasNoCipher(body: string): boolean {
  const magic = 'openssh-key-v1\0';
  const start = Buffer.from(body.replace(/\s/g, '').slice(0, 64), 'base64').toString('latin1');
  return start.startsWith(`${magic}\0\0\0\u0004none`);
}
