import { annotations } from '../../planner/options/annotation.ts';
import { goBool } from '../../planner/options/entries.ts';
import type { Attributes, Target, TypedEntry } from '../../planner/target.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { Unsupported } from '../failure.ts';
import type { DaemonFacts } from './daemon.ts';

const NOT_CLASSIC = 'turn on its containerd image store, or use a BuildKit daemon of its own (BUILDKIT_HOST)';

/** What one output of a target comes to. The index of an exporter in the request is its id on the session. */
export interface PlannedExport {
  readonly type: string;
  readonly attrs: Attributes;
  /** Where the bytes go that this exporter sends to us; undefined when it sends none. */
  readonly sink?: ExportSink;
}

/** The receiving end of an exporter that sends its result to the client. */
export type ExportSink =
  | { readonly kind: 'load' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdout' }
  /** A tree; `deletes`: what the result does not have is removed from the folder. */
  | { readonly kind: 'folder'; readonly path: string; readonly deletes: boolean }
  /** An OCI layout, which the exporter fills through a content store. */
  | { readonly kind: 'layout'; readonly path: string };

/**
 * The exporters that give a target its outputs on this daemon (docker/buildx `build/opt.go`, `toSolveOpt`).
 *
 * Inside a Docker Engine the type is `moby`: images go straight into its store, so that loading costs nothing. A
 * standalone daemon sends a loadable archive instead.
 */
export function plannedExports(target: Target, facts: DaemonFacts): Result<readonly PlannedExport[], Unsupported> {
  const asked = target.outputs.length === 0 ? defaultOutputs(facts) : target.outputs;
  const planned: PlannedExport[] = [];
  const cache = target.cacheTo.find(({ type }) => type !== 'inline');
  if (cache !== undefined && facts.store === 'docker-classic') {
    return fail({
      reason: 'unsupported',
      what: `exporting the cache type "${cache.type}" from a Docker Engine with the classic image store (target "${target.name}")`,
      hint: NOT_CLASSIC,
    });
  }
  for (const output of asked) {
    if (output.type === 'cacheonly' || isLoadedAnyway(output, asked, facts)) continue;
    const one = plannedExport(output, target, facts);
    if (!one.ok) return one;
    planned.push(one.value);
  }
  if (planned.filter(({ sink }) => sink?.kind === 'layout').length > 1) {
    return fail({
      reason: 'unsupported',
      what: `several outputs with tar=false (target "${target.name}")`,
      hint: 'BuildKit fills one folder with an image at a time; write the others as archives',
    });
  }
  return ok(planned);
}

/**
 * The same exports, for an image that Docker is to pull instead of being sent an archive: the builder keeps the image, of the
 * same digest as in the archive. A push beside it keeps it anyway.
 */
export function pulledExports(exports: readonly PlannedExport[]): readonly PlannedExport[] {
  const others = exports.filter(({ sink }) => sink?.kind !== 'load');
  if (others.some(({ type }) => type === 'image')) return others;
  const attrs = exports.find(({ sink }) => sink?.kind === 'load')?.attrs ?? {};
  return [...others, { type: 'image', attrs: { 'oci-mediatypes': 'true', ...attrs } }];
}

/**
 * Inside a Docker Engine every image output ends in its store, so that a plain load beside one adds nothing; two exporters
 * that name the same image at once would even get in each other's way.
 */
function isLoadedAnyway(output: TypedEntry, all: readonly TypedEntry[], facts: DaemonFacts): boolean {
  const isPlainLoad = output.type === 'docker' && Object.keys(output.attrs).length === 0;
  return facts.store !== 'none' && isPlainLoad && all.some(({ type }) => type === 'image' || type === 'registry');
}

function defaultOutputs(facts: DaemonFacts): readonly TypedEntry[] {
  return facts.store === 'none' ? [] : [{ type: 'image', attrs: {} }];
}

function plannedExport(output: TypedEntry, target: Target, facts: DaemonFacts): Result<PlannedExport, Unsupported> {
  const { dest, ...attrs } = output.attrs;
  switch (output.type) {
    case 'image':
    case 'registry':
      return imageExport(output.type === 'registry' ? { push: 'true', ...attrs } : attrs, target, facts);
    case 'docker':
      if (dest === undefined && !isFalse(attrs.tar)) return loadExport(attrs, target, facts);
      return archiveExport({ type: 'docker', attrs, dest }, target, facts);
    case 'oci':
      return archiveExport({ type: 'oci', attrs, dest }, target, facts);
    case 'tar':
      return ok({ type: 'tar', attrs, sink: fileSink(dest ?? '-') });
    case 'local':
      return folderExport(attrs, dest, target);
    default:
      return fail({
        reason: 'unsupported',
        what: `output type "${output.type}" (target "${target.name}")`,
        hint: 'known here are image, registry, docker, oci, local, tar and cacheonly',
      });
  }
}

function imageExport(attrs: Attributes, target: Target, facts: DaemonFacts): Result<PlannedExport, Unsupported> {
  const pushes = isTrue(attrs.push);
  if (pushes && target.tags.length === 0 && (attrs.name ?? '') === '') {
    return fail({
      reason: 'unsupported',
      what: `pushing target "${target.name}" without a tag`,
      hint: 'name it: -t registry/name:tag, or tags = ["registry/name:tag"] in a bake file',
    });
  }
  if (pushes && facts.store === 'docker-classic') {
    return fail({
      reason: 'unsupported',
      what: `pushing target "${target.name}" from a Docker Engine with the classic image store`,
      hint: NOT_CLASSIC,
    });
  }
  return ok({ type: facts.store === 'none' ? 'image' : 'moby', attrs: imageAttrs(attrs, target) });
}

function loadExport(attrs: Attributes, target: Target, facts: DaemonFacts): Result<PlannedExport, Unsupported> {
  const { context: _dockerContext, ...rest } = attrs;
  if (facts.store !== 'none') return ok({ type: 'moby', attrs: imageAttrs(rest, target) });
  return ok({ type: 'oci', attrs: imageAttrs(rest, target), sink: { kind: 'load' } });
}

function archiveExport(
  output: { readonly type: 'docker' | 'oci'; readonly attrs: Attributes; readonly dest: string | undefined },
  target: Target,
  facts: DaemonFacts,
): Result<PlannedExport, Unsupported> {
  if (facts.store === 'docker-classic') {
    return fail({
      reason: 'unsupported',
      what: `output type "${output.type}" from a Docker Engine with the classic image store (target "${target.name}")`,
      hint: NOT_CLASSIC,
    });
  }
  const attrs = imageAttrs(output.attrs, target);
  if (!isFalse(output.attrs.tar)) return ok({ type: output.type, attrs, sink: fileSink(output.dest ?? '-') });
  const path = folderOf(output, target);
  return path.ok ? ok({ type: output.type, attrs, sink: { kind: 'layout', path: path.value } }) : path;
}

function folderExport(attrs: Attributes, dest: string | undefined, target: Target): Result<PlannedExport, Unsupported> {
  const path = folderOf({ type: 'local', dest }, target);
  if (!path.ok) return path;
  const mode = attrs.mode ?? '';
  if (!['', 'copy', 'delete'].includes(mode)) {
    return fail({
      reason: 'unsupported',
      what: `output type "local" with mode=${mode} (target "${target.name}")`,
      hint: 'write mode=copy, which leaves other files there, or mode=delete, which removes them',
    });
  }
  return ok({ type: 'local', attrs, sink: { kind: 'folder', path: path.value, deletes: mode === 'delete' } });
}

function folderOf(
  { type, dest = '' }: { readonly type: string; readonly dest: string | undefined },
  target: Target,
): Result<string, Unsupported> {
  if (dest !== '' && dest !== '-') return ok(dest);
  return fail({
    reason: 'unsupported',
    what: `output type "${type}" ${dest === '' ? 'without dest' : 'to standard output'} (target "${target.name}")`,
    hint: 'it is a folder: write dest=FOLDER',
  });
}

/** Tags fill the name, annotations become attributes of every image output. */
function imageAttrs(attrs: Attributes, target: Target): Attributes {
  const named = target.tags.length === 0 ? attrs : { ...attrs, name: target.tags.join(',') };
  return { ...named, ...annotationAttrs(target.annotations) };
}

/** `manifest[linux/amd64],index:key=value` as the exporters name it (buildx `util/buildflags/annotations`). */
function annotationAttrs(texts: readonly string[]): Attributes {
  const attrs: Record<string, string> = {};
  for (const text of texts) {
    const read = annotations(text);
    if (!read.ok) throw new Error(`an annotation that the planner should have refused: ${read.failure}`);
    for (const { type, platform, key, value } of read.value) {
      const kind = type === undefined ? '' : `-${type}`;
      attrs[`annotation${kind}${platform === undefined ? '' : `[${platform}]`}.${key}`] = value;
    }
  }
  return attrs;
}

function fileSink(dest: string): ExportSink {
  return dest === '-' ? { kind: 'stdout' } : { kind: 'file', path: dest };
}

/** Go's `strconv.ParseBool`; what is no boolean at all is the builder's to refuse. */
function isFalse(value: string | undefined): boolean {
  return value !== undefined && goBool(value) === false;
}

/** Go's `strconv.ParseBool`, and empty as true, as the image exporter reads it. */
function isTrue(value: string | undefined): boolean {
  return value !== undefined && ['', '1', 't', 'T', 'true', 'TRUE', 'True'].includes(value);
}
