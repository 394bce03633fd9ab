import { goJson } from '../go-json.ts';
import { compareText } from '../hcl/value.ts';
import type { ComposeDefinition, ComposeTarget } from './build-definition.ts';
import { ulimitText } from './build-definition.ts';
import type { Ulimit } from './service.ts';

/**
 * A definition as `docker compose build --print` writes it: what bake would read. Known defects of that release are in it,
 * though not in the build: `provenance: false` says nothing, a single negative limit is 0, and of two
 * services whose names differ only in a dot one is lost.
 */
export function printComposeDefinition({ targets, requested }: ComposeDefinition): string {
  if (requested.length === 0) return '';
  const names = new Map(targets.map(({ name, service }) => [name, service.name.replaceAll('.', '_')] as const));
  const printed = new Map(targets.map((target) => [names.get(target.name), printedTarget(target, names)]));
  const group = { default: { targets: requested.map((name) => names.get(name)) } };
  return goJson({ group, target: printed });
}

function printedTarget(target: ComposeTarget, names: ReadonlyMap<string, string>): object {
  const { build } = target;
  const link = (context: string): string =>
    context.replace(/^target:([^]*)$/, (_all, name: string) => `target:${names.get(name) ?? name}`);
  return {
    ...text('context', target.context),
    ...map('contexts', new Map([...target.contexts].map(([name, value]) => [name, link(value)]))),
    ...text('dockerfile', target.dockerfile ?? ''),
    ...text('dockerfile-inline', escaped(build.dockerfileInline)),
    ...map('args', new Map([...target.args].map(([name, value]) => [name, escaped(value)]))),
    ...map('labels', target.labels),
    ...list('tags', target.tags),
    ...list('cache-from', build.cacheFrom),
    ...list('cache-to', build.cacheTo),
    ...text('target', build.target),
    ...list('secret', target.secrets.map(secretText)),
    ...list(
      'ssh',
      target.ssh.map(({ id, path }) => `${id}=${path}`),
    ),
    ...list('platforms', target.platforms),
    ...(target.pull ? { pull: true } : {}),
    ...(target.noCache ? { 'no-cache': true } : {}),
    ...text('network', build.network),
    ...(build.shmBytes === 0 ? {} : { 'shm-size': String(build.shmBytes) }),
    ...list('ulimits', build.ulimits.map(printedLimit)),
    ...(target.output === undefined ? { call: 'lint' } : {}),
    ...list('entitlements', target.entitlements),
    ...map('extra-hosts', new Map([...build.extraHosts].map(([host, addresses]) => [host, addresses.join(',')]))),
    ...(target.output === undefined ? {} : { output: [OUTPUTS[target.output]] }),
    ...list('attest', [...attest('provenance', build.provenance), ...attest('sbom', build.sbom)]),
  };
}

const OUTPUTS: Readonly<Record<NonNullable<ComposeTarget['output']>, string>> = {
  docker: 'type=docker',
  registry: 'type=registry',
  image: 'type=image,push=false',
  'image-push': 'type=image,push=true',
};

function text(key: string, value: string): object {
  return value === '' ? {} : { [key]: value };
}

function list(key: string, items: readonly string[]): object {
  return items.length === 0 ? {} : { [key]: items };
}

function map(key: string, values: ReadonlyMap<string, string>): object {
  const sorted = [...values].sort(([a], [b]) => compareText(a, b));
  return values.size === 0 ? {} : { [key]: new Map(sorted) };
}

/** Bake would take `${` for a variable. */
function escaped(value: string): string {
  return value.replace(/\$(?=\{)/g, '$$$$');
}

function secretText({ id, src, env }: ComposeTarget['secrets'][number]): string {
  return src === undefined ? `id=${id},type=env,env=${env}` : `id=${id},type=file,src=${src}`;
}

function printedLimit(limit: Ulimit): string {
  return limit.single !== undefined && limit.single <= 0n ? `${limit.name}=0:0` : ulimitText(limit);
}

function attest(type: string, value: string): readonly string[] {
  if (value === '' || value === 'false') return [];
  return [value === 'true' ? `type=${type}` : `type=${type},${value}`];
}
