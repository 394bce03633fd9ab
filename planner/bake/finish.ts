import { cleanPath } from '../clean-path.ts';
import type { FileSystemPort } from '../host.ts';
import { isGitOverSsh, isRemoteUrl } from '../options/url.ts';
import type { SshEntry, Target, TypedEntry } from '../target.ts';
import type { RemoteDefinition } from './remote.ts';
import type { TargetChecks } from './check-target.ts';
import { checkTarget } from './check-target.ts';
import type { RawTarget } from './raw-target.ts';
import { uniqueEntries } from './raw-target.ts';

/** What is needed to turn what a target says into what it means. */
export interface FinishContext {
  readonly environment: ReadonlyMap<string, string>;
  readonly fs: FileSystemPort;
  readonly remote?: RemoteDefinition | undefined;
  /** The result is only printed. */
  readonly isPrinted: boolean;
  /** Whether `-` may stand for standard input. */
  readonly mayReadStdin?: boolean;
  /** Whether somebody can be asked for a passphrase; by default nobody can. */
  readonly mayAsk?: (() => boolean) | undefined;
}

type MutableTarget = { -readonly [K in keyof Target]: Target[K] };

/** Most targets say nothing of most things. */
const NONE: readonly never[] = [];
const NOTHING: Readonly<Record<string, string>> = {};

/** A resolved target with its defaults, and what is wrong with it. */
export function finishTarget(
  raw: RawTarget,
  finish: FinishContext,
): { readonly target: Target; readonly checks: TargetChecks } {
  const { environment, remote } = finish;
  const { context, contextIsRemote } = contextOf(raw.context ?? '.', remote);
  const ssh = sshEntries(raw, isGitOverSsh(context) || isGitOverSsh(remote?.url ?? ''));
  const target: MutableTarget = {
    name: raw.name,
    annotations: raw.annotations ?? NONE,
    attest: raw.attest ?? NONE,
    context,
    contexts: record(withoutEmpty(raw.contexts)),
    dockerfile: raw.dockerfile === undefined || raw.dockerfile === '' ? 'Dockerfile' : raw.dockerfile,
    args: record(withEpoch(raw.args, environment.get('SOURCE_DATE_EPOCH') ?? '')),
    labels: record(raw.labels),
    tags: raw.tags ?? NONE,
    cacheFrom: raw.cacheFrom ?? NONE,
    cacheTo: raw.cacheTo ?? NONE,
    secrets: raw.secret ?? NONE,
    ssh,
    platforms: raw.platforms ?? NONE,
    outputs: raw.output === undefined ? NONE : uniqueEntries(raw.output.map(finishOutput)),
    noCacheFilter: raw.noCacheFilter ?? NONE,
    ulimits: raw.ulimits ?? NONE,
    entitlements: entitlementsOf(raw),
    extraHosts: record(raw.extraHosts),
  };
  if (raw.description !== undefined && raw.description !== '') target.description = raw.description;
  if (contextIsRemote) target.contextIsRemote = true;
  if (raw.dockerfileInline !== undefined) target.dockerfileInline = raw.dockerfileInline;
  if (raw.target !== undefined) target.target = raw.target;
  if (raw.pull !== undefined) target.pull = raw.pull;
  if (raw.noCache !== undefined) target.noCache = raw.noCache;
  if (raw.network !== undefined) target.network = raw.network;
  if (raw.cgroupParent !== undefined) target.cgroupParent = raw.cgroupParent;
  if (raw.shmSize !== undefined) target.shmSize = raw.shmSize;
  if (raw.call !== undefined) target.call = raw.call;
  if (raw.projectId !== undefined) target.projectId = raw.projectId;
  return { target, checks: checkTarget(raw, target, finish) };
}

/** A context that is fetched by ssh needs an agent, whether the target says so or not. */
function sshEntries(raw: RawTarget, needed: boolean): readonly SshEntry[] {
  const own = raw.ssh ?? NONE;
  return own.length === 0 && needed ? [{ id: 'default', paths: [] }] : own;
}

function withoutEmpty(contexts: RawTarget['contexts']): RawTarget['contexts'] {
  if (contexts === undefined) return undefined;
  return new Map([...contexts].filter(([, value]) => value !== ''));
}

function withEpoch(args: RawTarget['args'], epoch: string): RawTarget['args'] {
  if (epoch === '' || args?.has('SOURCE_DATE_EPOCH') === true) return args;
  return new Map([...(args ?? []), ['SOURCE_DATE_EPOCH', epoch]]);
}

function entitlementsOf({ entitlements = NONE, network }: RawTarget): readonly string[] {
  const implied = network === 'host' && !entitlements.includes('network.host');
  return implied ? [...entitlements, 'network.host'] : entitlements;
}

function record(map: ReadonlyMap<string, string> | undefined): Readonly<Record<string, string>> {
  return map === undefined || map.size === 0 ? NOTHING : Object.fromEntries(map);
}

/** Where a definition comes from a tree, its contexts are of that tree (buildx `bake/bake.go`, `updateContext`). */
function contextOf(
  said: string,
  remote: RemoteDefinition | undefined,
): { readonly context: string; readonly contextIsRemote: boolean } {
  const context = cleanContext(said);
  const stays = remote?.kind !== 'tree' || said.startsWith('cwd://') || isRemoteUrl(said);
  if (stays) return { context, contextIsRemote: false };
  return context === '.' ? { context: remote.url, contextIsRemote: false } : { context, contextIsRemote: true };
}

/** Local paths are cleaned as Go's `path.Clean` does; URLs stay. */
function cleanContext(context: string): string {
  if (context.startsWith('cwd://')) return cleanPath(context.slice('cwd://'.length));
  const stays = isRemoteUrl(context) || /^(?:target:|docker-image:\/\/|oci-layout:\/\/|-$)/.test(context);
  return stays ? context : cleanPath(context);
}

/** Archives without a destination go to stdout. */
function finishOutput(output: TypedEntry): TypedEntry {
  const { type, attrs } = output;
  const isArchive = (type === 'oci' || type === 'tar') && attrs.tar !== 'false';
  return isArchive && attrs.dest === undefined ? { ...output, attrs: { ...attrs, dest: '-' } } : output;
}
