import type { RemoteDefinition } from '../../planner/bake/remote.ts';
import { isGitOverSsh } from '../../planner/options/url.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { SourceFile } from '../../planner/source.ts';
import { BuildkitClient } from '../buildkit/client.ts';
import type { Definition } from '../buildkit/definition.ts';
import { HTTP_FILE, sourceDefinition } from '../buildkit/definition.ts';
import { wireError } from '../buildkit/error.ts';
import type { Gateway } from '../buildkit/gateway.ts';
import { runInside } from '../buildkit/job.ts';
import { refIds } from '../buildkit/linked-inputs.ts';
import { newerDaemonHint } from '../buildkit/refusals.ts';
import type { RemoteSource } from '../buildkit/remote-tree.ts';
import { remoteSource, unpacked } from '../buildkit/remote-tree.ts';
import { withoutPassword, withoutPasswords } from '../buildkit/url-text.ts';
import type { EventSink } from '../event.ts';
import type { DefinitionUnreadable, RuntimeFailure } from '../failure.ts';
import { FailureError } from '../failure.ts';
import { ARCHIVE_HEADER_BYTES, isArchive } from './archive-header.ts';
import { secretsService } from '../session/secrets.ts';
import { sshService } from '../session/ssh.ts';
import type { AskPassphrase } from '../session/ssh-key-files.ts';
import { randomId, Session } from '../session/session.ts';
import type { Builder } from './build.ts';
import { unreachableBuilder } from './failures.ts';
import { gitSshEntry, sshAgents } from './ssh-agents.ts';
import { gitSecrets } from './git-secrets.ts';

/** More than a person writes; a larger file is something else (docker/buildx `bake/remote.go`). */
const MAX_DEFINITION_BYTES = 2 * 1024 * 1024;

/** Under this name the reading is shown as a target of its own. */
const SHOWN_AS = 'definition';

const SSH_HINT =
  'BUILDX_BAKE_GIT_SSH or SSH_AUTH_SOCK names the socket of an agent that holds the key, or a key without a passphrase; on a terminal, it is asked for';

/** Which definition is to be read, and by whom. */
export interface RemoteRequest {
  readonly url: string;
  /** The files to look for in a repository or an archive, in the order of merging. */
  readonly names: readonly string[];
  /** Whether those that are not there are left out. */
  readonly mayBeMissing: boolean;
  readonly builder: Builder;
  /** Absolute; the socket of an agent may be named from here. */
  readonly cwd: string;
  /** For tokens of the repository's host. */
  readonly env: ReadonlyMap<string, string>;
  /** Asks the user for the passphrase of an ssh key; undefined where nobody can be asked. */
  readonly askPassphrase?: AskPassphrase | undefined;
  readonly emit: EventSink;
  readonly signal: AbortSignal;
}

/**
 * Reads the files of a definition that lies in a git repository, in an archive or behind a URL. The builder fetches it, as
 * it will fetch the contexts in it, and nothing of it is kept here (docker/buildx `bake/remote.go`).
 */
export async function readRemoteDefinition(request: RemoteRequest): Promise<Result<RemoteDefinition, RuntimeFailure>> {
  const { url, builder, env, emit, signal } = request;
  const remote = remoteSource(url);
  if (!remote.ok) return fail(unreadable(url, remote.failure));
  const agents = await sshAgents(isGitOverSsh(url) ? [gitSshEntry(env)] : [], {
    cwd: request.cwd,
    env,
    ask: request.askPassphrase,
    signal,
  });
  if (!agents.ok) {
    const { id, path, cause } = agents.failure;
    return fail(unreadable(url, `ssh ${JSON.stringify(id)}: ${path} cannot be used: ${cause}`, SSH_HINT));
  }
  using client = new BuildkitClient(builder.endpoint);
  let version: string;
  try {
    version = (await client.info({ signal }))?.version ?? '';
  } catch (error) {
    return fail(signal.aborted ? { reason: 'canceled' } : unreachableBuilder(builder.endpoint, error));
  }
  emit({ type: 'builder-ready', name: builder.name, driver: builder.driver, version });
  emit({ type: 'build-started', targets: [{ name: SHOWN_AS, platforms: [] }] });
  const session = new Session({
    sharedKey: '',
    services: [
      secretsService(gitSecrets(url, env), { env, resolve: (path) => path }),
      ...(agents.value.size > 0 ? [sshService(agents.value)] : []),
    ],
  });
  let found: RemoteDefinition | undefined;
  try {
    const work = async (gateway: Gateway, inner: AbortSignal): Promise<object> => {
      found = await read(remote.value, request, new Tree(gateway, inner));
      return {};
    };
    await runInside(
      client,
      { ref: randomId(), session, request: { Cache: {}, Internal: true }, work },
      { onStatus: (update) => emit({ type: 'status', target: SHOWN_AS, update }), signal },
    );
  } catch (error) {
    return fail(failureOf(error, request));
  } finally {
    emit({ type: 'build-finished' });
  }
  return found === undefined ? fail(unreadable(url, 'the builder gave no answer')) : ok(found);
}

/** What the builder fetched, file by file. */
class Tree {
  readonly #gateway: Gateway;
  readonly #signal: AbortSignal;

  constructor(gateway: Gateway, signal: AbortSignal) {
    this.#gateway = gateway;
    this.#signal = signal;
  }

  /** Has it fetched; gives its id. */
  async fetch(definition: Definition): Promise<string> {
    const options = { signal: this.#signal };
    const result = await this.#gateway.solve({ Definition: definition, allowResultReturn: true }, options);
    const [id] = result === undefined ? [] : refIds(result);
    if (id === undefined) throw new Error('the builder fetched nothing');
    await this.#gateway.evaluate(id, options);
    return id;
  }

  isThere(id: string, path: string): Promise<boolean> {
    return this.#gateway.fileSize(id, path, { signal: this.#signal }).then((size) => size !== undefined);
  }

  read(id: string, path: string, firstBytes: number): Promise<Uint8Array> {
    return this.#gateway.readFile(id, path, { signal: this.#signal, firstBytes });
  }
}

async function read(
  { kind, source }: RemoteSource,
  { url, names, mayBeMissing }: RemoteRequest,
  tree: Tree,
): Promise<RemoteDefinition> {
  let root = await tree.fetch(sourceDefinition(source));
  if (kind === 'http') {
    if (!isArchive(await tree.read(root, HTTP_FILE, ARCHIVE_HEADER_BYTES))) {
      return { url, kind: 'file', files: [await definitionFile(tree, root, { url, path: HTTP_FILE, isWhole: true })] };
    }
    root = await tree.fetch(unpacked(source));
    if (await isStillPacked(tree, root)) {
      const hint = 'for xz, the engine needs a program of that name';
      throw new FailureError(unreadable(url, 'the builder cannot unpack the archive', hint));
    }
  }
  const files: SourceFile[] = [];
  for (const name of names) {
    if (await tree.isThere(root, name))
      files.push(await definitionFile(tree, root, { url, path: name, isWhole: false }));
    else if (!mayBeMissing) throw new FailureError(missing(url, name));
  }
  return { url, kind: 'tree', files };
}

/** A builder that cannot unpack an archive copies it instead, and does not say so. */
async function isStillPacked(tree: Tree, root: string): Promise<boolean> {
  return (await tree.isThere(root, HTTP_FILE)) && isArchive(await tree.read(root, HTTP_FILE, ARCHIVE_HEADER_BYTES));
}

async function definitionFile(
  tree: Tree,
  root: string,
  { url, path, isWhole }: { readonly url: string; readonly path: string; readonly isWhole: boolean },
): Promise<SourceFile> {
  const bytes = await tree.read(root, path, MAX_DEFINITION_BYTES + 1);
  const what = isWhole ? 'it' : path;
  if (bytes.length > MAX_DEFINITION_BYTES) {
    const cause = `${what} is bigger than the maximum size of a definition (2 MB)`;
    throw new FailureError(unreadable(url, isWhole ? `${cause} and no archive` : cause));
  }
  try {
    return {
      name: isWhole ? withoutPassword(url) : path,
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    };
  } catch {
    throw new FailureError(unreadable(url, `${what} is neither an archive nor valid UTF-8 text`));
  }
}

function missing(url: string, name: string): DefinitionUnreadable {
  return unreadable(
    url,
    `open ${name}: no such file or directory`,
    'names given with -f are looked up inside of it; cwd://NAME is a local file',
  );
}

function unreadable(url: string, cause: string, hint?: string): DefinitionUnreadable {
  return { reason: 'definition-unreadable', url: withoutPassword(url), cause, ...(hint === undefined ? {} : { hint }) };
}

function failureOf(error: unknown, { url, signal }: RemoteRequest): RuntimeFailure {
  if (signal.aborted) return { reason: 'canceled' };
  if (error instanceof FailureError) return error.failure;
  const wire = wireError(error);
  const message = wire?.message ?? (error instanceof Error ? error.message : undefined);
  if (message === undefined) throw error;
  return unreadable(url, withoutPasswords(message.trim()), hintFor(message));
}

function hintFor(message: string): string | undefined {
  const newer = newerDaemonHint(message);
  if (newer !== undefined) return newer;
  if (
    /connection refused|no such host|i\/o timeout|Could not resolve host|unable to connect|Failed to connect/i.test(
      message,
    )
  )
    return 'the builder fetches it, not this machine: can it reach that host?';
  if (/cannot run ssh|ssh: (?:command )?not found/.test(message)) return 'the engine has no ssh program; https works';
  if (/status 404|does not appear to be a git repository|repository .* not found/i.test(message))
    return 'is the URL right?';
  if (/terminal prompts disabled|Authentication failed|could not read Username|status 401|status 403/i.test(message))
    return 'BUILDX_BAKE_GIT_AUTH_TOKEN or BUILDX_BAKE_GIT_AUTH_HEADER opens a private repository';
  return undefined;
}
