import { createHash } from 'node:crypto';
import path from 'node:path/posix';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import type { GitUrl } from '../../planner/options/git-url.ts';
import type { DefinitionSchema } from '../../proto/gen/pb/ops_pb.ts';
import { OpSchema } from '../../proto/gen/pb/ops_pb.ts';
import { withoutPassword } from './url-text.ts';

/** A marshalled build graph, as the daemon takes it. */
export type Definition = MessageInitShape<typeof DefinitionSchema>;

/** Something the daemon fetches by itself. */
export interface Source {
  readonly identifier: string;
  readonly attrs: Readonly<Record<string, string>>;
  /** What an older daemon may not be able to do, so that it refuses instead of leaving it out. */
  readonly caps: readonly string[];
  /** Shown as the step's name. */
  readonly name: string;
}

/** What is made of a fetched tree: a file of it unpacked, or a folder of it alone. */
export interface Copy {
  readonly from: string;
  readonly unpack: boolean;
  /** Shown as the step's name. */
  readonly name: string;
}

/** The file that an http source puts its body into. */
export const HTTP_FILE = 'context';

/**
 * A tree with nothing in it: a definition that has no operation. Without the entry in its metadata it would count as
 * absent (moby/buildkit `client/llb/definition.go`).
 */
export const EMPTY_TREE: Definition = { metadata: { none: {} } };

/** A repository; tokens and headers for it are asked of the session, an ssh agent as `default` (moby/buildkit `client/llb/source.go`). */
export function gitSource(url: GitUrl): Source {
  const { ref = '', subdir = '' } = url;
  const fragment = ref === '' && subdir === '' ? '' : `#${ref}${subdir === '' ? '' : `:${subdir}`}`;
  const attrs: Record<string, string> = {
    'git.fullurl': url.remote,
    'git.authtokensecret': 'GIT_AUTH_TOKEN',
    'git.authheadersecret': 'GIT_AUTH_HEADER',
  };
  const caps: string[] = [];
  const add = (name: string, value: string | undefined): void => {
    if (value === undefined) return;
    attrs[`git.${name}`] = value;
    caps.push(`source.git.${name}`);
  };
  if (url.scheme === 'ssh') attrs['git.mountsshsock'] = 'default';
  add('keepgitdir', url.keepGitDir === true ? 'true' : undefined);
  add('skipsubmodules', url.submodules === false ? 'true' : undefined);
  add('checksum', url.checksum);
  add('mtime', url.mtime);
  add('fetchbycommit', url.fetchByCommit === true ? 'true' : undefined);
  return {
    identifier: `git://${url.host}${path.join('/', url.path)}${fragment}`,
    attrs,
    caps,
    name: `[internal] load git source ${withoutPassword(url.remote)}${fragment}`,
  };
}

/** The body behind a URL, as one file of the name {@link HTTP_FILE}. */
export function httpSource(url: string): Source {
  return {
    identifier: url,
    attrs: { 'http.filename': HTTP_FILE },
    caps: [],
    name: `[internal] load ${withoutPassword(url)}`,
  };
}

/** A source, and what is made of it step by step, each copy of the tree before it. */
export function sourceDefinition(source: Source, copies: readonly Copy[] = []): Definition {
  const graph = new Graph();
  let top = graph.add(
    { op: { case: 'source', value: { identifier: source.identifier, attrs: { ...source.attrs } } } },
    source,
  );
  for (const copy of copies) {
    const value = {
      src: path.join('/', copy.from),
      dest: '/',
      mode: -1,
      timestamp: -1n,
      dirCopyContents: !copy.unpack,
      attemptUnpackDockerCompatibility: copy.unpack,
    };
    const action = { input: -1n, secondaryInput: 0n, output: 0n, action: { case: 'copy', value } } as const;
    top = graph.add(
      { inputs: [{ digest: top }], op: { case: 'file', value: { actions: [action] } } },
      { name: copy.name, caps: [] },
    );
  }
  graph.add({ inputs: [{ digest: top }] }, { caps: [] });
  return { def: graph.ops, metadata: graph.metadata };
}

class Graph {
  readonly ops: Uint8Array[] = [];
  readonly metadata: Record<string, { description: Record<string, string>; caps: Record<string, boolean> }> = {};

  add(
    op: MessageInitShape<typeof OpSchema>,
    { name, caps }: { readonly name?: string; readonly caps: readonly string[] },
  ): string {
    const bytes = toBinary(OpSchema, create(OpSchema, op));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    this.ops.push(bytes);
    this.metadata[digest] = {
      description: name === undefined ? {} : { 'llb.customname': name },
      caps: Object.fromEntries(caps.map((cap) => [cap, true])),
    };
    return digest;
  }
}
