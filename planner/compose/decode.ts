import type { Diagnostic } from '../diagnostic.ts';
import { compareText } from '../hcl/value.ts';
import { sizeBytes } from '../options/checks.ts';
import type { Span } from '../source.ts';
import { composeBoolean } from './casts.ts';
import { hostAddresses, hostProblems } from './hosts.ts';
import { complain } from './load.ts';
import type { MapNode, Node } from './node.ts';
import { child, entriesOf, isNull, itemsOf, textOf } from './node.ts';
import { scalarText } from './scalar.ts';
import type {
  BuildSection,
  ComposeModel,
  ComposeSecret,
  ComposeService,
  Dependency,
  EnvFileUse,
  SecretUse,
  Ulimit,
} from './service.ts';

/** Reads a model in long form that the schema allows. Throws `ComposeError` with every value that cannot be read. */
export function decodeModel(model: MapNode): ComposeModel {
  const decoder = new Decoder();
  const services = sorted(child(model, 'services')).map(
    ([name, { key, value }]) => [name, decoder.service(name, value, key)] as const,
  );
  const secrets = sorted(child(model, 'secrets')).map(([name, { key, value }]) => [name, secret(value, key)] as const);
  complain(decoder.diagnostics);
  return { services: new Map(services), secrets: new Map(secrets) };
}

function sorted(node: Node | undefined): ReturnType<typeof entriesOf> {
  return [...entriesOf(node)].sort(([a], [b]) => compareText(a, b));
}

function secret(node: Node, span: Span): ComposeSecret {
  return {
    file: text(child(node, 'file')),
    environment: text(child(node, 'environment')),
    external: isTrue(child(node, 'external')),
    span,
  };
}

function isTrue(node: Node | undefined): boolean {
  return node?.is === 'scalar' && (node.value === true || composeBoolean(scalarText(node.value)) === true);
}

function text(node: Node | undefined): string {
  return node?.is === 'scalar' ? scalarText(node.value) : '';
}

function texts(node: Node | undefined): readonly string[] {
  return itemsOf(node).map(text);
}

/** A list of texts, or a single one. */
function textOrTexts(node: Node | undefined): readonly string[] {
  return node?.is === 'scalar' && !isNull(node) ? [text(node)] : texts(node);
}

class Decoder {
  readonly diagnostics: Diagnostic[] = [];

  service(name: string, node: Node, span: Span): ComposeService {
    const path = `services.${name}`;
    const build = child(node, 'build');
    return {
      name,
      span,
      image: text(child(node, 'image')),
      platform: text(child(node, 'platform')),
      build: build === undefined || build.is !== 'map' ? undefined : this.#build(build, `${path}.build`),
      environment: this.#pairs(child(node, 'environment'), `${path}.environment`),
      envFiles: itemsOf(child(node, 'env_file')).map(envFile),
      profiles: textOrTexts(child(node, 'profiles')),
      dependsOn: dependencies(node),
      node,
    };
  }

  #build(node: MapNode, path: string): BuildSection {
    const at = (key: string): Node | undefined => child(node, key);
    const dockerfile = at('dockerfile');
    const labels = this.#pairs(at('labels'));
    return {
      span: node.span,
      places: new Map([...node.entries].map(([key, { value }]) => [key, value.span])),
      context: text(at('context')),
      dockerfile: dockerfile === undefined || isNull(dockerfile) ? undefined : text(dockerfile),
      dockerfileInline: text(at('dockerfile_inline')),
      args: this.#pairs(at('args'), `${path}.args`),
      labels: new Map([...labels].map(([key, value]) => [key, value ?? ''])),
      contexts: contexts(at('additional_contexts')),
      target: text(at('target')),
      network: text(at('network')),
      tags: texts(at('tags')),
      platforms: texts(at('platforms')),
      cacheFrom: texts(at('cache_from')),
      cacheTo: texts(at('cache_to')),
      entitlements: texts(at('entitlements')),
      noCache: this.#boolean(at('no_cache'), `${path}.no_cache`),
      pull: this.#boolean(at('pull'), `${path}.pull`),
      privileged: this.#boolean(at('privileged'), `${path}.privileged`),
      shmBytes: this.#size(at('shm_size'), `${path}.shm_size`),
      ulimits: this.#ulimits(at('ulimits'), `${path}.ulimits`),
      extraHosts: this.#hosts(at('extra_hosts'), `${path}.extra_hosts`),
      secrets: itemsOf(at('secrets')).map(secretUse),
      ssh: sorted(at('ssh')).map(([id, { value }]) => ({ id, path: text(value) })),
      provenance: text(at('provenance')),
      sbom: text(at('sbom')),
      xBake: at('x-bake'),
      xDepot: at('x-depot'),
    };
  }

  #hosts(node: Node | undefined, path: string): BuildSection['extraHosts'] {
    this.diagnostics.push(...hostProblems(node, path));
    return hostAddresses(node);
  }

  #refuse(path: string, problem: string, hint: string, span: Span): void {
    this.diagnostics.push({ reason: 'invalid-value', message: `${path}: ${problem}`, hint, span });
  }

  /** `key=value` texts or a mapping. The last of a key counts. With a path, names that end in a blank are refused. */
  #pairs(node: Node | undefined, path?: string): ReadonlyMap<string, string | null> {
    if (node?.is === 'map') {
      return new Map([...node.entries].map(([key, { value }]) => [key, isNull(value) ? null : text(value)]));
    }
    const pairs = itemsOf(node).map((item): readonly [string, string | null] => {
      const said = text(item);
      const equals = said.indexOf('=');
      const key = equals === -1 ? said : said.slice(0, equals);
      if (path !== undefined && /\s$/.test(key)) {
        this.#refuse(
          path,
          `environment variable ${key} is declared with a trailing space`,
          'write KEY=value',
          item.span,
        );
      }
      return [key, equals === -1 ? null : said.slice(equals + 1)];
    });
    return new Map(pairs);
  }

  #boolean(node: Node | undefined, path: string): boolean {
    if (node?.is !== 'scalar') return false;
    if (typeof node.value === 'boolean') return node.value;
    const said = scalarText(node.value);
    const value = composeBoolean(said);
    if (value === undefined) this.#refuse(path, `invalid boolean: ${said}`, 'write true or false', node.span);
    return value ?? false;
  }

  #size(node: Node | undefined, path: string): number {
    if (node?.is !== 'scalar') return 0;
    if (typeof node.value === 'bigint') return Number(node.value);
    if (typeof node.value !== 'string') return 0;
    const bytes = sizeBytes(node.value);
    if (bytes === undefined) {
      this.#refuse(path, `invalid size: '${node.value}'`, 'write a number with b, k, m or g', node.span);
    }
    return bytes ?? 0;
  }

  #ulimits(node: Node | undefined, path: string): readonly Ulimit[] {
    return sorted(node).flatMap(([name, { value }]): readonly Ulimit[] => {
      if (value.is === 'scalar') return typeof value.value === 'bigint' ? [{ name, single: value.value }] : [];
      const [soft, hard] = [child(value, 'soft'), child(value, 'hard')].map((limit) =>
        limit?.is === 'scalar' && typeof limit.value === 'bigint' ? limit.value : undefined,
      );
      if (soft !== undefined && hard !== undefined) return [{ name, soft, hard }];
      this.#refuse(`${path}.${name}`, 'soft and hard must be whole numbers', 'write them without quotes', value.span);
      return [];
    });
  }
}

function contexts(node: Node | undefined): ReadonlyMap<string, string> {
  if (node?.is === 'map') return new Map([...node.entries].map(([key, { value }]) => [key, text(value)]));
  return new Map();
}

function secretUse(node: Node): SecretUse {
  return { source: text(child(node, 'source')), target: text(child(node, 'target')), span: node.span };
}

function envFile(node: Node): EnvFileUse {
  const required = child(node, 'required');
  return {
    path: text(child(node, 'path')),
    required: required === undefined || isTrue(required),
    format: text(child(node, 'format')),
    span: child(node, 'path')?.span ?? node.span,
  };
}

/** What a service says it depends on, and what it needs by using it (compose-go `loader/normalize.go`). */
function dependencies(node: Node): readonly Dependency[] {
  const found = new Map<string, Dependency>();
  const add = (name: string, span: Span): void => {
    if (!found.has(name)) found.set(name, { name, required: true, span });
  };
  for (const [name, { key, value }] of entriesOf(child(node, 'depends_on'))) {
    const required = child(value, 'required');
    found.set(name, { name, required: required === undefined || isTrue(required), span: key });
  }
  for (const key of ['network_mode', 'ipc', 'pid', 'uts', 'cgroup']) {
    const value = child(node, key);
    const used = textOf(value);
    if (value !== undefined && used?.startsWith('service:') === true) add(used.slice('service:'.length), value.span);
  }
  for (const item of itemsOf(child(node, 'volumes_from'))) {
    const used = text(item);
    if (!used.startsWith('container:')) add(used.split(':', 1)[0] ?? '', item.span);
  }
  for (const item of itemsOf(child(node, 'links'))) add(text(item).split(':', 1)[0] ?? '', item.span);
  return [...found.values()];
}
