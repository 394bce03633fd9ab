import path from 'node:path/posix';
import type { Diagnostic } from '../diagnostic.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import { projectProblems } from './compose-consistency.ts';
import { decodeModel } from './decode.ts';
import type { ProjectRequest } from './discover.ts';
import { displayName, findProject } from './discover.ts';
import { ComposeError, upToMost } from './error.ts';
import { complain, loadModel } from './load.ts';
import type { MapNode } from './node.ts';
import { activeProfiles, enabledServices } from './profiles.ts';
import { nameInFiles, normalizedName } from './project-name.ts';
import type { ComposeModel, ComposeService } from './service.ts';
import { labelFileProblems } from './service-environment.ts';
import { valueProblems } from './values.ts';
import { unsetVariables, warning } from './warnings.ts';

/** A project as `docker compose` sees it. */
export interface ComposeProject {
  readonly name: string;
  /** Absolute. */
  readonly dir: string;
  /** Variables of the process and of env files. */
  readonly environment: ReadonlyMap<string, string>;
  readonly model: ComposeModel;
  /** The active ones; `*` is all. */
  readonly profiles: ReadonlySet<string>;
  /** Services of the active profiles. */
  readonly enabled: readonly ComposeService[];
  readonly warnings: readonly Diagnostic[];
}

/** What {@link loadProject} depends on. */
export interface LoadProjectInput extends Omit<ProjectRequest, 'onUnset' | 'warn'> {
  /** `-p`; empty counts as absent. */
  readonly projectName: string | undefined;
  /** `--profile`; when there are any, `COMPOSE_PROFILES` does not count. */
  readonly profiles: readonly string[];
  readonly homeDir: string;
}

/**
 * Loads a project as `docker compose` 2.40 does: files, variables, name, profiles, and every check. Fails with what is
 * wrong and where.
 */
export function loadProject(input: LoadProjectInput): Result<ComposeProject, readonly Diagnostic[]> {
  const unset = new Set<string>();
  const warnings: string[] = [];
  try {
    const loaded = load(
      input,
      (name) => void unset.add(name),
      (message) => void warnings.push(message),
    );
    return ok({ ...loaded, warnings: [...warnings.map(warning), ...unsetVariables(unset)] });
  } catch (error) {
    if (error instanceof ComposeError) return fail(error.diagnostics);
    throw error;
  }
}

function load(
  input: LoadProjectInput,
  onUnset: (name: string) => void,
  warn: (message: string) => void,
): Omit<ComposeProject, 'warnings'> {
  const found = findProject({ ...input, onUnset, warn });
  const display = (name: string): string => displayName(name, input.cwd);
  const name = projectName(input, found.environment, found, warn);
  const environment = new Map([...found.environment, ['COMPOSE_PROJECT_NAME', name]]);
  const { fs, homeDir } = input;
  const context = {
    mode: 'compose',
    fs,
    dir: found.dir,
    environment,
    homeDir,
    isPrinted: false,
    onUnset,
    warn,
    display,
  } as const;
  const root = loadModel(found.files, context);
  if (root.entries.size === 0) throw emptyFile(root);
  complain(valueProblems(root));
  const model = decodeModel(root);
  const profiles = activeProfiles(input.profiles, environment);
  const enabled = enabledServices(model, profiles);
  complain(projectProblems(root, model, enabled));
  complain(upToMost(enabled, (service) => labelFileProblems(service, context)));
  return { name, dir: found.dir, environment, model, profiles, enabled };
}

function emptyFile(root: MapNode): ComposeError {
  return new ComposeError({
    reason: 'empty-file',
    message: 'empty compose file',
    hint: 'a Compose file has services:',
    span: { ...root.span, end: root.span.start + 1 },
  });
}

/** Flag, variable, file, folder: the first that names the project (compose-go `cli/options.go`, `GetProjectName`). */
function projectName(
  { projectName: flag, fs }: LoadProjectInput,
  environment: ReadonlyMap<string, string>,
  { files, dir }: ReturnType<typeof findProject>,
  warn: (message: string) => void,
): string {
  const given = flag || environment.get('COMPOSE_PROJECT_NAME') || '';
  if (given !== '') {
    if (normalizedName(given) === given) return given;
    throw new ComposeError({
      reason: 'invalid-name',
      message: `invalid project name ${JSON.stringify(given)}: must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number`,
      hint: `${JSON.stringify(normalizedName(given))} would do`,
    });
  }
  const said = nameInFiles(
    files.map(({ file }) => file),
    { environment, onUnset: () => undefined },
  );
  const name = normalizedName(said ?? path.basename(dir));
  if (name === '') {
    throw new ComposeError({
      reason: 'invalid-name',
      message: 'project name must not be empty',
      hint: `the folder ${JSON.stringify(path.basename(dir))} gives none; use -p NAME, or name: in the file`,
    });
  }
  const real = fs.realPath?.(dir);
  if (said === undefined && real !== undefined && path.basename(real) !== path.basename(dir)) {
    warn(`project has been loaded without an explicit name from a symlink. Using name ${JSON.stringify(name)}`);
  }
  return name;
}
