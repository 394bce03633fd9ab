import { collectDefinition } from './bake/definition.ts';
import { readDefinitionFiles } from './bake/discover.ts';
import type { EvaluatedDefinition } from './bake/evaluated.ts';
import { evaluateDefinition } from './bake/evaluated.ts';
import { finishTarget } from './bake/finish.ts';
import { globMatcher, isGlob } from './bake/glob.ts';
import { readOverrides } from './bake/override.ts';
import { Resolver } from './bake/resolve.ts';
import { mergeTargets, unique } from './bake/raw-target.ts';
import type { ComposeTargets } from './compose/bake-targets.ts';
import type { Diagnostic } from './diagnostic.ts';
import { buildGraph } from './graph.ts';
import type { Body } from './hcl/ast.ts';
import { HclError } from './hcl/error.ts';
import { standardLibrary } from './hcl/functions/table.ts';
import { parseHcl } from './hcl/parser.ts';
import { text } from './hcl/value.ts';
import { compareText } from './hcl/value.ts';
import type { FileSystemPort } from './host.ts';
import type { Result } from './result.ts';
import { fail, ok } from './result.ts';
import type { SourceFile, Span } from './source.ts';
import type { Group, Plan, Target } from './target.ts';

/** Everything a bake definition depends on, so that the same input always gives the same plan. */
export interface BakeInput {
  /** `-f`, in order; `-` is stdin. Empty: the default names. */
  readonly files: readonly string[];
  /** Targets, groups and patterns asked for; empty: `default`. */
  readonly targets: readonly string[];
  /** `--set` flags. */
  readonly overrides: readonly string[];
  /** The environment: variables of the definition, `BUILDX_BAKE_FILE`, `SOURCE_DATE_EPOCH`. */
  readonly variables: ReadonlyMap<string, string>;
  readonly fs: FileSystemPort;
  readonly stdin?: string;
  /** For `timestamp()`. */
  readonly now: Date;
  /** For `homedir()`. */
  readonly homeDir: string;
  /** `BAKE_LOCAL_PLATFORM`, such as `linux/amd64`. */
  readonly localPlatform: string;
  readonly flags: BakeFlags;
  /** The plan is only printed; see `ComposeTargetsInput`. */
  readonly isPrinted: boolean;
}

/** Flags that change every target, as they were given. */
export interface BakeFlags {
  readonly push?: boolean;
  readonly load?: boolean;
  readonly pull?: boolean;
  readonly noCache?: boolean;
  readonly provenance?: string;
  readonly sbom?: string;
  readonly call?: string;
}

/** A plan, and where each of its targets is written. */
export interface Planned {
  readonly plan: Plan;
  readonly origins: ReadonlyMap<string, Span>;
  /** What a person should know, though it is no mistake. */
  readonly warnings?: readonly string[];
}

/**
 * Reads a bake definition and works out what is asked of it: the one door of the planner for bake (buildx `bake/bake.go`,
 * `ReadTargets`). Fails with everything a person can mend at once.
 */
export async function planBake(input: BakeInput): Promise<Result<Planned, readonly Diagnostic[]>> {
  const remote = input.targets.find(isRemote);
  if (remote !== undefined) {
    return fail([
      {
        reason: 'unsupported',
        message: `Remote definitions are not supported yet: ${remote}`,
        hint: 'clone it and name the file with -f',
      },
    ]);
  }
  const files = readDefinitionFiles({
    named: input.files,
    environment: input.variables,
    fs: input.fs,
    stdin: input.stdin,
  });
  if (!files.ok) return files;
  const read = await readLanguages(files.value, input);
  if (!read.ok) return read;
  const compose = await readCompose(read.value.compose, input);
  if (!compose.ok) return compose;
  const { definition, diagnostics } = collectDefinition(read.value.bodies);
  const { evaluated, diagnostics: found } = evaluateDefinition(definition, {
    environment: input.variables,
    builtins: new Map([
      ['BAKE_CMD_CONTEXT', text('cwd://')],
      ['BAKE_LOCAL_PLATFORM', text(input.localPlatform)],
    ]),
    library: standardLibrary({ now: input.now, homeDir: input.homeDir }),
  });
  if (diagnostics.length + found.length > 0) return fail([...diagnostics, ...found]);
  const planned = planDefinition(overCompose(compose.value, evaluated), input);
  if (!planned.ok || compose.value === undefined) return planned;
  return ok({ ...planned.value, warnings: compose.value.warnings });
}

/** Compose files come first, wherever they stand; blocks of the same name merge over their targets, groups replace theirs. */
function overCompose(compose: ComposeTargets | undefined, evaluated: EvaluatedDefinition): EvaluatedDefinition {
  if (compose === undefined) return evaluated;
  const targets = new Map(compose.targets);
  for (const [name, target] of evaluated.targets) {
    const earlier = targets.get(name);
    targets.set(name, earlier === undefined ? target : mergeTargets(earlier, target));
  }
  return { ...evaluated, targets, groups: new Map([...compose.groups, ...evaluated.groups]) };
}

async function readCompose(
  files: readonly SourceFile[],
  { variables, fs, homeDir, isPrinted }: BakeInput,
): Promise<Result<ComposeTargets | undefined, readonly Diagnostic[]>> {
  if (files.length === 0) return ok(undefined);
  const { composeTargets } = await import('./compose/bake-targets.ts');
  return composeTargets({ files, environment: variables, fs, homeDir, isPrinted });
}

function isRemote(target: string): boolean {
  return /^(?:https?|git|ssh):\/\/|^github\.com\/|^[\w.-]+@[\w.-]+:/.test(target);
}

interface ReadFiles {
  readonly bodies: readonly Body[];
  readonly compose: readonly SourceFile[];
}

/** Tells the languages of the files apart; a name that tells nothing is tried as Compose, then as HCL. */
async function readLanguages(
  files: readonly SourceFile[],
  { variables, fs, homeDir, isPrinted }: BakeInput,
): Promise<Result<ReadFiles, readonly Diagnostic[]>> {
  const bodies: Body[] = [];
  const compose: SourceFile[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const file of files) {
    const language = languageOf(file);
    let asCompose: readonly Diagnostic[] | undefined;
    if (language === undefined) {
      const { composeFileProblems } = await import('./compose/bake-targets.ts');
      asCompose = composeFileProblems(file, { environment: variables, fs, homeDir, isPrinted });
    }
    if (language === 'Compose' || (language === undefined && asCompose === undefined)) {
      compose.push(file);
      continue;
    }
    if (language === 'JSON') {
      diagnostics.push({
        reason: 'unsupported',
        message: `${file.name}: JSON definitions are not supported yet`,
        hint: 'HCL definitions (docker-bake.hcl) are; name one with -f',
      });
      continue;
    }
    const parsed = parseHcl(file);
    bodies.push(parsed.body);
    diagnostics.push(...parsed.diagnostics);
    if (parsed.diagnostics.length > 0) {
      const [first] = asCompose ?? [];
      if (first !== undefined) diagnostics.push({ ...first, message: `nor is it a Compose file: ${first.message}` });
    }
  }
  return diagnostics.length > 0 ? fail(diagnostics) : ok({ bodies, compose });
}

function languageOf(file: SourceFile): 'HCL' | 'Compose' | 'JSON' | undefined {
  if (/\.ya?ml$/i.test(file.name)) return 'Compose';
  if (/\.json$/i.test(file.name)) return 'JSON';
  return /\.hcl$/i.test(file.name) ? 'HCL' : undefined;
}

function planDefinition(evaluated: EvaluatedDefinition, input: BakeInput): Result<Planned, readonly Diagnostic[]> {
  const flags = flagOverrides(input.flags);
  const overrides = readOverrides([...input.overrides, ...flags], [...evaluated.targets.keys()], input.variables);
  if (!overrides.ok) return overrides;
  const resolver = new Resolver(evaluated, overrides.value);
  const diagnostics: Diagnostic[] = [];
  const asked = askedNames(input.targets, evaluated, diagnostics);
  const requested: string[] = [];
  for (const name of asked) {
    const members = attempt(() => resolver.members(name), diagnostics) ?? [];
    requested.push(...members);
    if (members.length === 0 && evaluated.groups.has(name) && evaluated.groups.get(name)?.targets?.length) {
      diagnostics.push(resolver.missing(name, evaluated.groups.get(name)?.span).diagnostic);
    }
  }
  if (diagnostics.length > 0) return fail(diagnostics);

  const finished = new Map<string, Target>();
  const origins = new Map<string, Span>();
  const resolve = (name: string, user: Target | undefined): Target | undefined => {
    const known = finished.get(name);
    if (known !== undefined) return known;
    if (!evaluated.targets.has(name)) return undefined;
    const raw = attempt(
      () => resolver.target(name, user === undefined ? undefined : origins.get(user.name)),
      diagnostics,
    );
    if (raw === undefined) return undefined;
    const origin = evaluated.targets.get(name)?.places.get('');
    if (origin !== undefined) origins.set(name, origin);
    const done = finishTarget(raw, { environment: input.variables, fs: input.fs });
    diagnostics.push(...done.diagnostics);
    finished.set(name, done.target);
    return done.target;
  };
  const graph = buildGraph(unique(requested), resolve, evaluated.targets.keys());
  if (diagnostics.length > 0) return fail(diagnostics);
  if (!graph.ok) return graph;
  const isRequested = new Set(requested);
  const targets = [...graph.value.targets.values()].map((target) =>
    isRequested.has(target.name) ? target : { ...target, outputs: [{ type: 'cacheonly', attrs: {} }] },
  );
  return ok({ plan: { groups: printedGroups(asked, evaluated), targets, requested: unique(requested) }, origins });
}

/** Flags in the words of `--set`, in the order in which they count. */
function flagOverrides(flags: BakeFlags): readonly string[] {
  const overrides: string[] = [];
  if (flags.noCache !== undefined) overrides.push(`*.no-cache=${flags.noCache}`);
  if (flags.pull !== undefined) overrides.push(`*.pull=${flags.pull}`);
  for (const type of ['sbom', 'provenance'] as const) {
    const value = flags[type] ?? '';
    if (value !== '') overrides.push(`*.attest=${attestText(type, value)}`);
  }
  if (flags.call !== undefined && flags.call !== '' && flags.call !== 'build') {
    overrides.push(`*.call=${flags.call === 'check' ? 'lint' : flags.call}`);
  }
  if (flags.push === true) overrides.push('*.push=true');
  if (flags.load === true) overrides.push('*.load=true');
  return overrides;
}

function attestText(type: string, value: string): string {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return `type=${type}`;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return `type=${type},disabled=true`;
  return `type=${type},${value}`;
}

function askedNames(
  given: readonly string[],
  evaluated: EvaluatedDefinition,
  diagnostics: Diagnostic[],
): readonly string[] {
  const names = given.length === 0 ? ['default'] : given.map((name) => name.replaceAll('.', '_'));
  return names.flatMap((name) => {
    if (!isGlob(name)) return [name];
    const matches = globMatcher(name);
    const found =
      matches === undefined ? [] : [...evaluated.groups.keys(), ...evaluated.targets.keys()].filter(matches);
    if (found.length === 0) {
      diagnostics.push({
        reason: 'unknown-target',
        message: `could not find any target matching "${name}"`,
        hint: matches === undefined ? 'the pattern has a mistake in it' : 'see the names with --list=targets',
      });
    }
    return found;
  });
}

/** The groups that took part, and `default` for what was asked (bake.md 5.5 in the reference's words). */
function printedGroups(asked: readonly string[], evaluated: EvaluatedDefinition): readonly Group[] {
  const groups = new Map<string, Group>();
  const visit = (name: string): void => {
    const group = evaluated.groups.get(name);
    if (group === undefined || groups.has(name)) return;
    groups.set(name, { name, targets: group.targets });
    for (const member of group.targets ?? []) visit(member);
  };
  for (const name of asked) visit(name);
  const own = asked.includes('default') ? evaluated.groups.get('default') : undefined;
  const listed = [...(own?.targets ?? []), ...asked.filter((name) => name !== 'default' || own === undefined)];
  if (own === undefined || asked.length > 1)
    groups.set('default', { name: 'default', targets: [...new Set(listed)].sort(compareText) });
  return [...groups.values()];
}

function attempt<T>(work: () => T, diagnostics: Diagnostic[]): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    diagnostics.push(error.diagnostic);
    return undefined;
  }
}
