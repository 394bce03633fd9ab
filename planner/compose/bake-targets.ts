import path from 'node:path/posix';
import { relativeToFolder } from '../bake/relative-paths.ts';
import type { RawTarget } from '../bake/raw-target.ts';
import type { RawGroup } from '../bake/evaluated.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { compareText } from '../hcl/value.ts';
import type { FileSystemPort } from '../host.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { SourceFile } from '../source.ts';
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
import type { ComposeModel, ComposeService } from './service.ts';
import { secretVariables, serviceEnvironment } from './service-environment.ts';
import { TargetMaker, targetName } from './target-maker.ts';
import { unsetVariables, warning } from './warnings.ts';
import { schemaProblems } from './validate.ts';

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
    const { targets, groups, ineffective } = mapped(model, context);
    const variables = secretVariables(model, context.environment);
    const folder = path.dirname(input.files[0]?.name ?? '');
    const placed = input.isFileRelative
      ? new Map([...targets].map(([name, target]) => [name, relativeToFolder(target, folder)]))
      : targets;
    const told = [...unsetVariables(unset), ...warnings.map(warning), ...ineffective];
    return ok({ targets: placed, groups, variables, warnings: told });
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

interface Mapped extends Pick<ComposeTargets, 'targets' | 'groups'> {
  readonly ineffective: readonly Diagnostic[];
}

function mapped(model: ComposeModel, context: LoadContext): Mapped {
  const services = [...model.services.values()];
  complain([...emptyServices(services, () => false), ...buildProblems(model), ...emptySecrets(model)]);
  const notes = { diagnostics: [] as Diagnostic[], warnings: [] as Diagnostic[] };
  const targets = new Map<string, RawTarget>();
  const owners = new Map<string, ComposeService>();
  for (const service of services) {
    if (service.build === undefined) continue;
    const name = targetName(service.name);
    const owner = owners.get(name);
    if (owner !== undefined) context.warn(collision(owner, service, name));
    owners.set(name, service);
    const target = new TargetMaker(service, service.build, { model, context, notes }).target(name);
    targets.set(name, target);
  }
  complain(notes.diagnostics);
  const group = { name: 'default', targets: targets.size === 0 ? undefined : [...targets.keys()].sort(compareText) };
  const groups = services.length === 0 ? new Map<string, RawGroup>() : new Map([['default', group]]);
  return { targets, groups, ineffective: notes.warnings };
}

/** The reference lets either of them win, as it comes. */
function collision(one: ComposeService, other: ComposeService, name: string): string {
  return `services ${one.name} and ${other.name} are both the target ${name}, as dots become _; only ${other.name} is built`;
}
