import { finishTarget } from '../bake/finish.ts';
import type { MutableRawTarget } from '../bake/raw-target.ts';
import { lastOfEach, unique, uniqueEntries } from '../bake/raw-target.ts';
import type { Diagnostic } from '../diagnostic.ts';
import type { FileSystemPort } from '../host.ts';
import { parseCall } from '../options/call.ts';
import { isRemoteUrl } from '../options/url.ts';
import type { Planned } from '../plan.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { Target, TypedEntry } from '../target.ts';
import type { FlagWords } from './flag-words.ts';
import { FlagReader } from './flag-words.ts';

/** What `depot build` is asked for, and what it may know of the machine. */
export interface BuildInput {
  /** `PATH | URL | -`. */
  readonly context: string;
  readonly flags: FlagWords;
  /** The environment: build arguments without a value, `SOURCE_DATE_EPOCH`, `DOCKER_DEFAULT_PLATFORM`, agents. */
  readonly environment: ReadonlyMap<string, string>;
  readonly fs: FileSystemPort;
  /** Whether somebody can be asked for the passphrase of an ssh key; by default nobody can. */
  readonly mayAsk?: (() => boolean) | undefined;
  /**
   * The Dockerfile, where its text is known already: it came from stdin or from a URL. From stdin in place of the context,
   * there is no context.
   */
  readonly dockerfile?: string | undefined;
}

/** The one target of a build goes by this name. */
export const BUILD_TARGET = 'default';

/**
 * What a command line of `docker build` comes to: a plan of one target (docker/buildx `commands/build.go`, `build/opt.go`).
 * Fails with everything that is wrong in it, each named by its flag.
 */
export function planBuild(input: BuildInput): Result<Planned, readonly Diagnostic[]> {
  const { environment, fs, mayAsk } = input;
  const reader = new FlagReader(input.flags, environment);
  const raw = rawTarget(input, reader);
  const { target, checks } = finishTarget(raw, { environment, fs, isPrinted: false, mayReadStdin: true, mayAsk });
  const said = [...contextProblems(input), ...reader.mistakes, ...exclusions(input.flags)];
  // What the checks of targets find was told by its flag before, but for what flags name and is not there.
  const found = said.length > 0 ? said : checks.mistakes.map(withoutTargetName);
  if (found.length > 0) return fail(found);
  const targets: readonly Target[] = [target];
  return ok({
    plan: { groups: [], targets, requested: [BUILD_TARGET] },
    origins: new Map(),
    warnings: [...reader.warnings, ...checks.warnings.map(withoutTargetName)],
    variables: new Map(),
  });
}

function rawTarget({ context, flags, environment, dockerfile }: BuildInput, read: FlagReader): MutableRawTarget {
  const platform = environment.get('DOCKER_DEFAULT_PLATFORM') ?? '';
  const raw: MutableRawTarget = {
    name: BUILD_TARGET,
    places: new Map(),
    context,
    contexts: read.contexts(),
    args: read.args(),
    labels: read.labels(),
    annotations: read.texts('annotation'),
    attest: read.attests(),
    tags: unique(read.texts('tag')),
    platforms: unique(flags.lists.get('platform') ?? (platform === '' ? [] : [platform])),
    cacheFrom: uniqueEntries(read.caches('cache-from')),
    cacheTo: uniqueEntries(read.caches('cache-to')),
    output: outputs(flags, read),
    secret: lastOfEach(read.secrets(), ({ id }) => id),
    ssh: read.ssh(),
    noCacheFilter: read.texts('no-cache-filter'),
    ulimits: read.texts('ulimit'),
    entitlements: unique(read.entitlements()),
    extraHosts: read.hosts(),
    dockerfile: dockerfilePath(context, flags.texts.get('file') ?? '', dockerfile),
  };
  if (dockerfile !== undefined) raw.dockerfileInline = dockerfile;
  const call = parseCall(asked(flags));
  if (call.ok && call.value !== undefined) raw.call = call.value.method;
  for (const [flag, key] of TEXTS) {
    const text = flags.texts.get(flag) ?? '';
    if (text !== '') raw[key] = text;
  }
  if (flags.switches.get('pull') === true) raw.pull = true;
  if (flags.switches.get('no-cache') === true) raw.noCache = true;
  return raw;
}

const TEXTS = [
  ['target', 'target'],
  ['network', 'network'],
  ['shm-size', 'shmSize'],
  ['cgroup-parent', 'cgroupParent'],
] as const;

/** What `--call`, its old name `--print`, and `--check` ask for. */
export function asked({ texts, switches }: FlagWords): string {
  return switches.get('check') === true ? 'check' : (texts.get('call') ?? texts.get('print') ?? '');
}

/** `--push` and `--load` join the outputs that are named, whatever those are: unlike bake's (docker/buildx `build/build.go`). */
function outputs({ switches }: FlagWords, read: FlagReader): readonly TypedEntry[] {
  const all = [...read.outputs()];
  if (switches.get('push') === true) {
    const images = all.filter(({ type }) => type === 'image' || type === 'registry');
    for (const one of images) all[all.indexOf(one)] = { ...one, attrs: { ...one.attrs, push: 'true' } };
    if (images.length === 0) all.push({ type: 'image', attrs: { push: 'true' } });
  }
  const loads = all.some(({ type, attrs }) => type === 'docker' && attrs.dest === undefined);
  if (switches.get('load') === true && !loads) all.push({ type: 'docker', attrs: {} });
  return all;
}

/**
 * A Dockerfile of a local context is named from the working directory; one of a context that comes from elsewhere lies in
 * it, unless its path is absolute.
 */
function dockerfilePath(context: string, file: string, text: string | undefined): string {
  if (text !== undefined) return file === '' ? '-' : file;
  if (file === '') return 'Dockerfile';
  return context === '-' || isRemoteUrl(context) ? file : `cwd://${file}`;
}

function contextProblems({ context, fs }: BuildInput): readonly Diagnostic[] {
  if (context === '-' || isRemoteUrl(context)) return [];
  if (context === '')
    return [{ reason: 'no-context', message: 'the build context is missing', hint: 'write . for the current folder' }];
  const kind = fs.kind(context);
  if (kind === 'dir') return [];
  const message =
    kind === undefined
      ? `unable to prepare context: path ${JSON.stringify(context)} not found`
      : `unable to prepare context: ${JSON.stringify(context)} is not a folder`;
  return [
    { reason: 'no-context', message, hint: 'name a folder, a URL of a repository or an archive, or - for stdin' },
  ];
}

/** Flags that say two things at once. */
function exclusions({ texts, lists, switches }: FlagWords): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const clash = (message: string, hint: string): void => void found.push({ reason: 'flags-clash', message, hint });
  if (switches.get('no-cache') === true && (lists.get('no-cache-filter') ?? []).length > 0)
    clash('--no-cache and --no-cache-filter cannot be used together', 'take one of them out');
  const writes = lists.get('output') ?? [];
  if (texts.has('iidfile') && writes.some((one) => /^(?:type=(?:local|tar)\b|[^=,]+$)/.test(one)))
    clash('local and tar outputs have no image ID for --iidfile', 'take --iidfile out, or write an image');
  return found;
}

/** There is one target, whose name nobody gave. */
function withoutTargetName(diagnostic: Diagnostic): Diagnostic {
  const prefix = `target "${BUILD_TARGET}": `;
  const { message } = diagnostic;
  return message.startsWith(prefix) ? { ...diagnostic, message: message.slice(prefix.length) } : diagnostic;
}
