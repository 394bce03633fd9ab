/**
 * Scores the program against the stored answers of the real peers (bake/README.md, compose/README.md).
 *
 *   node test/conformance/score.ts bake|compose [--errors] [--accept] [CASE-GLOB...]
 *
 * JSON is compared deeply: arrays in order (but for the lists the peers take from map iteration), keys in any order. An
 * error case holds when the exit code is not 0, stdout is empty, and the first line of stderr is the one in
 * `KIND-errors.json`. Those lines were read beside the peer's: `--errors` shows both texts, `--accept` stores ours.
 */
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, matchesGlob, relative, resolve } from 'node:path';
import { text } from 'node:stream/consumers';

const LAUNCHER = resolve(import.meta.dirname, '../../cli/depot.mjs');
const CASES_AT_ONCE = 2;
const TIME_LIMIT_MS = 60_000;

export type Kind = 'bake' | 'compose';

/** One answer of ours, judged. */
export interface Verdict {
  readonly name: string;
  /** Undefined: as it should be. */
  readonly wrong: string | undefined;
  /** For an error: what the peer says, and what we say. */
  readonly errors?: { readonly theirs: string; readonly ours: string };
}

/** What the release does not have and newer buildx has (bake/README.md): the newer answer counts. */
const FOLLOWS_NEWER: ReadonlySet<string> = new Set([
  '029-file-relative-paths',
  '633-set-secret-by-id-newer-buildx',
  '690-var-flag-newer-buildx',
  '691-disable-env-lookup-newer-buildx',
  '760-semvercmp-newer-buildx',
  '761-formattimestamp-newer-buildx',
  '762-unixtimestampparse-newer-buildx',
]);

/** Lists that the peers fill in the order of a map. */
const UNORDERED: ReadonlySet<string> = new Set(['ulimits', 'ssh', 'extra-hosts', 'extra_hosts']);

/** Runs the cases of a kind whose names match one of the globs (none: all). */
export async function score(kind: Kind, globs: readonly string[] = []): Promise<readonly Verdict[]> {
  const cases = join(import.meta.dirname, kind);
  const names = (await readdir(cases, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && /^\d{3}-/.test(entry.name))
    .map(({ name }) => name)
    .filter((name) => globs.length === 0 || globs.some((glob) => matchesGlob(name, glob)))
    .sort();
  const root = await mkdtemp(join(tmpdir(), 'depot-conformance-'));
  const home = join(root, 'home');
  await mkdir(home);
  const verdicts: Verdict[] = [];
  const accepted = await acceptedErrors(kind);
  const queue = [...names];
  const worker = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const place = { cases, name, root, home, accepted };
      verdicts.push(...(kind === 'bake' ? [await bakeCase(place)] : await composeCase(place)));
    }
  };
  try {
    await Promise.all(Array.from({ length: CASES_AT_ONCE }, worker));
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return verdicts.sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface Place {
  readonly cases: string;
  readonly name: string;
  readonly root: string;
  readonly home: string;
  readonly accepted: Accepted;
}

/** What we say of each error case, in one line. */
type Accepted = Readonly<Record<string, string>>;

async function acceptedErrors(kind: Kind): Promise<Accepted> {
  return JSON.parse((await maybe(join(import.meta.dirname, `${kind}-errors.json`))) ?? '{}') as Accepted;
}

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the peer answers: any of the texts will do; none of them means an error. */
interface Answer {
  readonly jsons: readonly string[];
  readonly texts: readonly string[];
  readonly error: string | undefined;
}

async function bakeCase({ cases, name, root, home, accepted }: Place): Promise<Verdict> {
  const from = join(cases, name);
  const dir = join(root, name);
  await cp(from, dir, { recursive: true, verbatimSymlinks: true });
  for (const file of await readdir(dir)) {
    if (/^(?:expected.*|cmd|stdin|setup)$/.test(file)) await rm(join(dir, file), { recursive: true });
  }
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, TZ: 'UTC', NO_COLOR: '1' };
  const setup = await maybe(join(from, 'setup'));
  if (setup !== undefined) await shell(setup, { cwd: dir, env });
  const command = (await maybe(join(from, 'cmd'))) ?? '';
  const run = await shell(`bake() { ${program()} bake "$@"; }\n${command}`, {
    cwd: dir,
    env,
    input: await maybe(join(from, 'stdin')),
  });
  const answer = await bakeAnswer(name, from);
  return judge(name, run, { answer, accepted }, (one) => scrubbed(one, [dir, home, root]));
}

async function bakeAnswer(name: string, from: string): Promise<Answer> {
  const error = await maybe(join(from, 'expected-error.txt'));
  // Where the peer crashes, or is asked for more than it has, the newer peer's answer counts.
  const newer = FOLLOWS_NEWER.has(name) || error?.startsWith('panic: ') === true;
  const label = newer ? 'expected-head' : 'expected';
  const failed = await maybe(join(from, `${label}-error.txt`));
  if (failed !== undefined) return { jsons: [], texts: [], error: failed };
  return {
    jsons: await existing([join(from, `${label}.json`)]),
    texts: await existing([join(from, `${label}.txt`)]),
    error: undefined,
  };
}

interface ComposeCommand {
  readonly bake?: readonly string[];
  readonly build?: { readonly global?: readonly string[]; readonly args?: readonly string[] };
  readonly dirname?: string;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string | null>>;
  readonly symlinks?: Readonly<Record<string, string>>;
}

async function composeCase({ cases, name, root, home, accepted }: Place): Promise<readonly Verdict[]> {
  const from = join(cases, name);
  const spec = JSON.parse((await maybe(join(from, 'cmd'))) ?? '{}') as ComposeCommand;
  const dir = join(root, name, spec.dirname ?? 'app');
  await mkdir(dir, { recursive: true });
  const inputs = (await readdir(from)).includes('in');
  if (inputs) await cp(join(from, 'in'), dir, { recursive: true, verbatimSymlinks: true });
  const filled = (one: string): string => one.replaceAll('{{DIR}}', dir).replaceAll('{{HOME}}', home);
  for (const [link, target] of Object.entries(spec.symlinks ?? {})) {
    await shell('mkdir -p "$(dirname "$2")" && ln -s "$1" "$2"', {
      cwd: dir,
      env: { PATH: process.env['PATH'] ?? '' },
      args: [filled(target), join(dir, link)],
    });
  }
  const cwd = join(dir, spec.cwd ?? '.');
  const env: Record<string, string> = { PATH: process.env['PATH'] ?? '', HOME: home, PWD: cwd, NO_COLOR: '1' };
  for (const [key, value] of Object.entries(spec.env ?? {})) {
    if (value === null) delete env[key];
    else env[key] = filled(value);
  }
  const input = spec.stdin === undefined ? undefined : await maybe(join(dir, spec.stdin));
  const files = await readdir(from);
  const verdicts: Verdict[] = [];
  for (const what of ['bake', 'build'] as const) {
    const words =
      what === 'bake'
        ? spec.bake && ['bake', '--progress=plain', ...spec.bake, '--print']
        : spec.build && ['compose', ...(spec.build.global ?? []), 'build', '--print', ...(spec.build.args ?? [])];
    if (words === undefined) continue;
    const run = await shell(`${program()} "$@"`, { cwd, env, input, args: words.map(filled) });
    const stored = (pattern: RegExp): Promise<readonly string[]> =>
      existing(files.filter((file) => pattern.test(file)).map((file) => join(from, file)));
    const answer = {
      jsons: await stored(new RegExp(`^expected-${what}(\\.\\d+)?\\.json$`)),
      texts: await stored(new RegExp(`^expected-${what}(\\.\\d+)?\\.txt$`)),
      error: await maybe(join(from, `expected-${what}-error.txt`)),
    };
    const scrub = (one: string): string => composeScrubbed(one, dir, home);
    verdicts.push(judge(`${name} (${what})`, run, { answer, accepted }, scrub));
  }
  return verdicts;
}

function judge(
  name: string,
  run: Run,
  { answer, accepted }: { readonly answer: Answer; readonly accepted: Accepted },
  scrub: (one: string) => string,
): Verdict {
  const { jsons, texts, error } = answer;
  const says = scrub(run.stderr).trim();
  if (jsons.length + texts.length === 0) {
    const errors = { theirs: (error ?? '').trim(), ours: says };
    const expected = accepted[name];
    const other = firstError(says) === expected ? undefined : `says ${firstError(says)}, not ${expected}`;
    return { name, wrong: errorProblem(run, says, error) ?? other, errors };
  }
  if (run.code !== 0) return { name, wrong: error === undefined ? `exit ${run.code}: ${firstLine(says)}` : undefined };
  const out = scrub(run.stdout);
  if (texts.some((one) => one.trimEnd() === out.trimEnd())) return { name, wrong: undefined };
  if (jsons.length === 0) return { name, wrong: `the text differs: ${firstDifference(texts[0] ?? '', out)}` };
  const ours = parsed(out);
  if (ours === undefined) return { name, wrong: `no JSON on stdout: ${out.slice(0, 80)}` };
  const unordered = name.endsWith(')');
  const differences = jsons.map((json) => difference(JSON.parse(json), ours, { at: '$', key: '', unordered }));
  return { name, wrong: differences.includes(undefined) ? undefined : differences[0] };
}

function errorProblem({ code, stdout, stderr }: Run, says: string, error: string | undefined): string | undefined {
  if (code === 0) return `exit 0, expected the error: ${firstLine(error ?? '')}`;
  if (stdout !== '') return 'fails, but writes to stdout';
  if (says === '') return 'fails with no message';
  if (/^\s+at .+:\d+:\d+\)?$/m.test(stderr)) return 'shows a stack trace';
  return /internal error/.test(stderr) ? `internal error: ${firstLine(says)}` : undefined;
}

interface Where {
  readonly at: string;
  readonly key: string;
  /** Whether lists taken from maps count without their order. */
  readonly unordered: boolean;
}

/** The first place where two JSON values differ. */
function difference(theirs: unknown, ours: unknown, where: Where): string | undefined {
  const { at, key, unordered } = where;
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    const sorts = unordered && (UNORDERED.has(key) || key === 'targets');
    const [a, b] = sorts ? [sortedByText(theirs), sortedByText(ours)] : [theirs, ours];
    if (a.length !== b.length) return `${at}: ${b.length} items, expected ${a.length}`;
    for (const [index, one] of a.entries()) {
      const found = difference(one, b[index], { at: `${at}[${index}]`, key: '', unordered });
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (isObject(theirs) && isObject(ours)) {
    for (const name of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
      if (!(name in ours)) return `${at}.${name}: missing`;
      if (!(name in theirs)) return `${at}.${name}: not expected (${JSON.stringify(ours[name])?.slice(0, 60)})`;
      const found = difference(theirs[name], ours[name], { at: `${at}.${name}`, key: name, unordered });
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (Object.is(theirs, ours)) return undefined;
  return `${at}: ${JSON.stringify(ours)?.slice(0, 80)}, expected ${JSON.stringify(theirs)?.slice(0, 80)}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sortedByText(items: readonly unknown[]): readonly unknown[] {
  return [...items].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function scrubbed(one: string, [dir = '', home = '', root = '']: readonly string[]): string {
  return one.replaceAll(dir, '{{DIR}}').replaceAll(home, '{{HOME}}').replaceAll(root, '{{PARENT}}');
}

/** Compose also shows paths without their first slash, and its own version. */
function composeScrubbed(one: string, dir: string, home: string): string {
  let out = one;
  const places = [
    [dir, '{{DIR}}'],
    [home, '{{HOME}}'],
    [resolve(dir, '..'), '{{PARENT}}'],
  ] as const;
  for (const [path, name] of places) out = out.replaceAll(path, name).replaceAll(`/${relative('/', path)}`, name);
  return out.replace(/("com\.docker\.compose\.version": ")[^"]*(")/g, '$1{{COMPOSE_VERSION}}$2');
}

/** What is wrong first; warnings come before it. */
function firstError(says: string): string {
  return says.split('\n').find((line) => line.startsWith('ERROR')) ?? firstLine(says);
}

function firstLine(one: string): string {
  return (one.split('\n').find((line) => line.trim() !== '') ?? '').slice(0, 140);
}

function firstDifference(theirs: string, ours: string): string {
  const [a, b] = [theirs.split('\n'), ours.split('\n')];
  const at = a.findIndex((line, index) => line !== b[index]);
  return JSON.stringify([a[at], b[at]]);
}

function program(): string {
  return `'${process.execPath}' -- '${LAUNCHER}'`;
}

async function maybe(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

async function existing(paths: readonly string[]): Promise<readonly string[]> {
  const all = await Promise.all(paths.map(maybe));
  return all.filter((one) => one !== undefined);
}

async function shell(
  script: string,
  options: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly input?: string | undefined;
    readonly args?: readonly string[];
  },
): Promise<Run> {
  const child = spawn('bash', ['-c', script, 'depot', ...(options.args ?? [])], {
    cwd: options.cwd,
    env: options.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: TIME_LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const ended = Promise.withResolvers<number>();
  child.once('error', ended.reject);
  child.once('close', (code) => ended.resolve(code ?? 1));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended.promise]);
  return { code, stdout, stderr };
}

async function main(argv: readonly string[]): Promise<number> {
  const showErrors = argv.includes('--errors');
  const accepts = argv.includes('--accept');
  const [kind, ...globs] = argv.filter((arg) => !arg.startsWith('--'));
  if (kind !== 'bake' && kind !== 'compose') {
    console.error('usage: score.ts bake|compose [--errors] [CASE-GLOB...]');
    return 2;
  }
  const verdicts = await score(kind, globs);
  const failed = verdicts.filter(({ wrong }) => wrong !== undefined);
  for (const { name, errors } of showErrors ? verdicts : []) {
    if (errors !== undefined) console.log(`== ${name}\n--- theirs\n${errors.theirs}\n--- ours\n${errors.ours}\n`);
  }
  if (accepts) {
    const stored = { ...(await acceptedErrors(kind)) };
    for (const { name, errors } of verdicts) if (errors !== undefined) stored[name] = firstError(errors.ours);
    const sorted = Object.fromEntries(Object.entries(stored).sort(([a], [b]) => (a < b ? -1 : 1)));
    await writeFile(join(import.meta.dirname, `${kind}-errors.json`), `${JSON.stringify(sorted, undefined, 2)}\n`);
  }
  for (const { name, wrong } of failed) console.log(`${name}: ${wrong}`);
  console.log(`${verdicts.length - failed.length} passed, ${failed.length} failed`);
  return failed.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
