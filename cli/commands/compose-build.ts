import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ComposeBuildOptions, ComposeDefinition } from '../../planner/compose/build-definition.ts';
import { composeDefinition } from '../../planner/compose/build-definition.ts';
import { composePlan } from '../../planner/compose/build-plan.ts';
import { printComposeDefinition } from '../../planner/compose/build-print.ts';
import type { ComposeFileSystem } from '../../planner/compose/context.ts';
import type { ComposeProject } from '../../planner/compose/project.ts';
import { loadProject } from '../../planner/compose/project.ts';
import type { Diagnostic } from '../../planner/diagnostic.ts';
import { sizeBytes } from '../../planner/options/checks.ts';
import { goBool } from '../../planner/options/entries.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { CommandContext } from '../command.ts';
import { environmentMap } from '../environment.ts';
import type { ParsedArgs } from '../flags.ts';
import { decodeText, fileSystem } from '../host.ts';
import { composeArguments, dockerProxies } from '../proxies.ts';
import { canceled, complain } from '../print/complain.ts';
import { diagnosticText } from '../print/diagnostic.ts';
import { printableLine } from '../print/text.ts';

const LATE_PROGRESS = '--progress is a global compose flag, better use `depot compose --progress xx build ...`\n';

/** What a build is asked for. */
export interface ComposeBuildRequest {
  /** In front of `build`. */
  readonly globals: ParsedArgs;
  /** Behind it. */
  readonly args: ParsedArgs;
  /** Where a file is `-`, what {@link readStdin} read. */
  readonly stdin: Uint8Array | undefined;
}

/** `docker compose build`: reads the project, then prints what it comes to or builds it. Gives the exit code. */
export async function composeBuild(context: CommandContext, request: ComposeBuildRequest): Promise<number> {
  const { globals, args } = request;
  const asked = settings(context.env, globals, args);
  if (!asked.ok) return complain(context, asked.failure);
  const stdin = stdinText(request.stdin);
  if (!stdin.ok) return complain(context, stdin.failure);
  const project = readProject(context, globals, stdin.value);
  if (!project.ok) return tell(context, project.failure);
  if (args.texts.has('progress')) context.stderr.write(LATE_PROGRESS);
  const env = { ...composeVariables(project.value), ...context.env };
  const checked = settings(env, globals, args);
  if (!checked.ok) return complain(context, checked.failure);
  const quiet = args.switches.get('quiet') === true;
  if (!quiet) warn(context, project.value.warnings);
  const options = await buildOptions(env, { globals, args, ssh: checked.value.ssh, cwd: context.cwd });
  const definition = composeDefinition(project.value, options);
  if (!definition.ok) return tell(context, definition.failure);
  if (args.switches.get('print') === true) {
    context.print(printComposeDefinition(definition.value));
    return 0;
  }
  if (definition.value.requested.length === 0) {
    if (!quiet) context.stderr.write('WARNING: No services to build\n');
    return 0;
  }
  const planned = composePlan(definition.value, {
    provenance: args.texts.get('provenance'),
    sbom: args.texts.get('sbom'),
    environment: environmentMap(env),
    fs: options.fs,
    mayAsk: () => context.stdin.isTTY && context.stderr.isTTY,
  });
  if (!planned.ok) return tell(context, planned.failure);
  if (!quiet) warn(context, planned.value.warnings);
  if (globals.switches.get('dry-run') === true) return dryRun(context, definition.value);
  const { buildPlan } = await import('./bake-build.ts');
  const mode = quiet ? 'quiet' : checked.value.progress;
  const code = await buildPlan(planned.value, context, { mode, write: (said) => void context.stdout.write(said) });
  if (code !== 0 || mode === 'quiet') return code;
  return (await isWritten(context, builtLines(definition.value, mode))) ? 0 : 1;
}

function warn({ stderr }: CommandContext, warnings: readonly Diagnostic[]): void {
  for (const one of warnings) stderr.write(`WARNING: ${diagnosticText(one)}\n`);
}

function tell({ stderr }: CommandContext, diagnostics: readonly Diagnostic[]): number {
  const count = diagnostics.length > 1 ? `${diagnostics.length} mistakes\n` : '';
  stderr.write(`${diagnostics.map((one) => `ERROR: ${diagnosticText(one)}\n`).join('')}${count}`);
  return 1;
}

interface Settings {
  /** As our own progress modes are called. */
  readonly progress: string;
  readonly ssh: ComposeBuildOptions['ssh'];
}

/** Variables of docker compose's own, which env files may set as well. */
function composeVariables({ environment }: ComposeProject): CommandContext['env'] {
  return Object.fromEntries([...environment].filter(([name]) => name.startsWith('COMPOSE_')));
}

/** Flags and variables that can be wrong by themselves. */
function settings(env: CommandContext['env'], globals: ParsedArgs, args: ParsedArgs): Result<Settings, string> {
  const limit = env.COMPOSE_PARALLEL_LIMIT ?? '';
  if (limit !== '' && !/^[-+]?\d+$/.test(limit)) {
    return fail(`COMPOSE_PARALLEL_LIMIT must be an integer (found: ${JSON.stringify(limit)})`);
  }
  const memory = args.texts.get('memory');
  if (memory !== undefined && sizeBytes(memory) === undefined) {
    return fail(`invalid argument ${JSON.stringify(memory)} for "-m, --memory" flag: invalid size: '${memory}'`);
  }
  const late = args.texts.get('progress');
  const progress = progressMode(late ?? globals.texts.get('progress') ?? env.COMPOSE_PROGRESS ?? '', globals, env);
  if (!progress.ok) return progress;
  const ssh = sshKeys(args.texts.get('ssh'));
  if (!ssh.ok) return ssh;
  return ok({ progress: progress.value, ssh: ssh.value });
}

function progressMode(asked: string, globals: ParsedArgs, env: CommandContext['env']): Result<string, string> {
  const ansi = globals.texts.get('ansi') ?? env.COMPOSE_ANSI ?? 'auto';
  if (!['never', 'always', 'auto'].includes(ansi))
    return fail(`invalid --ansi ${JSON.stringify(ansi)}; never, always and auto are known`);
  switch (asked) {
    case '':
    case 'auto':
      return ok(env.BUILDKIT_PROGRESS || 'auto');
    case 'tty':
      return ansi === 'never' ? fail("can't use --progress tty while ANSI support is disabled") : ok('tty');
    case 'plain':
      return ansi === 'always' ? fail("can't use --progress plain while ANSI support is forced") : ok('plain');
    case 'json':
      return ok('rawjson');
    case 'quiet':
      return ok('quiet');
    default:
      return fail(`unsupported --progress value ${JSON.stringify(asked)}; auto, tty, plain, json and quiet are known`);
  }
}

function sshKeys(said: string | undefined): Result<ComposeBuildOptions['ssh'], string> {
  if (said === undefined) return ok([]);
  const equals = said.indexOf('=');
  if (equals !== -1) return ok([{ id: said.slice(0, equals), path: said.slice(equals + 1) }]);
  if (said !== '' && said !== 'default')
    return fail(`invalid ssh key ${JSON.stringify(said)}; write default, or ${said}=PATH`);
  return ok([{ id: 'default', path: '' }]);
}

/**
 * What stands on standard input, where it is one of the files; undefined where it is none. Fails with the exit code when the
 * user ended the waiting, which is told by then.
 */
export async function readStdin(
  context: CommandContext,
  globals: ParsedArgs,
): Promise<Result<Uint8Array | undefined, number>> {
  const files = globals.lists.get('file') ?? [];
  const listed = files.length > 0 ? files : (context.env.COMPOSE_FILE ?? '').split(':');
  if (!listed.includes('-')) return ok(undefined);
  const { readAll } = await import('../stdin.ts');
  const bytes = await readAll(context);
  return bytes === undefined ? fail(canceled(context)) : ok(bytes);
}

function stdinText(bytes: Uint8Array | undefined): Result<string | undefined, string> {
  try {
    return ok(bytes === undefined ? undefined : decodeText(bytes));
  } catch {
    return fail('what stands on standard input is no text in UTF-8');
  }
}

function readProject(
  context: CommandContext,
  globals: ParsedArgs,
  stdin: string | undefined,
): Result<ComposeProject, readonly Diagnostic[]> {
  return loadProject({
    files: globals.lists.get('file') ?? [],
    projectName: globals.texts.get('project-name'),
    projectDirectory: globals.texts.get('project-directory') ?? globals.texts.get('workdir'),
    envFiles: globals.lists.get('env-file') ?? [],
    profiles: globals.lists.get('profile') ?? [],
    environment: environmentMap(context.env),
    cwd: path.resolve(context.cwd),
    fs: composeFiles(context.cwd),
    stdin,
    homeDir: context.env.HOME || os.homedir(),
  });
}

function composeFiles(cwd: string): ComposeFileSystem {
  return {
    ...fileSystem(cwd),
    realPath: (name) => {
      try {
        return realpathSync(path.resolve(cwd, name));
      } catch {
        return undefined;
      }
    },
  };
}

async function buildOptions(
  env: CommandContext['env'],
  given: {
    readonly globals: ParsedArgs;
    readonly args: ParsedArgs;
    readonly ssh: ComposeBuildOptions['ssh'];
    readonly cwd: string;
  },
): Promise<ComposeBuildOptions> {
  const { globals, args, ssh, cwd } = given;
  const on = (name: string): boolean => args.switches.get(name) === true;
  return {
    services: args.rest,
    withDependencies: on('with-dependencies'),
    buildArgs: args.lists.get('build-arg') ?? [],
    ssh,
    noCache: on('no-cache'),
    pull: on('pull'),
    push: on('push'),
    check: on('check'),
    compatibility: globals.switches.get('compatibility') ?? goBool(env.COMPOSE_COMPATIBILITY ?? '') === true,
    proxyArgs: composeArguments(await dockerProxies(env)),
    fs: composeFiles(cwd),
  };
}

/** False when what was built could not be said (a full disk, `2> /dev/full`). */
function isWritten({ stderr }: CommandContext, lines: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  stderr.write(lines, (error) => resolve(!(error instanceof Error)));
  return promise;
}

/** One line for each image, as docker compose ends. */
function builtLines({ targets, requested }: ComposeDefinition, mode: string): string {
  const images = targets.filter(({ name }) => requested.includes(name)).map(({ image }) => image);
  return images
    .map((image) =>
      mode === 'rawjson' ? JSON.stringify({ id: image, status: 'Built' }) : ` ${printableLine(image)}  Built`,
    )
    .map((line) => `${line}\n`)
    .join('');
}

function dryRun({ stderr }: CommandContext, { targets, requested }: ComposeDefinition): number {
  const say = (line: string): void => void stderr.write(` DRY-RUN MODE -  ${printableLine(line)}\n`);
  for (const { name, tags } of targets.filter((target) => requested.includes(target.name))) {
    say(`${name} ==> ==> writing image dryRun-${createHash('sha1').update(name).digest('hex')}`);
    say(`${name} ==> ==> naming to ${tags[0] ?? name}`);
    say(`${name}  Built`);
  }
  return 0;
}
