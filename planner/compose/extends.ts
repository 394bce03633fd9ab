import path from 'node:path/posix';
import type { Span } from '../source.ts';
import { didYouMean } from '../hcl/suggest.ts';
import { canonical } from './canonical.ts';
import type { LoadContext } from './context.ts';
import { isRemoteFile, readNamed, refuseRemote, resolvePath } from './context.ts';
import { documentModels } from './documents.ts';
import { ComposeError } from './error.ts';
import { withoutPaths } from './marks.ts';
import { mergeModels, mergeServices } from './merge.ts';
import type { MapNode, Node } from './node.ts';
import { child, isNull, map, textOf, withEntries } from './node.ts';
import type { Path } from './path.ts';
import { withResolvedPaths } from './resolve-paths.ts';
import { withoutRepeats } from './unique.ts';

/** Longer chains are refused. */
const MAX_CHAIN = 200;

interface Reference {
  readonly service: string;
  readonly file: string;
  readonly span: Span;
}

/** The services of one file, and what its `!reset` and `!override` take out of what they extend. */
interface Scope {
  readonly services: Map<string, Node>;
  readonly span: Span;
  readonly file: string;
  readonly names: readonly string[];
}

/**
 * A model in which every service stands over the one it extends (compose-go v2.9 `loader/extends.go`). `marked` are the
 * paths of the document's marks. Throws {@link ComposeError}.
 */
export function withExtends(model: MapNode, file: string, marked: readonly Path[], context: LoadContext): MapNode {
  const entry = model.entries.get('services');
  if (entry === undefined) return model;
  if (entry.value.is !== 'map') {
    throw new ComposeError({
      reason: 'wrong-type',
      message: 'services must be a mapping',
      hint: 'write services: and below it each service with its name',
      span: isNull(entry.value) ? entry.key : entry.value.span,
    });
  }
  const extender = new Extender(context);
  const scope = scopeOf(entry.value, file);
  for (const name of scope.names) scope.services.set(name, extender.service(name, scope, [], marked));
  const services = withEntries(
    entry.value,
    [...entry.value.entries].map(([name, one]) => [name, { ...one, value: scope.services.get(name) ?? one.value }]),
  );
  return withEntries(model, [['services', { ...entry, value: services }]]);
}

function scopeOf(services: MapNode, file: string): Scope {
  const values = [...services.entries].map(([name, { value }]) => [name, value] as const);
  return { services: new Map(values), span: services.span, file, names: [...services.entries.keys()] };
}

class Extender {
  readonly #context: LoadContext;
  readonly #files = new Map<string, Scope>();

  constructor(context: LoadContext) {
    this.#context = context;
  }

  service(name: string, scope: Scope, chain: readonly Reference[], marked: readonly Path[]): Node {
    const own = scope.services.get(name);
    if (own === undefined || isNull(own)) return own ?? map([], scope.span);
    if (own.is !== 'map') {
      throw new ComposeError({
        reason: 'wrong-type',
        message: `services.${name} must be a mapping`,
        hint: 'a service has keys such as image: and build:',
        span: own.span,
      });
    }
    const said = own.entries.get('extends')?.value;
    if (said === undefined) return own;
    const base = this.#base(name, said, scope, chain, marked);
    const plain = withEntries(own, [['extends', undefined]]);
    if (base.is !== 'map') return plain;
    const cleaned = withoutPaths(servicesOf(name, base), marked);
    const source = child(child(cleaned, 'services'), name);
    return source?.is === 'map' ? mergeServices(source, plain) : plain;
  }

  #base(name: string, said: Node, scope: Scope, chain: readonly Reference[], marked: readonly Path[]): Node {
    const service = textOf(said) ?? textOf(child(said, 'service'));
    const fileNode = child(said, 'file');
    const file = textOf(fileNode);
    if (service === undefined) {
      throw new ComposeError({
        reason: 'missing-attribute',
        message: `extends.${name}.service is required`,
        hint: 'write extends: {service: NAME}',
        span: said.span,
      });
    }
    const from = file === undefined ? scope : this.#file(file, name, fileNode?.span ?? said.span);
    if (!from.services.has(service)) {
      const where = file === undefined ? '' : ` in ${file}`;
      throw new ComposeError({
        reason: 'unknown-service',
        message: `cannot extend service ${JSON.stringify(name)} in ${scope.file}: service ${JSON.stringify(service)} not found${where}`,
        hint: didYouMean(service, from.names, `there are ${from.names.join(', ')}`),
        span: child(said, 'service')?.span ?? said.span,
      });
    }
    const reference = { service: name, file: scope.file, span: said.span };
    const longer = [...chain, reference];
    const isCycle = longer.some(({ service: other, file: otherFile }) => other === service && otherFile === from.file);
    if (isCycle) throw new ComposeError(cycle(longer, { service, file: from.file, span: said.span }));
    if (longer.length > MAX_CHAIN) {
      throw new ComposeError({
        reason: 'too-deep',
        message: `service ${JSON.stringify(longer[0]?.service)} extends others over more than ${MAX_CHAIN} levels`,
        hint: 'let services extend the first one of such a chain directly',
        span: said.span,
      });
    }
    return this.service(service, from, longer, marked);
  }

  #file(name: string, extending: string, span: Span): Scope {
    if (isRemoteFile(name)) refuseRemote(name, span);
    const full = resolvePath(this.#context.dir, name, this.#context.homeDir);
    const known = this.#files.get(full);
    if (known !== undefined) return known;
    const file = readNamed(this.#context, full, span);
    let model = map([], span);
    for (const document of documentModels(file, this.#context)) {
      model = withoutPaths(model, document.marked);
      model = canonical(withoutRepeats(mergeModels(model, document.model)));
    }
    const relative = path.dirname(resolvePath('', name, this.#context.homeDir));
    const services = withResolvedPaths(model, relative, this.#context).entries.get('services')?.value;
    if (services?.is !== 'map') {
      throw new ComposeError({
        reason: 'unknown-service',
        message: `cannot extend service ${JSON.stringify(extending)} in ${file.name}: no services section`,
        hint: `${file.name} has no services`,
        span,
      });
    }
    const scope = scopeOf(services, file.name);
    this.#files.set(full, scope);
    return scope;
  }
}

function servicesOf(name: string, service: MapNode): MapNode {
  const services = map([[name, { key: service.span, value: service }]], service.span);
  return map([['services', { key: service.span, value: services }]], service.span);
}

function cycle(chain: readonly Reference[], last: Reference): ComposeError['diagnostics'][number] {
  const [first = last, ...others] = chain;
  const steps = [...others, last].map(({ service, file }) => `extends ${service} in ${file}`);
  return {
    reason: 'extends-cycle',
    message: `circular reference: ${first.service} in ${first.file} ${steps.join(' ')}`,
    hint: 'one of them must stand on its own',
    span: first.span,
    related: others.map(({ service, span }) => ({ message: `${service} extends here`, span })),
  };
}
