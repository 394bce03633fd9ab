import type { MutableRawTarget, RawTarget } from '../bake/raw-target.ts';
import { unique } from '../bake/raw-target.ts';
import { ulimitProblem } from '../options/checks.ts';
import type { SecretEntry } from '../target.ts';
import { BuildEntries, buildPlaces, joinedHosts, sshEntryOf } from './build-entries.ts';
import type { LoadContext } from './context.ts';
import { serviceEnvironment } from './service-environment.ts';
import type { BuildSection, ComposeModel, ComposeService } from './service.ts';
import { humanSize } from './size.ts';
import type { ExtensionNotes } from './x-bake.ts';
import { projectId, withExtension } from './x-bake.ts';

/** A service's name as a target has it: bake does not take dots. */
export function targetName(service: string): string {
  return service.replaceAll('.', '_');
}

/** What making a target depends on. */
export interface TargetSurroundings {
  readonly model: ComposeModel;
  readonly context: LoadContext;
  readonly notes: ExtensionNotes;
}

/** One service as a target of bake. */
export class TargetMaker {
  readonly #service: ComposeService;
  readonly #build: BuildSection;
  readonly #model: ComposeModel;
  readonly #context: LoadContext;
  readonly #notes: ExtensionNotes;
  readonly #entries: BuildEntries;

  /** What is wrong with the service is added to the notes. */
  constructor(service: ComposeService, build: BuildSection, { model, context, notes }: TargetSurroundings) {
    this.#service = service;
    this.#build = build;
    this.#model = model;
    this.#context = context;
    this.#notes = notes;
    this.#entries = new BuildEntries(service, build, notes.diagnostics);
  }

  target(name: string): RawTarget {
    const build = this.#build;
    const args = this.#args();
    const contexts = new Map([...build.contexts].map(([key, value]) => [key, linked(value)]));
    const target: MutableRawTarget = { name, places: buildPlaces(this.#service, build) };
    if (build.context !== '') target.context = build.context;
    if (contexts.size > 0) target.contexts = contexts;
    if ((build.dockerfile ?? '') !== '') target.dockerfile = build.dockerfile ?? '';
    if (build.dockerfileInline !== '') target.dockerfileInline = build.dockerfileInline;
    if (args.size > 0) target.args = args;
    if (build.labels.size > 0) target.labels = build.labels;
    if (build.tags.length > 0) target.tags = unique(build.tags);
    if (build.cacheFrom.length > 0) target.cacheFrom = this.#entries.caches(build.cacheFrom, 'cache_from');
    if (build.cacheTo.length > 0) target.cacheTo = this.#entries.caches(build.cacheTo, 'cache_to');
    if (build.network !== '') target.network = build.network;
    if (build.platforms.length > 0) target.platforms = unique(build.platforms);
    if (build.target !== '') target.target = build.target;
    if (build.ssh.length > 0) target.ssh = build.ssh.map(sshEntryOf);
    if (build.secrets.length > 0) target.secret = this.#secrets();
    if (build.shmBytes > 0) target.shmSize = humanSize(build.shmBytes);
    if (build.ulimits.length > 0) target.ulimits = this.#ulimits();
    if (build.extraHosts.size > 0) {
      target.extraHosts = joinedHosts(build);
    }
    const attest = (['sbom', 'provenance'] as const).flatMap((type) => this.#entries.attest(type, build[type]));
    if (attest.length > 0) target.attest = attest;
    if (build.noCache) target.noCache = true;
    if (build.pull) target.pull = true;
    const project = projectId(build.xDepot);
    if (project !== undefined) target.projectId = project;
    const notes = this.#notes;
    const extended = build.xBake === undefined ? target : withExtension(target, build.xBake, { linked, notes });
    const hasTags = (extended.tags ?? []).length > 0;
    return hasTags || this.#service.image === '' ? extended : { ...extended, tags: [this.#service.image] };
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

  #secrets(): readonly SecretEntry[] {
    const entries = new Map<string, SecretEntry>();
    for (const { source, span } of this.#build.secrets) {
      const secret = this.#model.secrets.get(source);
      if (secret === undefined) continue;
      if (secret.external) {
        this.#notes.diagnostics.push({
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
      if (problem !== undefined) this.#entries.complain('ulimits', problem, 'write name: {soft: N, hard: N}');
      return text;
    });
  }
}

/** `service:x` and `target:x` are links to the target of that name. */
function linked(value: string): string {
  const match = /^(?:service|target):([^]*)$/.exec(value);
  return match?.[1] === undefined ? value : `target:${targetName(match[1])}`;
}
