import { goBool } from '../../planner/options/entries.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { Flag } from '../flags.ts';
import { parseFlags } from '../flags.ts';

const SWITCHES = [
  ...['abort-on-container-exit', 'abort-on-container-failure', 'always-recreate-deps', 'attach-dependencies', 'build'],
  ...['dry-run', 'force-recreate', 'help', 'menu', 'no-build', 'no-color', 'no-deps', 'no-log-prefix', 'no-recreate'],
  ...['no-start', 'quiet-build', 'quiet-pull', 'remove-orphans', 'timestamps', 'wait'],
];

const SHORT: readonly (readonly [short: string, name: string])[] = [
  ['d', 'detach'],
  ['V', 'renew-anon-volumes'],
  ['w', 'watch'],
  ['y', 'yes'],
];

const help = 'Of docker compose up';

/** Flags of `docker compose up`. */
const UP_FLAGS: readonly Flag[] = [
  ...SWITCHES.map((name): Flag => ({ name, kind: 'switch', help })),
  ...SHORT.map(([short, name]): Flag => ({ name, short, kind: 'switch', help })),
  ...['attach', 'no-attach', 'scale'].map((name): Flag => ({ name, kind: 'list', help })),
  ...['exit-code-from', 'pull', 'wait-timeout'].map((name): Flag => ({ name, kind: 'text', help })),
  { name: 'timeout', short: 't', kind: 'text', help },
];

/** Flags that contradict each other (docker/compose v2.40 `cmd/compose/up.go`). */
const CONTRADICTIONS: readonly (readonly [one: string, others: readonly string[]])[] = [
  ['build', ['no-build']],
  ['abort-on-container-failure', ['abort-on-container-exit']],
  [
    'detach',
    [
      'attach',
      'attach-dependencies',
      'abort-on-container-exit',
      'abort-on-container-failure',
      'exit-code-from',
      'watch',
    ],
  ],
  [
    'wait',
    [
      'attach',
      'attach-dependencies',
      'abort-on-container-exit',
      'abort-on-container-failure',
      'exit-code-from',
      'watch',
    ],
  ],
  ['no-recreate', ['force-recreate', 'always-recreate-deps', 'renew-anon-volumes']],
];

/** What `docker compose up` is asked to build. */
export interface UpRequest {
  readonly isQuiet: boolean;
  /** What the services depend on is built and started as well. */
  readonly withDependencies: boolean;
  readonly services: readonly string[];
  /** Its arguments, but for the asking. */
  readonly withoutBuild: readonly string[];
}

/** Whether arguments behind `up` may ask for a build. What they say besides is docker compose's. */
export function asksToBuild(args: readonly string[]): boolean {
  const said = args.filter((arg) => /^--build(?:=|$)/.test(arg)).at(-1);
  return said !== undefined && goBool(said.split('=')[1] ?? 'true') !== false;
}

/**
 * Reads the arguments behind `up`, which ask to build. Undefined when nothing is to be done but by docker compose (help, a
 * dry run); fails with what docker compose would refuse.
 */
export function readUp(args: readonly string[]): Result<UpRequest | undefined, string> {
  const parsed = parseFlags(UP_FLAGS, args);
  if (!parsed.ok) return parsed;
  const { switches, lists, texts, rest } = parsed.value;
  const isSet = (name: string): boolean => switches.get(name) === true || lists.has(name) || texts.has(name);
  if (isSet('help') || isSet('dry-run') || !isSet('build')) return ok(undefined);
  for (const [one, others] of CONTRADICTIONS) {
    const other = isSet(one) ? others.find(isSet) : undefined;
    if (other !== undefined) return fail(`--${one} and --${other} are incompatible`);
  }
  const isQuiet = isSet('quiet-build');
  return ok({ isQuiet, withDependencies: !isSet('no-deps'), services: rest, withoutBuild: withoutBuild(args) });
}

function withoutBuild(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  const [flags, rest] = end === -1 ? [args, []] : [args.slice(0, end), args.slice(end)];
  return [...flags.filter((arg) => !/^--build(?:=|$)/.test(arg)), ...rest];
}

/** What `up` builds, in the words of `compose build`. */
export function buildArguments({ isQuiet, withDependencies, services }: UpRequest): readonly string[] {
  return [...(isQuiet ? ['--quiet'] : []), ...(withDependencies ? ['--with-dependencies'] : []), '--', ...services];
}
