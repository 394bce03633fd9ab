import path from 'node:path/posix';
import { relativeToFolder } from '../bake/relative-paths.ts';
import type { MutableRawTarget, RawTarget } from '../bake/raw-target.ts';
import { unique, uniqueCaches } from '../bake/raw-target.ts';
import type { RawGroup } from '../bake/evaluated.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { compareText } from '../hcl/value.ts';
import type { FileSystemPort } from '../host.ts';
import { ulimitProblem } from '../options/checks.ts';
import { attestEntry, cacheEntries, goBool } from '../options/entries.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { SourceFile, Span } from '../source.ts';
import type { AttestEntry, SecretEntry, SshEntry, TypedEntry } from '../target.ts';
import { buildProblems, emptySecrets, emptyServices } from './consistency.ts';
import type { LoadContext } from './context.ts';
import { readText } from './context.ts';
import { decodeModel } from './decode.ts';
import { parseEnvFile } from './env-file.ts';
import { ComposeError } from './error.ts';
import { complain, loadModel } from './load.ts';
import type { MapNode, Node } from './node.ts';
import { entriesOf, isNull, map, withEntries } from './node.ts';
import { nameInFiles } from './project-name.ts';
import { BAKE_SCHEMA } from './schema.ts';
import type { BuildSection, ComposeModel, ComposeService } from './service.ts';
import { secretVariables, serviceEnvironment } from './service-environment.ts';
import { humanSize } from './size.ts';
import { unsetVariables, warning } from './warnings.ts';
import { schemaProblems } from './validate.ts';
import { projectId, withExtension } from './x-bake.ts';

/** What Compose files that take part in a bake come to. */
export interface ComposeTargets {
  readonly targets: ReadonlyMap<string, RawTarget>;
  readonly groups: ReadonlyMap<string, RawGroup>;
  /** Variables that secrets are taken from; `.env` may set them. */
  readonly variables: ReadonlyMap<string, string>;
  /** Variables that are not set, and such. */
  readonly warnings: readonly Diagnostic[];
}

/** What {@link composeTargets} depends on. */
export interface ComposeTargetsInput {
  /** In the order of merging. */
  readonly files: readonly SourceFile[];
  /** The environment of the process; `.env` of the working directory is added to it. */
  readonly environment: ReadonlyMap<string, string>;
  readonly fs: FileSystemPort;
  readonly homeDir: string;
  /** The result is only printed: then known defects of the reference are followed, so that the texts are equal. */
  readonly isPrinted: boolean;
  /** Contexts are seen from the folder of the first file, not from the working directory. */
  readonly isFileRelative: boolean;
}

/**
 * The targets of Compose files, as `docker buildx bake` 0.29 makes them (`bake/compose.go`): one for every service with
 * `build`, and the group `default` of all of them. Every file must hold alone, but for references to others; then all
 * are merged. Fails with what is wrong and where.
 */
export function composeTargets(input: ComposeTargetsInput): Result<ComposeTargets, readonly Diagnostic[]> {
  const unset = new Set<string>();
  const warnings: string[] = [];
  try {
    const context = bakeContext(
      input,
      (name) => void unset.add(name),
      (message) => void warnings.push(message),
    );
    if (input.files.length > 1) {
      for (const file of input.files) readModel([file], context);
    }
    const model = readModel(input.files, context);
    const { targets, groups } = mapped(model, context);
    const variables = secretVariables(model, context.environment);
    const folder = path.dirname(input.files[0]?.name ?? '');
    const placed = input.isFileRelative
      ? new Map([...targets].map(([name, target]) => [name, relativeToFolder(target, folder)]))
      : targets;
    return ok({ targets: placed, groups, variables, warnings: [...unsetVariables(unset), ...warnings.map(warning)] });
  } catch (error) {
    if (error instanceof ComposeError) return fail(error.diagnostics);
    throw error;
  }
}

function bakeContext(
  { environment, fs, homeDir, isPrinted }: ComposeTargetsInput,
  onUnset: LoadContext['onUnset'],
  warn: LoadContext['warn'],
): LoadContext {
  const variables = new Map(environment);
  if (fs.kind('.env') === 'file') {
    const parsed = parseEnvFile(
      { name: '.env', text: readText(fs, '.env', '.env') ?? '' },
      { get: (name) => environment.get(name), onUnset },
    );
    if (!parsed.ok) throw new ComposeError(parsed.failure);
    for (const [name, value] of parsed.value) if (!variables.has(name)) variables.set(name, value);
  }
  if ((variables.get('COMPOSE_PROJECT_NAME') ?? '') === '') variables.set('COMPOSE_PROJECT_NAME', 'bake');
  const display = (name: string): string => name;
  return { mode: 'bake', fs, dir: '', environment: variables, homeDir, isPrinted, onUnset, warn, display };
}

/** What keeps a file from being a Compose file that bake can read, alone; undefined when nothing does. */
export function composeFileProblems(
  file: SourceFile,
  input: Omit<ComposeTargetsInput, 'files'>,
): readonly Diagnostic[] | undefined {
  const ignore = (): void => undefined;
  try {
    readModel([file], bakeContext({ ...input, files: [file] }, ignore, ignore));
    return undefined;
  } catch (error) {
    if (error instanceof ComposeError) return error.diagnostics;
    throw error;
  }
}

/** Files as one model of which only what bake looks at is left, checked against the schema. */
function readModel(files: readonly SourceFile[], context: LoadContext): ComposeModel {
  const named = { ...context, environment: withName(files, context) };
  const model = loadModel(
    files.map((file) => ({ path: file.name, file })),
    named,
  );
  const reduced = bakePart(model);
  if (reduced.entries.size === 0) {
    throw new ComposeError({
      reason: 'empty-file',
      message: 'empty compose file',
      hint: 'a Compose file for bake has services: or secrets:',
      span: { ...model.span, end: model.span.start + 1 },
    });
  }
  complain(schemaProblems(reduced, BAKE_SCHEMA));
  const decoded = decodeModel(reduced);
  for (const service of decoded.services.values()) serviceEnvironment(service, context);
  return decoded;
}

const SERVICE_KEYS = ['image', 'build', 'environment', 'env_file'];

function bakePart(model: MapNode): MapNode {
  const kept = ['services', 'secrets'].flatMap((key) => {
    const entry = model.entries.get(key);
    return entry === undefined
      ? []
      : [[key, key === 'services' ? { ...entry, value: servicesPart(entry.value) } : entry] as const];
  });
  return map(kept, model.span);
}

function servicesPart(node: Node): Node {
  if (node.is !== 'map') return node;
  return withEntries(
    node,
    entriesOf(node).map(([name, entry]) => {
      const { value } = entry;
      const kept = entriesOf(value).filter(([key]) => SERVICE_KEYS.includes(key));
      return [name, { ...entry, value: isNull(value) || value.is === 'map' ? map(kept, value.span) : value }] as const;
    }),
  );
}

function withName(files: readonly SourceFile[], context: LoadContext): ReadonlyMap<string, string> {
  const name = nameInFiles(files, context);
  return name === undefined ? context.environment : new Map([...context.environment, ['COMPOSE_PROJECT_NAME', name]]);
}

function mapped(model: ComposeModel, context: LoadContext): Pick<ComposeTargets, 'targets' | 'groups'> {
  const services = [...model.services.values()];
  complain([...emptyServices(services, () => false), ...buildProblems(model), ...emptySecrets(model)]);
  const diagnostics: Diagnostic[] = [];
  const targets = new Map<string, RawTarget>();
  const owners = new Map<string, ComposeService>();
  for (const service of services) {
    if (service.build === undefined) continue;
    const name = targetName(service.name);
    const owner = owners.get(name);
    if (owner !== undefined) context.warn(collision(owner, service, name));
    owners.set(name, service);
    const target = new TargetMaker(service, service.build, model, context, diagnostics).target(name);
    targets.set(name, target);
  }
  complain(diagnostics);
  const group = { name: 'default', targets: targets.size === 0 ? undefined : [...targets.keys()].sort(compareText) };
  return { targets, groups: services.length === 0 ? new Map() : new Map([['default', group]]) };
}

/** A service's name as a target has it: bake does not take dots. */
export function targetName(service: string): string {
  return service.replaceAll('.', '_');
}

/** The reference lets either of them win, as it comes. */
function collision(one: ComposeService, other: ComposeService, name: string): string {
  return `services ${one.name} and ${other.name} are both the target ${name}, as dots become _; only ${other.name} is built`;
}

/** One service as a target. */
class TargetMaker {
  readonly #service: ComposeService;
  readonly #build: BuildSection;
  readonly #model: ComposeModel;
  readonly #context: LoadContext;
  readonly #diagnostics: Diagnostic[];

  constructor(
    service: ComposeService,
    build: BuildSection,
    model: ComposeModel,
    context: LoadContext,
    diagnostics: Diagnostic[],
  ) {
    this.#service = service;
    this.#build = build;
    this.#model = model;
    this.#context = context;
    this.#diagnostics = diagnostics;
  }

  target(name: string): RawTarget {
    const build = this.#build;
    const args = this.#args();
    const contexts = new Map([...build.contexts].map(([key, value]) => [key, linked(value)]));
    const target: MutableRawTarget = { name, places: this.#places() };
    if (build.context !== '') target.context = build.context;
    if (contexts.size > 0) target.contexts = contexts;
    if ((build.dockerfile ?? '') !== '') target.dockerfile = build.dockerfile ?? '';
    if (build.dockerfileInline !== '') target.dockerfileInline = build.dockerfileInline;
    if (args.size > 0) target.args = args;
    if (build.labels.size > 0) target.labels = build.labels;
    if (build.tags.length > 0) target.tags = unique(build.tags);
    if (build.cacheFrom.length > 0) target.cacheFrom = this.#caches(build.cacheFrom, 'cache_from');
    if (build.cacheTo.length > 0) target.cacheTo = this.#caches(build.cacheTo, 'cache_to');
    if (build.network !== '') target.network = build.network;
    if (build.platforms.length > 0) target.platforms = unique(build.platforms);
    if (build.target !== '') target.target = build.target;
    if (build.ssh.length > 0) target.ssh = this.#ssh();
    if (build.secrets.length > 0) target.secret = this.#secrets();
    if (build.shmBytes > 0) target.shmSize = humanSize(build.shmBytes);
    if (build.ulimits.length > 0) target.ulimits = this.#ulimits();
    if (build.extraHosts.size > 0) {
      target.extraHosts = new Map([...build.extraHosts].map(([host, addresses]) => [host, addresses.join(',')]));
    }
    const attest = this.#attest();
    if (attest.length > 0) target.attest = attest;
    if (build.noCache) target.noCache = true;
    if (build.pull) target.pull = true;
    const project = projectId(build.xDepot);
    if (project !== undefined) target.projectId = project;
    const extended = build.xBake === undefined ? target : withExtension(target, build.xBake, linked);
    const hasTags = (extended.tags ?? []).length > 0;
    return hasTags || this.#service.image === '' ? extended : { ...extended, tags: [this.#service.image] };
  }

  #places(): ReadonlyMap<string, Span> {
    const { places } = this.#build;
    const renamed = [...places].map(([key, span]) => [PLACES[key] ?? key.replaceAll('_', '-'), span] as const);
    return new Map([['', this.#service.span], ...renamed]);
  }

  /** Arguments without a value: from the service's own variables, then from the environment; else left out. */
  #args(): ReadonlyMap<string, string> {
    const own = serviceEnvironment(this.#service, this.#context);
    const args = new Map<string, string>();
    for (const [name, value] of this.#build.args) {
      const resolved = value ?? own.get(name) ?? this.#context.environment.get(name);
      if (resolved !== undefined) args.set(name, resolved);
    }
    return args;
  }

  #caches(texts: readonly string[], key: string): readonly TypedEntry[] {
    return uniqueCaches(
      texts.filter((text) => text !== '').flatMap((text) => this.#read(cacheEntries(text), key) ?? []),
    );
  }

  #ssh(): readonly SshEntry[] {
    return this.#build.ssh.map(({ id, path }) => ({ id, paths: path === '' ? [] : [path] }));
  }

  #secrets(): readonly SecretEntry[] {
    const entries = new Map<string, SecretEntry>();
    for (const { source, span } of this.#build.secrets) {
      const secret = this.#model.secrets.get(source);
      if (secret === undefined) continue;
      if (secret.external) {
        this.#diagnostics.push({
          reason: 'unsupported',
          message: `unsupported external secret ${source}`,
          hint: 'a build needs file: or environment:',
          span,
        });
        continue;
      }
      const src = secret.file === '' ? {} : { src: secret.file };
      const env = secret.environment === '' ? {} : { env: secret.environment };
      entries.set(source, { id: source, ...src, ...env });
    }
    return [...entries.values()];
  }

  /** The reference loses a single number: it prints `nofile=0:0`. */
  #ulimits(): readonly string[] {
    return this.#build.ulimits.map((limit) => {
      const single = this.#context.isPrinted ? 0n : (limit.single ?? 0n);
      const { name, soft, hard } =
        limit.single === undefined ? limit : { name: limit.name, soft: single, hard: single };
      const text = `${name}=${soft}:${hard}`;
      const problem = ulimitProblem(text);
      if (problem !== undefined) this.#complain('ulimits', problem, 'write name: {soft: N, hard: N}');
      return text;
    });
  }

  #attest(): readonly AttestEntry[] {
    return (['sbom', 'provenance'] as const).flatMap((type) => {
      const said = this.#build[type];
      if (said === '') return [];
      const on = goBool(said);
      const text = on === undefined ? `type=${type},${said}` : on ? `type=${type}` : `type=${type},disabled=true`;
      const entry = this.#read(attestEntry(text), type);
      return entry === undefined ? [] : [entry];
    });
  }

  #read<T>(result: Result<T, string>, key: string): T | undefined {
    if (result.ok) return result.value;
    this.#complain(key, result.failure, 'write key=value pairs, with commas between them');
    return undefined;
  }

  #complain(key: string, message: string, hint: string): void {
    const span = this.#build.places.get(key) ?? this.#service.span;
    this.#diagnostics.push({ reason: 'invalid-value', message, hint, span });
  }
}

const PLACES: Readonly<Record<string, string>> = { secrets: 'secret', additional_contexts: 'contexts' };

/** `service:x` and `target:x` are links to the target of that name. */
function linked(value: string): string {
  const match = /^(?:service|target):([^]*)$/.exec(value);
  return match?.[1] === undefined ? value : `target:${targetName(match[1])}`;
}
