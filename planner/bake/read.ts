import type { Diagnostic } from '../diagnostic.ts';
import type { Body } from '../hcl/ast.ts';
import { withBudget } from '../hcl/budget.ts';
import { HclError } from '../hcl/error.ts';
import { standardLibrary } from '../hcl/functions/table.ts';
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
}

/** A definition with every expression evaluated, and what in it has no effect. */
export interface ReadDefinition {
  readonly evaluated: EvaluatedDefinition;
  readonly warnings: readonly Diagnostic[];
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
  const bodies = parseFiles(files.value);
  if (!bodies.ok) return bodies;
  const switches = readSwitches(input.variables);
  if (!switches.ok) return switches;
  const { definition, diagnostics } = collectDefinition(bodies.value);
  const library = await standardLibrary({
    now: input.now,
    homeDir: input.homeDir,
    sources: files.value.map((file) => file.text),
  });
  const characters = files.value.reduce((sum, file) => sum + file.text.length, 0);
  const evaluation = evaluated(characters, definition, {
    environment: new Map([...(switches.value.environment ? input.variables : []), ...(input.vars ?? [])]),
    paths: switches.value.fileRelative ? 'file' : 'working-directory',
    builtins: new Map([
      ['BAKE_CMD_CONTEXT', text(input.commandContext ?? 'cwd://')],
      ['BAKE_LOCAL_PLATFORM', text(input.localPlatform)],
    ]),
    library,
  });
  if (!evaluation.ok) return fail([...diagnostics, ...evaluation.failure]);
  if (diagnostics.length > 0) return fail(diagnostics);
  return ok({ evaluated: evaluation.value, warnings: bodies.value.flatMap(ineffective) });
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

function parseFiles(files: readonly SourceFile[]): Result<readonly Body[], readonly Diagnostic[]> {
  const bodies: Body[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const file of files) {
    const languages = languagesOf(file.name);
    if (languages.length === 1 && languages.includes('compose')) {
      diagnostics.push({
        reason: 'unsupported',
        message: `${file.name}: Compose definitions are not supported yet`,
        hint: 'HCL and JSON definitions are; name one with -f',
      });
      continue;
    }
    const parsed = parseDefinition(file, languages);
    bodies.push(parsed.body);
    diagnostics.push(...parsed.diagnostics);
  }
  return diagnostics.length > 0 ? fail(diagnostics) : ok(bodies);
}
