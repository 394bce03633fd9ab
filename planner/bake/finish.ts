import path from 'node:path/posix';
import type { Diagnostic } from '../diagnostic.ts';
import type { FileSystemPort } from '../host.ts';
import { annotationProblem, platformProblem, sizeBytes, ulimitProblem } from '../options/checks.ts';
import { sshProblem } from '../options/ssh.ts';
import { isGitOverSsh, isRemoteUrl } from '../options/url.ts';
import type { SshEntry, Target, TypedEntry } from '../target.ts';
import type { RawTarget } from './raw-target.ts';
import { placeOf } from './raw-target.ts';

/** What is needed to turn what a target says into what it means. */
export interface FinishContext {
  readonly environment: ReadonlyMap<string, string>;
  readonly fs: FileSystemPort;
}

/** A resolved target with its defaults, and whatever about it cannot be built (checks that `--print` makes as well). */
export function finishTarget(
  raw: RawTarget,
  { environment, fs }: FinishContext,
): { readonly target: Target; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const complain = (attribute: string, message: string, hint: string): void => {
    const { span, through } = placeOf(raw, attribute) ?? { span: raw.places.get(''), through: [] };
    diagnostics.push({
      reason: 'invalid-value',
      message: `target "${raw.name}": ${message}`,
      hint,
      ...(span === undefined ? {} : { span }),
      ...(through.length === 0
        ? {}
        : { related: through.map((one) => ({ message: 'it is inherited here', span: one })) }),
    });
  };
  const context = cleanContext(raw.context ?? '.');
  if (raw.context === '-') complain('context', 'context from stdin not allowed in bake', 'name a folder or a URL');
  if (raw.dockerfile === '-')
    complain('dockerfile', 'dockerfile from stdin not allowed in bake', 'name a file, or use dockerfile-inline');
  for (const one of raw.platforms ?? []) {
    const problem = platformProblem(one);
    if (problem !== undefined) complain('platforms', problem, 'write os/arch or os/arch/variant, such as linux/amd64');
  }
  for (const one of raw.annotations ?? []) {
    const problem = annotationProblem(one);
    if (problem !== undefined)
      complain('annotations', problem, 'write key=value, or index:key=value, manifest[linux/amd64]:key=value');
  }
  for (const one of raw.ulimits ?? []) {
    const problem = ulimitProblem(one);
    if (problem !== undefined) complain('ulimits', problem, 'write name=soft or name=soft:hard');
  }
  if (raw.shmSize !== undefined && raw.shmSize !== '' && sizeBytes(raw.shmSize) === undefined) {
    complain('shm-size', `invalid size: '${raw.shmSize}'`, 'write a number with b, k, m or g');
  }
  const outputs = finishOutputs(raw.output ?? [], fs, (message, hint) => complain('output', message, hint));
  for (const secret of raw.secret ?? []) {
    const file = secret.src ?? (secret.env === undefined && !environment.has(secret.id) ? secret.id : undefined);
    if (secret.id === '' && file === '')
      complain('secret', 'a secret needs an id', 'write id=name,src=file or id=name,env=VARIABLE');
    else if (file !== undefined && fs.kind(file) === undefined) {
      complain(
        'secret',
        `failed to stat ${file}: stat ${file}: no such file or directory`,
        `create the file, or set the environment variable ${secret.id}`,
      );
    }
  }
  const ssh = sshEntries(raw, context);
  for (const one of ssh) {
    const problem = sshProblem(one, { environment, fs });
    if (problem !== undefined) complain('ssh', problem, 'start an agent, or name a private key: id=path');
  }
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
    outputs,
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
  return { target, diagnostics };
}

/** A context that is fetched by ssh needs an agent, whether the target says so or not. */
function sshEntries(raw: RawTarget, context: string): readonly SshEntry[] {
  const own = raw.ssh ?? [];
  return own.length === 0 && isGitOverSsh(context) ? [{ id: 'default', paths: [] }] : own;
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V });
}

/** Local paths are cleaned as Go's `path.Clean` does; URLs stay. */
function cleanContext(context: string): string {
  if (context.startsWith('cwd://')) return clean(context.slice('cwd://'.length));
  const stays = isRemoteUrl(context) || /^(?:target:|docker-image:\/\/|oci-layout:\/\/|-$)/.test(context);
  return stays ? context : clean(context);
}

function clean(text: string): string {
  const normal = path.normalize(text === '' ? '.' : text);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

function finishOutputs(
  outputs: readonly TypedEntry[],
  fs: FileSystemPort,
  complain: (message: string, hint: string) => void,
): readonly TypedEntry[] {
  const finished = outputs.map((output): TypedEntry => {
    const { dest } = output.attrs;
    if (output.type === 'local') {
      if (dest === undefined || dest === '')
        complain('dest is required for local exporter', 'write type=local,dest=folder');
      else if (fs.kind(dest) === 'file') complain(`destination directory ${dest} is a file`, 'name a folder');
    }
    if ((output.type === 'oci' || output.type === 'tar') && dest === undefined && output.attrs.tar !== 'false') {
      return { ...output, attrs: { ...output.attrs, dest: '-' } };
    }
    return output;
  });
  if (finished.filter(({ attrs }) => attrs.dest === '-').length > 1) {
    complain('multiple outputs configured to write to stdout', 'give them a dest');
  }
  return finished;
}
