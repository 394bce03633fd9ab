import type { ComposeTargets, ComposeTargetsInput } from '../compose/bake-targets.ts';
import type { Diagnostic } from '../diagnostic.ts';
import type { Body } from '../hcl/ast.ts';
import { withBudget } from '../hcl/budget.ts';
import { HclError } from '../hcl/error.ts';
import { standardLibrary } from '../hcl/functions/table.ts';
import { didYouMean } from '../hcl/suggest.ts';
import { text } from '../hcl/value.ts';
import type { FileSystemPort } from '../host.ts';
import { goBool } from '../options/entries.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { SourceFile } from '../source.ts';
import { collectDefinition } from './definition.ts';
import { readDefinitionFiles } from './discover.ts';
import type { EvaluatedDefinition } from './evaluated.ts';
import { evaluateDefinition } from './evaluated.ts';
import { languagesOf, parseDefinition } from './languages.ts';
import { mergeTargets } from './raw-target.ts';
import type { RemoteDefinition } from './remote.ts';
import { ineffective } from './warnings.ts';

/** What a definition depends on. */
export interface DefinitionInput {
  /** `-f`, in order; `-` is stdin. Empty: the default names. */
  readonly files: readonly string[];
  /** The environment: variables of the definition, `BUILDX_BAKE_FILE`, `SOURCE_DATE_EPOCH`. */
  readonly variables: ReadonlyMap<string, string>;
  /** `--var`: go before the environment, for variables of the definition only. */
  readonly vars?: ReadonlyMap<string, string>;
  readonly fs: FileSystemPort;
  /** The definition that lies elsewhere, read before. Then `files` names what of it was read, and local ones by `cwd://`. */
  readonly remote?: RemoteDefinition | undefined;
  /** `BAKE_CMD_CONTEXT`: a URL; absent: the working directory. */
  readonly commandContext?: string;
  readonly stdin?: string;
  /** For `timestamp()`. */
  readonly now: Date;
  /** For `homedir()`. */
  readonly homeDir: string;
  /** `BAKE_LOCAL_PLATFORM`, such as `linux/amd64`. */
  readonly localPlatform: string;
  /** The result is only printed; see `ComposeTargetsInput`. */
  readonly isPrinted?: boolean;
}

/** A definition with every expression evaluated, and what in it has no effect. */
export interface ReadDefinition {
  readonly evaluated: EvaluatedDefinition;
  readonly warnings: readonly Diagnostic[];
  /** Variables for secrets, beyond those of the process. */
  readonly variables: ReadonlyMap<string, string>;
}

/** Finds, reads, merges and evaluates the files of a definition. Fails with everything that is wrong in them. */
export async function readDefinition(input: DefinitionInput): Promise<Result<ReadDefinition, readonly Diagnostic[]>> {
  const files = readDefinitionFiles({
    named: input.files,
    environment: input.variables,
    fs: input.fs,
    stdin: input.stdin,
    remote: input.remote,
  });
  if (!files.ok) return files;
  const switches = readSwitches(input.variables);
  if (!switches.ok) return switches;
  const environment = new Map([...(switches.value.environment ? input.variables : []), ...(input.vars ?? [])]);
  const { fs, homeDir, isPrinted = false } = input;
  const composeInput = { environment, fs, homeDir, isPrinted, isFileRelative: switches.value.fileRelative };
  const read = await readLanguages(files.value, composeInput);
  if (!read.ok) return read;
  const { bodies } = read.value;
  const compose = await readCompose(read.value.compose, composeInput);
  if (!compose.ok) return compose;
  const { definition, diagnostics } = collectDefinition(bodies);
  const library = await standardLibrary({ now: input.now, homeDir, sources: files.value.map((file) => file.text) });
  const characters = files.value.reduce((sum, file) => sum + file.text.length, 0);
  const evaluation = evaluated(characters, definition, {
    environment,
    paths: switches.value.fileRelative ? 'file' : 'working-directory',
    builtins: new Map([
      ['BAKE_CMD_CONTEXT', text(input.commandContext ?? 'cwd://')],
      ['BAKE_LOCAL_PLATFORM', text(input.localPlatform)],
    ]),
    library,
  });
  if (!evaluation.ok) return fail([...diagnostics, ...evaluation.failure]);
  if (diagnostics.length > 0) return fail(diagnostics);
  const undeclared = undeclaredVars(input.vars, definition.variables.keys());
  const warnings = [...(compose.value?.warnings ?? []), ...bodies.flatMap(ineffective), ...undeclared];
  const variables = compose.value?.variables ?? new Map<string, string>();
  return ok({ evaluated: overCompose(compose.value, evaluation.value), warnings, variables });
}

/** A `--var` that no variable block asks for is nothing to the definition. */
function undeclaredVars(
  vars: ReadonlyMap<string, string> | undefined,
  declared: Iterable<string>,
): readonly Diagnostic[] {
  const names = [...declared];
  return [...(vars?.keys() ?? [])]
    .filter((name) => !names.includes(name) && !names.includes(name.replace(/_JSON$/, '')))
    .map((name) => ({
      reason: 'ineffective',
      message: `--var ${name}: there is no variable of that name; it is passed over`,
      hint: didYouMean(name, names, 'declare it in a variable block'),
    }));
}

function evaluated(
  characters: number,
  ...[definition, input]: Parameters<typeof evaluateDefinition>
): Result<EvaluatedDefinition, readonly Diagnostic[]> {
  try {
    const { evaluated: result, diagnostics } = withBudget(characters, () => evaluateDefinition(definition, input));
    return diagnostics.length > 0 ? fail(diagnostics) : ok(result);
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    return fail(error.diagnostics);
  }
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

type ComposeInput = Omit<ComposeTargetsInput, 'files'>;

async function readCompose(
  files: readonly SourceFile[],
  input: ComposeInput,
): Promise<Result<ComposeTargets | undefined, readonly Diagnostic[]>> {
  if (files.length === 0) return ok(undefined);
  const { composeTargets } = await import('../compose/bake-targets.ts');
  return composeTargets({ ...input, files });
}

/** What the environment changes in how definitions are read (buildx `bake/bake.go`, from 0.30 on). */
function readSwitches(
  environment: ReadonlyMap<string, string>,
): Result<{ readonly environment: boolean; readonly fileRelative: boolean }, readonly Diagnostic[]> {
  const names = ['BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP', 'BUILDX_BAKE_FILE_RELATIVE_PATHS'];
  const [disabled, fileRelative] = names.map((name) => {
    const value = environment.get(name) ?? '';
    return value === '' ? false : goBool(value);
  });
  if (disabled !== undefined && fileRelative !== undefined) return ok({ environment: !disabled, fileRelative });
  const wrong = names[disabled === undefined ? 0 : 1] ?? '';
  const message = `invalid value ${JSON.stringify(environment.get(wrong))} of the environment variable ${wrong}`;
  return fail([{ reason: 'invalid-value', message, hint: 'write 1 or 0' }]);
}

interface ReadFiles {
  readonly bodies: readonly Body[];
  readonly compose: readonly SourceFile[];
}

/** Tells Compose files from the others, and parses those. A name that tells nothing is tried as Compose first. */
async function readLanguages(
  files: readonly SourceFile[],
  input: ComposeInput,
): Promise<Result<ReadFiles, readonly Diagnostic[]>> {
  const bodies: Body[] = [];
  const compose: SourceFile[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const file of files) {
    const languages = languagesOf(file.name);
    const isOnlyCompose = languages.length === 1 && languages.includes('compose');
    const notCompose = isOnlyCompose || !languages.includes('compose') ? [] : await composeProblems(file, input);
    if (isOnlyCompose || notCompose === undefined) {
      compose.push(file);
      continue;
    }
    const parsed = parseDefinition(file, languages);
    bodies.push(parsed.body);
    diagnostics.push(...parsed.diagnostics);
    const [first] = parsed.diagnostics.length > 0 ? notCompose : [];
    if (first !== undefined) diagnostics.push({ ...first, message: `nor is it a Compose file: ${first.message}` });
  }
  return diagnostics.length > 0 ? fail(diagnostics) : ok({ bodies, compose });
}

async function composeProblems(file: SourceFile, input: ComposeInput): Promise<readonly Diagnostic[] | undefined> {
  const { composeFileProblems } = await import('../compose/bake-targets.ts');
  return composeFileProblems(file, input);
}
