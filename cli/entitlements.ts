import { realpathSync } from 'node:fs';
import path from 'node:path';
import { LOCAL_DELETE } from '../planner/options/entitlement.ts';
import { goBool } from '../planner/options/entries.ts';
import { parseOciLayout } from '../planner/options/oci-layout.ts';
import { secretFile } from '../planner/options/secret.ts';
import { isRemoteUrl } from '../planner/options/url.ts';
import type { Result } from '../planner/result.ts';
import { fail, ok } from '../planner/result.ts';
import type { Plan, Target } from '../planner/target.ts';

/** What the user has allowed with `--allow`. */
interface Allowed {
  readonly words: ReadonlySet<string>;
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** Something a definition needs that was not allowed: in words, and the flag that allows it. */
export interface MissingEntitlement {
  readonly what: string;
  readonly flag: string;
}

const HARMLESS = new Set([
  'image',
  'image.push',
  'image.load',
  'ssh',
  'network.host',
  'security.insecure',
  'device',
  LOCAL_DELETE,
]);

/** Reads the `--allow` flags; fails with the first that is no entitlement (buildx `bake/entitlements.go`). */
function readAllowed(flags: readonly string[], cwd: string): Result<Allowed, string> {
  const words = new Set<string>();
  const read: string[] = [];
  const write: string[] = [];
  for (const flag of flags) {
    const equals = flag.indexOf('=');
    const key = equals === -1 ? flag : flag.slice(0, equals);
    const value = equals === -1 ? undefined : flag.slice(equals + 1);
    if (key === 'fs' || key === 'fs.read' || key === 'fs.write') {
      const folder = value === undefined ? undefined : value === '*' ? '/' : real(path.resolve(cwd, value));
      if (folder !== undefined && key !== 'fs.write') read.push(folder);
      if (folder !== undefined && key !== 'fs.read') write.push(folder);
    } else if (HARMLESS.has(flag) || key === 'device' || key === 'ssh') words.add(flag);
    else return fail(`unknown entitlement key ${JSON.stringify(flag)}`);
  }
  return ok({ words, read: [...read, real(cwd)], write: [...write, real(cwd)] });
}

/** Whether the flags are entitlements at all; checked before anything else. */
export function allowProblem(flags: readonly string[], cwd: string): string | undefined {
  const allowed = readAllowed(flags, cwd);
  return allowed.ok ? undefined : allowed.failure;
}

/**
 * What the targets need beyond the working directory and plain building, and the user has not allowed. `given` are paths
 * that the user wrote on the command line, which counts as allowing them.
 */
export function missingEntitlements(
  plan: Plan,
  {
    allow,
    cwd,
    filesCount,
    variables,
  }: {
    readonly allow: readonly string[];
    readonly cwd: string;
    readonly filesCount: boolean;
    /** The environment that secrets are taken from. */
    readonly variables: ReadonlyMap<string, string>;
  },
): readonly MissingEntitlement[] {
  const allowed = readAllowed(allow, cwd);
  if (!allowed.ok) return [];
  const missing = new Map<string, MissingEntitlement>();
  const need = (flag: string, what: string): void => void missing.set(flag, { flag: `--allow=${flag}`, what });
  for (const target of plan.targets) {
    for (const entitlement of target.entitlements) {
      const known =
        allowed.value.words.has(entitlement) || (entitlement.startsWith('device') && allowed.value.words.has('device'));
      if (!known) need(entitlement, describe(entitlement));
    }
    if (target.ssh.some(({ paths }) => paths.length === 0) && !allowed.value.words.has('ssh'))
      need('ssh', 'Forwarding default SSH agent socket');
    for (const folder of allowed.value.words.has(LOCAL_DELETE) ? [] : clearedElsewhere(target, cwd))
      need(LOCAL_DELETE, `Removing other files from ${folder}`);
    if (!filesCount) continue;
    for (const file of readPaths(target, { remote: plan.remote, variables })) {
      const where = real(path.resolve(cwd, file));
      if (!below(where, allowed.value.read))
        need(`fs.read=${shown(where, cwd)}`, `Read access to path ${shown(where, cwd)}`);
    }
    for (const file of writePaths(target)) {
      const where = real(path.resolve(cwd, file));
      if (!below(where, allowed.value.write))
        need(`fs.write=${shown(where, cwd)}`, `Write access to path ${shown(where, cwd)}`);
    }
  }
  return [...missing.values()];
}

/**
 * Whether reaching files beyond the working directory needs to be allowed at all: the environment can switch that off, for all
 * definitions or for remote ones. Fails with the variable that is no boolean.
 */
export function doFilesCount(
  env: Readonly<Record<string, string | undefined>>,
  isRemoteDefinition: boolean,
): Result<boolean, string> {
  const switches: (readonly [name: string, counts: boolean])[] = [['BUILDX_BAKE_ENTITLEMENTS_FS', true]];
  if (isRemoteDefinition) switches.push(['BAKE_ALLOW_REMOTE_FS_ACCESS', false]);
  for (const [name, counts] of switches) {
    const value = env[name] ?? '';
    if (value === '') continue;
    const read = goBool(value);
    if (read === undefined) return fail(`${name}=${JSON.stringify(value)} is no boolean; write 1 or 0`);
    return ok(read === counts);
  }
  return ok(true);
}

function describe(entitlement: string): string {
  if (entitlement === 'network.host') return 'Running build containers that can access host network';
  if (entitlement === 'security.insecure') return 'Running privileged containers that can make system changes';
  return `Using ${entitlement}`;
}

function isElsewhere(text: string): boolean {
  return isRemoteUrl(text) || /^(?:target:|docker-image:\/\/)/.test(text);
}

/** The local files and folders that a target reads; with a remote definition, plain paths are of its tree. */
function readPaths(
  target: Target,
  { remote, variables }: { readonly remote: string | undefined; readonly variables: ReadonlyMap<string, string> },
): readonly string[] {
  const named = Object.values(target.contexts).filter(
    (one) => remote === undefined || /^(?:cwd|oci-layout):\/\//.test(one),
  );
  const own = target.contextIsRemote === true ? [] : [target.context];
  const contexts = [...own, ...named].filter((one) => !isElsewhere(one));
  const dockerfile = localDockerfile(target);
  const keys = target.ssh.flatMap(({ paths }) => paths);
  const secrets = target.secrets.flatMap((secret) => secretFile(secret, variables) ?? []);
  const caches = target.cacheFrom.flatMap(({ attrs }) => (attrs.src === undefined ? [] : [attrs.src]));
  return [
    ...contexts.map((one) => parseOciLayout(one)?.path ?? one.replace(/^cwd:\/\//, '')),
    ...dockerfile,
    ...keys,
    ...secrets,
    ...caches,
  ];
}

function localDockerfile({ context, contextIsRemote, dockerfile, dockerfileInline }: Target): readonly string[] {
  if (dockerfileInline !== undefined || isRemoteUrl(dockerfile)) return [];
  if (dockerfile.startsWith('cwd://')) return [dockerfile.slice('cwd://'.length)];
  if (path.isAbsolute(dockerfile)) return [dockerfile];
  return contextIsRemote === true || isElsewhere(context) ? [] : [path.join(context, dockerfile)];
}

/**
 * The folders from which an output of the target removes what it does not have, and which are not below the working directory
 * (docker/buildx `build/opt.go`, `ValidateLocalExportDelete`).
 */
export function clearedElsewhere(target: Target, cwd: string): readonly string[] {
  return target.outputs
    .flatMap(({ type, attrs }) => (type === 'local' && attrs.mode === 'delete' ? (attrs.dest ?? []) : []))
    .filter((folder) => !isInside(real(path.resolve(cwd, folder)), real(cwd)));
}

function isInside(file: string, folder: string): boolean {
  return file !== folder && below(file, [folder]);
}

function writePaths(target: Target): readonly string[] {
  const outputs = target.outputs.flatMap(({ attrs }) =>
    attrs.dest === undefined || attrs.dest === '-' ? [] : [attrs.dest],
  );
  const caches = target.cacheTo.flatMap(({ attrs }) => (attrs.dest === undefined ? [] : [attrs.dest]));
  return [...outputs, ...caches];
}

function below(file: string, folders: readonly string[]): boolean {
  return folders.some((folder) => folder === '/' || file === folder || file.startsWith(`${folder}/`));
}

/** The path with symbolic links resolved as far as it exists. */
function real(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    const above = path.dirname(file);
    return above === file ? file : path.join(real(above), path.basename(file));
  }
}

function shown(file: string, cwd: string): string {
  const relative = path.relative(cwd, file);
  return relative.split('/').filter((part) => part === '..').length > 1 ? file : relative;
}
