import type { Diagnostic } from '../diagnostic.ts';
import { sizeBytes } from '../options/checks.ts';
import { goFloat } from '../options/go-float.ts';
import { composeBoolean } from './casts.ts';
import { upToMost } from './error.ts';
import { hostProblems } from './hosts.ts';
import type { MapNode, Node, ScalarNode } from './node.ts';
import { child, entriesOf } from './node.ts';
import type { Path } from './path.ts';
import { PathTable, pathText } from './path.ts';
import { isCommandLine } from './shell-words.ts';

/** What is wrong with a value, and what would be right. */
interface Wrong {
  readonly problem: string;
  readonly hint: string;
}

type Check = (value: ScalarNode) => Wrong | undefined;

/**
 * Values of services that the schema lets pass and that mean nothing: sizes, durations, numbers, booleans, command lines
 * and hosts (compose-go v2.9 `types/`, which decodes the whole project, built or not).
 */
export function valueProblems(root: MapNode): readonly Diagnostic[] {
  return upToMost(entriesOf(child(root, 'services')), ([name, { value }]) => [
    ...problemsIn(value, ['services', name]),
    ...hostProblems(child(value, 'extra_hosts'), `services.${name}.extra_hosts`),
  ]);
}

function problemsIn(node: Node, path: Path): readonly Diagnostic[] {
  if (node.is === 'list') return node.items.flatMap((item) => problemsIn(item, [...path, '[]']));
  if (node.is === 'map') return [...node.entries].flatMap(([key, { value }]) => problemsIn(value, [...path, key]));
  const wrong = CHECKS.get(path)?.(node);
  if (wrong === undefined) return [];
  const message = `${pathText(path)}: ${wrong.problem}`;
  return [{ reason: 'invalid-value', message, hint: wrong.hint, span: node.span }];
}

const size: Check = ({ value }) =>
  typeof value !== 'string' || sizeBytes(value) !== undefined
    ? undefined
    : { problem: `invalid size: '${value}'`, hint: 'write a number with b, k, m or g, such as 512m' };

const DURATION = /^[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:w|d|h|ms|m|s|us|µs|μs|ns))+)$/;

const duration: Check = ({ value }) =>
  typeof value !== 'string' || DURATION.test(value)
    ? undefined
    : { problem: `invalid duration ${JSON.stringify(value)}`, hint: 'write numbers with h, m, s or ms, such as 1m30s' };

const boolean: Check = ({ value }) =>
  typeof value !== 'string' || composeBoolean(value) !== undefined
    ? undefined
    : { problem: `invalid boolean: ${value}`, hint: 'write true or false' };

const number: Check = ({ value }) =>
  typeof value !== 'string' || goFloat(value) !== undefined
    ? undefined
    : { problem: `invalid number: ${JSON.stringify(value)}`, hint: 'write a number, such as 0.5' };

const LARGEST = 2 ** 63;

/** A number, or a text that is a whole one. */
const integer: Check = ({ value }) =>
  typeof value !== 'string' || isInteger(value)
    ? undefined
    : { problem: `invalid whole number: ${JSON.stringify(value)}`, hint: 'write a whole number' };

const notNegative: Check = ({ value }) => {
  const number = typeof value === 'bigint' ? Number(value) : isFloat(value) ? value.float : 0;
  if (number > LARGEST) return { problem: `${number} is too large`, hint: 'write a smaller number' };
  return number < 0 ? { problem: 'must be greater than or equal to 0', hint: 'write 0 or more' } : undefined;
};

const unquotedWhole: Check = (node) =>
  typeof node.value === 'string'
    ? { problem: `expected a whole number, got ${JSON.stringify(node.source)}`, hint: 'write it without quotes' }
    : notNegative(node);

const count: Check = ({ value, source }) =>
  isFloat(value) || (typeof value === 'string' && !isInteger(value) && value.toLowerCase() !== 'all')
    ? { problem: `invalid count ${JSON.stringify(source)}`, hint: 'write a whole number, or all' }
    : undefined;

/** Of a file: a number, or the text of an octal one. */
const mode: Check = ({ value, source }) =>
  isFloat(value) || (typeof value === 'string' && !/^[+-]?[0-7]{1,21}$/.test(value))
    ? { problem: `invalid mode ${JSON.stringify(source)}`, hint: 'write an octal number, such as 0444' }
    : undefined;

const notFloat: Check = ({ value, source }) =>
  isFloat(value)
    ? { problem: `expected a text, got the number ${source}`, hint: `put it in quotes: "${source}"` }
    : undefined;

const commandLine: Check = ({ value }) =>
  typeof value !== 'string' || isCommandLine(value)
    ? undefined
    : {
        problem: 'invalid command line string',
        hint: 'a quote or a parenthesis is not closed; a list such as ["sh", "-c", "..."] needs no quotes',
      };

function isInteger(text: string): boolean {
  return (
    /^[+-]?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text.replace('+', ''))) === BigInt(text.replace('+', ''))
  );
}

function isFloat(value: ScalarNode['value']): value is { readonly float: number } {
  return typeof value === 'object' && value !== null && 'float' in value;
}

const UPDATES = ['deploy.update_config', 'deploy.rollback_config'];

const BY_PATH: readonly (readonly [Check, readonly string[]])[] = [
  [
    size,
    [
      ...['mem_limit', 'memswap_limit', 'mem_reservation', 'mem_swappiness', 'shm_size', 'volumes.*.tmpfs.size'],
      ...['deploy.resources.limits.memory', 'deploy.resources.reservations.memory'],
      ...['read_bps', 'read_iops', 'write_bps', 'write_iops'].map((what) => `blkio_config.device_${what}.*.rate`),
    ],
  ],
  [
    duration,
    [
      ...['stop_grace_period', 'deploy.restart_policy.delay', 'deploy.restart_policy.window'],
      ...['interval', 'timeout', 'start_period', 'start_interval'].map((name) => `healthcheck.${name}`),
      ...UPDATES.flatMap((update) => [`${update}.delay`, `${update}.monitor`]),
    ],
  ],
  [
    boolean,
    [
      ...['attach', 'volumes.*.bind.create_host_path', 'depends_on.*.restart', 'env_file.*.required'],
      ...['post_start.*.privileged', 'pre_stop.*.privileged', 'develop.watch.*.exec.privileged'],
    ],
  ],
  [number, ['deploy.resources.limits.cpus', 'deploy.resources.reservations.cpus']],
  [
    integer,
    ['deploy.resources.limits.pids', 'deploy.resources.reservations.generic_resources.*.discrete_resource_spec.value'],
  ],
  [
    notNegative,
    [
      ...['scale', 'deploy.replicas', 'healthcheck.retries', 'ports.*.target', 'deploy.restart_policy.max_attempts'],
      ...['deploy.placement.max_replicas_per_node', ...UPDATES.map((update) => `${update}.parallelism`)],
    ],
  ],
  [unquotedWhole, ['blkio_config.weight', 'blkio_config.weight_device.*.weight', 'volumes.*.tmpfs.mode']],
  [count, ['gpus.*.count', 'deploy.resources.reservations.devices.*.count']],
  [mode, ['secrets.*.mode', 'configs.*.mode', 'build.secrets.*.mode']],
  [notFloat, ['group_add.*', 'expose.*', 'storage_opt.*', 'ports.*.published', 'ulimits.*.soft', 'ulimits.*.hard']],
  [
    commandLine,
    ['command', 'entrypoint', 'post_start.*.command', 'pre_stop.*.command', 'develop.watch.*.exec.command'],
  ],
];

const CHECKS = new PathTable<Check>(
  BY_PATH.flatMap(([check, paths]) => paths.map((path) => [`services.*.${path}`, check] as const)),
);
