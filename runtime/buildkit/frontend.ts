import path from 'node:path';
import { calledMethod } from '../../planner/options/call.ts';
import { sizeBytes } from '../../planner/options/checks.ts';
import { goBool } from '../../planner/options/entries.ts';
import { parseGitUrl } from '../../planner/options/git-url.ts';
import { isRemoteUrl } from '../../planner/options/url.ts';
import type { Target, TypedEntry } from '../../planner/target.ts';
import { FailureError } from '../failure.ts';
import type { DaemonFacts } from './daemon.ts';
import type { Definition } from './definition.ts';
import { remoteFolder } from './remote-tree.ts';
import { formatPlatform, parsePlatform } from './platform.ts';
import { withoutPassword } from './url-text.ts';

/** A target as the Dockerfile frontend wants it. */
export interface FrontendRequest {
  /** The daemon's own frontend, or the one that runs the image that `BUILDKIT_SYNTAX` names. */
  readonly frontend: 'dockerfile.v0' | 'gateway.v0';
  /** Options of the frontend, and of the server around it (attestations). */
  readonly attrs: Readonly<Record<string, string>>;
  /** Folders the daemon may ask the session for: local name to absolute path. */
  readonly localDirs: ReadonlyMap<string, string>;
  /** Named contexts that are other targets: context name to target name. */
  readonly links: ReadonlyMap<string, string>;
  /** Trees that the daemon fetches by itself, for what `attrs` calls by the same name. */
  readonly inputs: Readonly<Record<string, Definition>>;
  readonly entitlements: readonly string[];
}

type Inputs = Record<string, Definition>;

/** What turns the user's words into paths and keys. */
export interface FrontendContext {
  /** Absolute; relative paths of the target start here. */
  readonly cwd: string;
  /** Where the definition came from, when its folders may be contexts. */
  readonly remote?: string | undefined;
  readonly facts: DaemonFacts;
  /** Whether a target that says nothing gets provenance of its own (`BUILDX_NO_DEFAULT_ATTESTATIONS` turns it off). */
  readonly defaultProvenance: boolean;
  /** The URL under which the session gives out a context of `-`. */
  readonly upload?: string | undefined;
  /** The folder and name of the Dockerfile; undefined when it lies in a remote context. */
  readonly dockerfile: { readonly dir: string; readonly name: string; readonly apart: boolean } | undefined;
  /** Named contexts that are OCI layouts, as the frontend finds them on the session. */
  readonly layouts?: ReadonlyMap<string, string>;
  /** A key for a local folder under which the daemon keeps its last upload; the same for the same folder only. */
  readonly sharedKey: (dir: string) => string;
}

/** buildx's default: little enough that it can be inlined, and dropped where an exporter has no place for it. */
const DEFAULT_PROVENANCE = 'mode=min,inline-only=true';

/**
 * The options that make the daemon's Dockerfile frontend build this target, with the names and values that buildx sends
 * (docker/buildx `build/opt.go`, moby/buildkit `frontend/dockerui`).
 * @throws FailureError `definition-unreadable` for a folder of a definition that is no tree
 */
export function frontendRequest(target: Target, context: FrontendContext): FrontendRequest {
  const attrs: Record<string, string> = {};
  const localDirs = new Map<string, string>();
  const links = new Map<string, string>();
  const inputs: Record<string, Definition> = {};
  const entitlements = [...target.entitlements];

  addSources(target, context, { attrs, localDirs, inputs });
  addNamedContexts(target, context, { attrs, localDirs, links, inputs });
  for (const [key, value] of Object.entries(target.args)) attrs[`build-arg:${key}`] = value;
  const { BUILDKIT_SYNTAX: syntax, BUILDKIT_MULTI_PLATFORM: multiPlatform = '' } = target.args;
  if (syntax !== undefined) Object.assign(attrs, { source: syntax.trim().split(' ')[0], cmdline: syntax });
  if (goBool(multiPlatform) === true) attrs['multi-platform'] = 'true';
  for (const [key, value] of Object.entries(target.labels)) attrs[`label:${key}`] = value;
  addAttestations(target, context, attrs);

  if (target.target !== undefined && target.target !== '') attrs.target = target.target;
  if (target.platforms.length > 0) attrs.platform = platformList(target.platforms, context.facts);
  if (target.pull === true) attrs['image-resolve-mode'] = 'pull';
  else if (context.facts.store !== 'none') attrs['image-resolve-mode'] = 'local';
  if (target.noCacheFilter.length > 0) attrs['no-cache'] = target.noCacheFilter.join(',');
  if (target.noCache === true) attrs['no-cache'] = '';
  if (target.network === 'host' || target.network === 'none') attrs['force-network-mode'] = target.network;
  if (target.network === 'host' && !entitlements.includes('network.host')) entitlements.push('network.host');
  const hosts = extraHosts(target.extraHosts, context.facts);
  if (hosts.length > 0) attrs['add-hosts'] = hosts.map(csvField).join(',');
  const shmBytes = sizeBytes(target.shmSize ?? '') ?? 0;
  if (shmBytes > 0) attrs['shm-size'] = String(shmBytes);
  if (target.cgroupParent !== undefined) attrs['cgroup-parent'] = target.cgroupParent;
  if (target.ulimits.length > 0) attrs.ulimit = target.ulimits.map(csvField).join(',');
  addCall(target, attrs);
  const frontend = syntax === undefined ? 'dockerfile.v0' : 'gateway.v0';
  return { frontend, attrs, localDirs, links, inputs, entitlements };
}

/** A list of cache sources as the frontend takes it (moby/buildkit `client/solve.go`). */
export function cacheImportsAttr(imports: readonly TypedEntry[]): string {
  return JSON.stringify(imports.map((entry) => ({ Type: entry.type, Attrs: entry.attrs })));
}

function addSources(
  target: Target,
  context: FrontendContext,
  { attrs, localDirs, inputs }: { attrs: Record<string, string>; localDirs: Map<string, string>; inputs: Inputs },
): void {
  if (target.contextIsRemote === true) {
    inputs.context = folderOf(context, target.context, 'context');
    if (context.dockerfile === undefined) inputs.dockerfile = inputs.context;
  } else if (target.context === '-') {
    attrs.context = context.upload ?? '';
  } else if (isRemoteUrl(target.context)) {
    attrs.context = target.context;
    if (hasGitQuery(target.context)) addCap(attrs, 'moby.buildkit.frontend.gitquerystring');
  } else {
    localDirs.set('context', path.resolve(context.cwd, target.context));
  }
  if (context.dockerfile === undefined) {
    attrs.filename = target.dockerfile;
    return;
  }
  localDirs.set('dockerfile', context.dockerfile.dir);
  attrs.filename = context.dockerfile.name;
  if (context.dockerfile.apart) attrs.dockerfilekey = 'dockerfile';
}

function addNamedContexts(
  target: Target,
  context: FrontendContext,
  into: {
    attrs: Record<string, string>;
    localDirs: Map<string, string>;
    links: Map<string, string>;
    inputs: Inputs;
  },
): void {
  const names = Object.entries(target.contexts);
  if (names.length > 0) addCap(into.attrs, 'moby.buildkit.frontend.contexts+forward');
  for (const [name, written] of names) {
    const isRepository = context.remote !== undefined && parseGitUrl(context.remote) !== undefined;
    const value = written === '.' && isRepository ? (context.remote ?? written) : written;
    if (value.startsWith('target:')) {
      into.links.set(name, value.slice('target:'.length));
    } else if (context.layouts?.has(name) === true) {
      into.attrs[`context:${name}`] = context.layouts.get(name) ?? value;
    } else if (isRemoteUrl(value) || value.startsWith('docker-image://')) {
      into.attrs[`context:${name}`] = value;
      if (hasGitQuery(value)) addCap(into.attrs, 'moby.buildkit.frontend.gitquerystring+forward');
    } else if (context.remote !== undefined && !value.startsWith('cwd://')) {
      into.inputs[ownName(name)] = folderOf(context, value, `context ${name}`);
      into.attrs[`context:${name}`] = `input:${ownName(name)}`;
    } else {
      const localName = ownName(name);
      const dir = path.resolve(context.cwd, value.replace(/^cwd:\/\//, ''));
      into.localDirs.set(localName, dir);
      into.attrs[`context:${name}`] = `local:${localName}`;
      into.attrs[`sharedkey:localdir:${localName}`] = context.sharedKey(dir);
    }
  }
}

/** A named context goes by its own name, unless the target's own sources do. */
function ownName(name: string): string {
  return name === 'context' || name === 'dockerfile' ? `_${name}` : name;
}

/** A folder of the tree that the definition came from; `as` is what it is for. */
function folderOf({ remote = '' }: FrontendContext, folder: string, as: string): Definition {
  const definition = remoteFolder(remote, folder, as);
  if (!definition.ok)
    throw new FailureError({
      reason: 'definition-unreadable',
      url: withoutPassword(remote),
      cause: `${definition.failure} (${as})`,
    });
  return definition.value;
}

/** Whether a repository's ref or folder stands in the query form, which not every frontend reads. */
function hasGitQuery(url: string): boolean {
  return parseGitUrl(url) !== undefined && /^[^#]*\?/.test(url);
}

function addCap(attrs: Record<string, string>, cap: string): void {
  const { 'frontend.caps': caps } = attrs;
  const all = new Set([...(caps === undefined ? [] : caps.split(',')), cap]);
  attrs['frontend.caps'] = [...all].join(',');
}

function addAttestations(target: Target, context: FrontendContext, attrs: Record<string, string>): void {
  for (const entry of target.attest) {
    if (entry.disabled) continue;
    const fields = [['type', entry.type], ...Object.entries(entry.attrs)].map(([key, value]) => `${key}=${value}`);
    attrs[`attest:${entry.type}`] = fields.map(csvField).join(',');
  }
  const said = target.attest.some((entry) => entry.type === 'provenance');
  if (!said && context.defaultProvenance && context.facts.store !== 'docker-classic') {
    attrs['attest:provenance'] = DEFAULT_PROVENANCE;
  }
}

/** Asks the frontend a question about the target instead of having it built (moby/buildkit `frontend/dockerui/requests.go`). */
function addCall(target: Target, attrs: Record<string, string>): void {
  const method = calledMethod(target.call);
  if (method === undefined) return;
  addCap(attrs, 'moby.buildkit.frontend.subrequests+forward');
  attrs.requestid = `frontend.${method}`;
}

function platformList(platforms: readonly string[], facts: DaemonFacts): string {
  const each = platforms.flatMap((text) => text.split(','));
  return [...new Set(each.map((text) => formatPlatform(parsePlatform(text, facts.native))))].join(',');
}

function extraHosts(hosts: Readonly<Record<string, string>>, facts: DaemonFacts): string[] {
  return Object.entries(hosts).flatMap(([host, addresses]) =>
    addresses.split(',').map((address) => {
      const plain = address.trim().replace(/^\[(.*)\]$/, '$1');
      return `${host}=${plain === 'host-gateway' ? (facts.hostGateway ?? plain) : plain}`;
    }),
  );
}

/** One field of a CSV record as Go's `encoding/csv` reads it back. */
function csvField(text: string): string {
  return /[",\r\n]/.test(text) || text.startsWith(' ') ? `"${text.replaceAll('"', '""')}"` : text;
}
