import { readFile } from 'node:fs/promises';
import type { Plan, Target } from '../planner/target.ts';
import { dockerConfigFile } from './config.ts';

/** Proxies for build steps, by the names of their build arguments in capitals (`HTTP_PROXY`). */
export type Proxies = ReadonlyMap<string, string>;

const NAMES = {
  httpProxy: 'HTTP_PROXY',
  httpsProxy: 'HTTPS_PROXY',
  ftpProxy: 'FTP_PROXY',
  noProxy: 'NO_PROXY',
  allProxy: 'ALL_PROXY',
} as const;

const DEFAULT_HOST = 'unix:///var/run/docker.sock';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The proxies in the file of Docker's configuration: those for the Docker that `DOCKER_HOST` names, else the default ones
 * (docker/cli `config/configfile`). `DOCKER_AUTH_CONFIG` holds credentials alone and has no say here.
 */
export async function dockerProxies(env: Env): Promise<Proxies> {
  const text = await readFile(dockerConfigFile(env), 'utf8').catch(() => '');
  if (!text.includes('"proxies"')) return new Map();
  const settings = proxySettings(text, env.DOCKER_HOST || DEFAULT_HOST);
  return new Map(
    Object.entries(NAMES).flatMap(([key, name]) => {
      const value = settings[key];
      return typeof value === 'string' && value !== '' ? [[name, value] as const] : [];
    }),
  );
}

/** The build arguments that docker compose makes of them: in capitals and in small letters. */
export function composeArguments(proxies: Proxies): ReadonlyMap<string, string> {
  return new Map(
    [...proxies].flatMap(([name, value]) => [[name, value] as const, [name.toLowerCase(), value] as const]),
  );
}

/** A plan whose targets are built with these proxies, as far as they do not name their own (docker/buildx `build/opt.go`). */
export function withProxies(plan: Plan, proxies: Proxies): Plan {
  const passed = [...proxies].filter(([name]) => name !== 'ALL_PROXY');
  if (passed.length === 0) return plan;
  const targets = plan.targets.map((target): Target => {
    const own = new Set(Object.keys(target.args).map((name) => name.toUpperCase()));
    return { ...target, args: { ...target.args, ...Object.fromEntries(passed.filter(([name]) => !own.has(name))) } };
  });
  return { ...plan, targets };
}

function proxySettings(text: string, host: string): Readonly<Record<string, unknown>> {
  try {
    const { proxies = {} } = JSON.parse(text) as {
      readonly proxies?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    };
    return proxies[host] ?? proxies['default'] ?? {};
  } catch {
    return {};
  }
}
