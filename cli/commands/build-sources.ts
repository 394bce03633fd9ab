import { ARCHIVE_HEADER_BYTES, isArchive } from '../../runtime/build/archive-header.ts';
import { withoutPassword } from '../../runtime/buildkit/url-text.ts';
import { abortable } from '../../runtime/session/abortable.ts';
import type { CommandContext } from '../command.ts';
import { canceled, complain, INTERRUPTED } from '../print/complain.ts';
import { readRemote } from './bake-remote.ts';

/** Parts of a build that are not files of this machine. */
export interface BuildSources {
  /** The text of the Dockerfile. */
  readonly dockerfile?: string;
  /** The context, as an archive that can be read once; the Dockerfile is in it unless there is another. */
  readonly archive?: AsyncIterable<Uint8Array>;
}

/** A longer Dockerfile is none. */
const MAX_DOCKERFILE_BYTES = 16 * 1024 * 1024;

/**
 * Reads what `-` and URLs stand for: a Dockerfile whole; of an archive only as much as tells that it is one
 * (docker/buildx `build/opt.go`, `loadInputs`). Gives the exit code where something is wrong, which is told by then.
 */
export async function readSources(
  { context, file }: { readonly context: string; readonly file: string },
  command: CommandContext,
): Promise<BuildSources | number> {
  const isBehindUrl = /^https?:\/\//.test(file);
  if (context !== '-' && isBehindUrl) return dockerfileBehind(file, command);
  if (context === '-' && file === '-')
    return complain(command, 'the context and the Dockerfile cannot both come from stdin; write one of them to a file');
  try {
    const chunks = Bytes.of(abortable<Buffer>(command.stdin, command.signal));
    if (context !== '-') return await textOf(chunks, command);
    const start = await chunks.peek(ARCHIVE_HEADER_BYTES);
    if (start.length === 0)
      return complain(
        command,
        'nothing came from stdin; a Dockerfile is expected there, or a context as a tar archive',
      );
    if (!isArchive(start) && file !== '')
      return complain(command, 'what comes from stdin is no archive, and a Dockerfile is named by --file already');
    if (!isArchive(start)) return await textOf(chunks, command);
    const archive = chunks.rest();
    if (!isBehindUrl) return { archive };
    const behind = await dockerfileBehind(file, command);
    return typeof behind === 'number' ? behind : { ...behind, archive };
  } catch (error) {
    if (command.signal.aborted) return canceled(command);
    throw error;
  }
}

async function dockerfileBehind(url: string, command: CommandContext): Promise<BuildSources | number> {
  const found = await readRemote(url, command, []);
  if (found === undefined) return command.signal.aborted ? INTERRUPTED : 1;
  const [only] = found.files;
  return found.kind === 'file' && only !== undefined
    ? { dockerfile: only.text }
    : complain(command, `${withoutPassword(url)} is no Dockerfile, but a repository or an archive`);
}

async function textOf(chunks: Bytes, command: CommandContext): Promise<BuildSources | number> {
  const bytes = await chunks.peek(MAX_DOCKERFILE_BYTES + 1);
  if (bytes.length > MAX_DOCKERFILE_BYTES)
    return complain(
      command,
      `what comes from stdin is neither an archive nor a Dockerfile: it is over ${MAX_DOCKERFILE_BYTES} bytes`,
    );
  return { dockerfile: Buffer.from(bytes).toString('utf8') };
}

/** A stream whose beginning can be looked at before all of it is read. */
class Bytes {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #seen: Uint8Array[] = [];

  private constructor(source: AsyncIterator<Uint8Array>) {
    this.#source = source;
  }

  static of(stream: AsyncIterable<Uint8Array>): Bytes {
    return new Bytes(stream[Symbol.asyncIterator]());
  }

  /** The first bytes, as many as asked for, or all there are. */
  async peek(bytes: number): Promise<Uint8Array> {
    let length = this.#seen.reduce((sum, chunk) => sum + chunk.length, 0);
    while (length < bytes) {
      const next = await this.#source.next();
      if (next.done === true) break;
      this.#seen.push(next.value);
      length += next.value.length;
    }
    return Buffer.concat(this.#seen).subarray(0, bytes);
  }

  /** Everything, from the first byte on; to be asked for once. */
  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.#seen.splice(0);
    for (let next = await this.#source.next(); next.done !== true; next = await this.#source.next()) yield next.value;
  }
}
