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
}

/** A resolved target with its defaults, and what is wrong with it. */
export function finishTarget(
  raw: RawTarget,
  finish: FinishContext,
): { readonly target: Target; readonly checks: TargetChecks } {
  const { environment, remote } = finish;
  const { context, contextIsRemote } = contextOf(raw.context ?? '.', remote);
  const ssh = sshEntries(raw, isGitOverSsh(context) || isGitOverSsh(remote?.url ?? ''));
  const args = new Map(raw.args);
  const epoch = environment.get('SOURCE_DATE_EPOCH') ?? '';
  if (epoch !== '' && !args.has('SOURCE_DATE_EPOCH')) args.set('SOURCE_DATE_EPOCH', epoch);
  const contexts = [...(raw.contexts ?? [])].filter(([, value]) => value !== '');
  const entitlements = [...(raw.entitlements ?? [])];
  if (raw.network === 'host' && !entitlements.includes('network.host')) entitlements.push('network.host');
  const target: Target = {
    name: raw.name,
    ...(raw.description === undefined || raw.description === '' ? {} : { description: raw.description }),
    annotations: raw.annotations ?? [],
    attest: raw.attest ?? [],
    context,
    ...(contextIsRemote ? { contextIsRemote } : {}),
    contexts: Object.fromEntries(contexts),
    dockerfile: raw.dockerfile === undefined || raw.dockerfile === '' ? 'Dockerfile' : raw.dockerfile,
    ...optional('dockerfileInline', raw.dockerfileInline),
    args: Object.fromEntries(args),
    labels: Object.fromEntries(raw.labels ?? []),
    tags: raw.tags ?? [],
    cacheFrom: raw.cacheFrom ?? [],
    cacheTo: raw.cacheTo ?? [],
    ...optional('target', raw.target),
    secrets: raw.secret ?? [],
    ssh,
    platforms: raw.platforms ?? [],
    outputs: uniqueEntries((raw.output ?? []).map(finishOutput)),
    ...optional('pull', raw.pull),
    ...optional('noCache', raw.noCache),
    ...optional('network', raw.network),
    noCacheFilter: raw.noCacheFilter ?? [],
    ...optional('shmSize', raw.shmSize),
    ulimits: raw.ulimits ?? [],
    ...optional('call', raw.call),
    entitlements,
    extraHosts: Object.fromEntries(raw.extraHosts ?? []),
    ...optional('projectId', raw.projectId),
  };
  return { target, checks: checkTarget(raw, target, finish) };
}

/** A context that is fetched by ssh needs an agent, whether the target says so or not. */
function sshEntries(raw: RawTarget, needed: boolean): readonly SshEntry[] {
  const own = raw.ssh ?? [];
  return own.length === 0 && needed ? [{ id: 'default', paths: [] }] : own;
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V });
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
