import { goFloat } from '../options/go-float.ts';
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { Scalar } from './node.ts';
import { PathTable } from './path.ts';
import { integer } from './scalar.ts';

type Cast = (text: string) => Result<Scalar, string>;

const asInteger: Cast = (text) => {
  const value = /^[-+]?\d+$/.test(text) ? integer(text.replace(/^([-+]?)0+(?=\d)/, '$1')) : undefined;
  return value === undefined ? fail(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`) : ok(value);
};

const asFloat: Cast = (text) => {
  const value = goFloat(text);
  return value === undefined
    ? fail(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`)
    : ok({ float: value });
};

const asBoolean: Cast = (text) => {
  const value = composeBoolean(text);
  return value === undefined ? fail(`invalid boolean: ${text}`) : ok(value);
};

/** The words that Compose takes for booleans, in any case; undefined for anything else. */
export function composeBoolean(text: string): boolean | undefined {
  switch (text.toLowerCase()) {
    case 'true':
    case 'y':
    case 'yes':
    case 'on':
      return true;
    case 'false':
    case 'n':
    case 'no':
    case 'off':
      return false;
    default:
      return undefined;
  }
}

const service = (name: string): string => `services.*.${name}`;

const INTEGERS = [
  ...['cpu_count', 'cpu_period', 'cpu_quota', 'cpu_rt_period', 'cpu_rt_runtime', 'cpu_shares', 'oom_score_adj'],
  ...[
    'pids_limit',
    'scale',
    'deploy.replicas',
    'deploy.update_config.parallelism',
    'deploy.rollback_config.parallelism',
  ],
  ...['deploy.restart_policy.max_attempts', 'deploy.placement.max_replicas_per_node', 'healthcheck.retries'],
  ...['ports.*.target', 'ulimits.*', 'ulimits.*.soft', 'ulimits.*.hard'],
].map(service);

const FLOATS = [
  ...['cpus', 'cpu_percent', 'deploy.update_config.max_failure_ratio', 'deploy.rollback_config.max_failure_ratio'],
].map(service);

const BOOLEANS = [
  ...['init', 'oom_kill_disable', 'privileged', 'read_only', 'stdin_open', 'tty', 'healthcheck.disable'],
  ...['volumes.*.read_only', 'volumes.*.volume.nocopy'],
].map(service);

const RESOURCE_BOOLEANS = ['networks', 'volumes', 'secrets', 'configs'].flatMap((section) =>
  ['external', 'internal', 'attachable', 'enable_ipv4', 'enable_ipv6'].map((name) => `${section}.*.${name}`),
);

/** The places whose text becomes a number or a boolean right after interpolation (compose-go `loader/interpolate.go`). */
export const CASTS = new PathTable<Cast>([
  ...INTEGERS.map((path) => [path, asInteger] as const),
  ...FLOATS.map((path) => [path, asFloat] as const),
  ...[...BOOLEANS, ...RESOURCE_BOOLEANS].map((path) => [path, asBoolean] as const),
]);
