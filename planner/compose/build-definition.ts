import path from 'node:path/posix';
import { cleanPath } from '../clean-path.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { compareText } from '../hcl/value.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { ComposeFileSystem } from './context.ts';
import { ComposeError } from './error.ts';
import { complain } from './load.ts';
import type { ComposeProject } from './project.ts';
import { selectServices } from './select.ts';
import { secretVariables } from './service-environment.ts';
import type { BuildSection, ComposeService, Ulimit } from './service.ts';

/** The release of `docker compose` whose answers we give; images say so in a label. */
const COMPOSE_VERSION = '2.40.3';

/** Flags of `docker compose build` that change what is built. */
export interface ComposeBuildOptions {
  readonly services: readonly string[];
  readonly withDependencies: boolean;
  /** `--build-arg`, `K=V` or `K`. */
  readonly buildArgs: readonly string[];
  readonly ssh: readonly { readonly id: string; readonly path: string }[];
  readonly noCache: boolean;
  readonly pull: boolean;
  readonly push: boolean;
  readonly check: boolean;
  /** `_` between project and service in names of images, as once. */
  readonly compatibility: boolean;
  /** Proxy settings of Docker's configuration, for arguments that are not set. */
  readonly proxyArgs: ReadonlyMap<string, string>;
  readonly fs: ComposeFileSystem;
}

/** One service as `docker compose build` hands it to bake. Texts are whole; nothing is escaped. */
export interface ComposeTarget {
  readonly name: string;
  readonly service: ComposeService;
  readonly build: BuildSection;
  readonly image: string;
  readonly context: string;
  readonly contexts: ReadonlyMap<string, string>;
  /** Where the reference looks for it: seen from the context, links of its folder followed. Undefined: inline. */
  readonly dockerfile: string | undefined;
  readonly args: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  readonly tags: readonly string[];
  readonly platforms: readonly string[];
  readonly secrets: readonly { readonly id: string; readonly src?: string; readonly env?: string }[];
  readonly ssh: readonly { readonly id: string; readonly path: string }[];
  readonly pull: boolean;
  readonly noCache: boolean;
  readonly entitlements: readonly string[];
  /** Undefined with `--check`. */
  readonly output: 'docker' | 'registry' | 'image' | 'image-push' | undefined;
}

/** Everything that takes part in one build. */
export interface ComposeDefinition {
  readonly targets: readonly ComposeTarget[];
  /** Names of the targets that are built. */
  readonly requested: readonly string[];
  /** Variables that secrets are taken from; env files may set them. */
  readonly variables: ReadonlyMap<string, string>;
}

/** The definition that `docker compose` 2.40 gives to bake (`pkg/compose/build_bake.go`). */
export function composeDefinition(
  project: ComposeProject,
  options: ComposeBuildOptions,
): Result<ComposeDefinition, readonly Diagnostic[]> {
  try {
    complain(platformProblems(project));
    const { requested, defined } = selectServices(project, options.services, options.withDependencies);
    const names = targetNames(defined);
    const targets = defined.flatMap((service) => {
      const { build } = service;
      if (build === undefined) return [];
      return [composeTarget(service, build, { project, options, names })];
    });
    const sorted = [...targets].sort((a, b) => compareText(a.name, b.name));
    const built = requested.map(({ name }) => names.get(name) ?? name).sort(compareText);
    return ok({ targets: sorted, requested: built, variables: secretVariables(project.model, project.environment) });
  } catch (error) {
    if (error instanceof ComposeError) return fail(error.diagnostics);
    throw error;
  }
}

/** Dots become `_`; a name that is taken gets another `_`. */
function targetNames(services: readonly ComposeService[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const service of [...services].map(({ name }) => name).sort(compareText)) {
    let name = service.replaceAll('.', '_');
    while (taken.has(name)) name += '_';
    taken.add(name);
    names.set(service, name);
  }
  return names;
}

/** Every enabled service must be able to have the platform of `DOCKER_DEFAULT_PLATFORM`, built or not. */
function platformProblems({ enabled, environment }: ComposeProject): readonly Diagnostic[] {
  const preset = environment.get('DOCKER_DEFAULT_PLATFORM') ?? '';
  return enabled.flatMap((service) => {
    const { name, build, span } = service;
    if (build === undefined || preset === '' || servicePlatforms(service, preset).includes(preset)) return [];
    return [
      {
        reason: 'platform-mismatch',
        message: `service ${JSON.stringify(name)} build.platforms does not support value set by DOCKER_DEFAULT_PLATFORM: ${preset}`,
        hint: `add ${preset} to its platforms, or unset the variable`,
        span: build.places.get('platforms') ?? span,
      },
    ];
  });
}

/** The platforms of the build section, else the service's own, else the preset. */
function servicePlatforms({ build, platform }: ComposeService, preset: string): readonly string[] {
  if (build !== undefined && build.platforms.length > 0) return build.platforms;
  const wanted = platform === '' ? preset : platform;
  return wanted === '' ? [] : [wanted];
}

interface Surroundings {
  readonly project: ComposeProject;
  readonly options: ComposeBuildOptions;
  readonly names: ReadonlyMap<string, string>;
}

function composeTarget(
  service: ComposeService,
  build: BuildSection,
  { project, options, names }: Surroundings,
): ComposeTarget {
  const separator = options.compatibility ? '_' : '-';
  const image = service.image === '' ? `${project.name}${separator}${service.name}` : service.image;
  const contexts = [...build.contexts].map(([name, value]) => [name, linked(value, names)] as const);
  const pushes = options.push && service.image !== '';
  const platforms = servicePlatforms(service, project.environment.get('DOCKER_DEFAULT_PLATFORM') ?? '');
  return {
    name: names.get(service.name) ?? service.name,
    service,
    build,
    image,
    context: build.context,
    contexts: new Map(contexts),
    dockerfile: dockerfilePath(build, options.fs),
    args: targetArgs(build, project, options),
    labels: new Map([
      ...build.labels,
      ['com.docker.compose.version', COMPOSE_VERSION],
      ['com.docker.compose.project', project.name],
      ['com.docker.compose.service', service.name],
    ]),
    tags: [...build.tags, image],
    platforms,
    secrets: targetSecrets(build, project),
    ssh: [...build.ssh, ...options.ssh],
    pull: build.pull || options.pull,
    noCache: build.noCache || options.noCache,
    entitlements: [...build.entitlements, ...(build.privileged ? ['security.insecure'] : [])],
    output: options.check ? undefined : outputKind(platforms.length > 1, pushes),
  };
}

function outputKind(isMultiple: boolean, pushes: boolean): NonNullable<ComposeTarget['output']> {
  if (isMultiple) return pushes ? 'image-push' : 'image';
  return pushes ? 'registry' : 'docker';
}

function linked(context: string, names: ReadonlyMap<string, string>): string {
  const service = /^service:([^]*)$/.exec(context)?.[1];
  return service === undefined ? context : `target:${names.get(service) ?? service}`;
}

/** Whether a context is a git repository, which has its Dockerfile inside (docker/compose `internal/urlutil`). */
function isGitContext(context: string): boolean {
  return /^(?:git:\/\/|ssh:\/\/|git@|github\.com\/)/.test(context) || isGitUrl(context);
}

/** One that ends in `.git`, or has a fragment behind that. */
function isGitUrl(context: string): boolean {
  return !context.includes('\n') && /^https?:\/\/.+\.git(?:#.|$)/.test(context);
}

function dockerfilePath(build: BuildSection, fs: ComposeFileSystem): string | undefined {
  const said = build.dockerfile ?? (build.places.has('dockerfile_inline') ? '' : 'Dockerfile');
  if (said === '') return undefined;
  if (build.context === '' || isGitContext(build.context)) return said;
  const full = path.isAbsolute(said) ? said : cleanPath(path.join(build.context, said));
  const folder = fs.realPath?.(path.dirname(full));
  return folder === undefined ? full : path.join(folder, path.basename(full));
}

/** The file's arguments, over them those of the command line, then what is set in the environment, then proxies. */
function targetArgs(
  build: BuildSection,
  { environment }: ComposeProject,
  { buildArgs, proxyArgs }: ComposeBuildOptions,
): ReadonlyMap<string, string> {
  const said = new Map<string, string | null>(build.args);
  for (const one of buildArgs) {
    const equals = one.indexOf('=');
    said.set(equals === -1 ? one : one.slice(0, equals), equals === -1 ? null : one.slice(equals + 1));
  }
  const args = new Map<string, string>();
  for (const [name, value] of said) {
    const resolved = value ?? environment.get(name);
    if (resolved !== undefined) args.set(name, resolved);
  }
  return new Map([...proxyArgs, ...args]);
}

function targetSecrets(build: BuildSection, { model }: ComposeProject): ComposeTarget['secrets'] {
  return build.secrets.flatMap(({ source, target }): ComposeTarget['secrets'] => {
    const secret = model.secrets.get(source);
    const id = target === '' ? source : target;
    if (secret === undefined || secret.external) return [];
    if (secret.file !== '') return [{ id, src: secret.file }];
    return secret.environment === '' ? [] : [{ id, env: secret.environment }];
  });
}

/** A limit as bake takes it. */
export function ulimitText(limit: Ulimit): string {
  if (limit.single === undefined) return `${limit.name}=${limit.soft}:${limit.hard}`;
  return `${limit.name}=${limit.single}`;
}
