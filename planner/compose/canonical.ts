import { ComposeError } from './error.ts';
import { goType } from './go-type.ts';
import { named, startedDependency } from './merge.ts';
import type { Entry, MapNode, Node } from './node.ts';
import { list, map, scalar, textOf, withEntries } from './node.ts';
import type { Path } from './path.ts';
import { PathTable, pathText } from './path.ts';
import { portProblem } from './ports.ts';
import { scalarText } from './scalar.ts';

type Transform = (node: Node, path: Path) => Node;

/**
 * Short forms written out, so that later files merge into one form only (compose-go v2.9 `transform/canonical.go`). Throws
 * {@link ComposeError} for what is neither form.
 */
export function canonical(model: MapNode): MapNode {
  const made = transformed(model, []);
  return made.is === 'map' ? made : model;
}

function transformed(node: Node, path: Path): Node {
  const transform = TRANSFORMS.get(path);
  const long = transform === undefined ? node : transform(node, path);
  if (long.is === 'scalar') return long;
  if (long.is === 'list') return { ...long, items: long.items.map((item) => transformed(item, [...path, '[]'])) };
  const entries = [...long.entries].map(
    ([key, entry]) => [key, { ...entry, value: transformed(entry.value, [...path, key]) }] as const,
  );
  return { ...long, entries: new Map(entries) };
}

function wrongType(node: Node, path: Path, what: string, hint: string): never {
  throw new ComposeError({
    reason: 'wrong-type',
    message: `${pathText(path)}: invalid type ${goType(node)} for ${what}`,
    hint,
    span: node.span,
  });
}

/** A mapping with one key. */
function only(key: string, node: Node): MapNode {
  return map([[key, { key: node.span, value: node }]], node.span);
}

const build: Transform = (node, path) => {
  if (node.is === 'map') return node;
  if (textOf(node) !== undefined) return only('context', node);
  return wrongType(node, path, 'build', 'write the path of the context, or a mapping with context: in it');
};

const contexts: Transform = (node, path) => {
  if (node.is !== 'list') return node;
  const entries = node.items.map((item): readonly [string, Entry] => {
    const text = textOf(item);
    const equals = text?.indexOf('=') ?? -1;
    if (text === undefined || equals === -1) {
      const shown = text ?? goType(item);
      throw new ComposeError({
        reason: 'invalid-value',
        message: `${pathText(path)}: invalid value ${shown}, expected key=value`,
        hint: 'write name=path, or a mapping of names and paths',
        span: item.span,
      });
    }
    return [text.slice(0, equals), { key: item.span, value: scalar(text.slice(equals + 1), item.span) }];
  });
  return map(entries, node.span);
};

const ssh: Transform = (node, path) => {
  if (node.is === 'map') return node;
  if (node.is !== 'list') return wrongType(node, path, 'ssh', 'write a list: [default] or [id=path]');
  const entries = node.items.map((item): readonly [string, Entry] => {
    const text = textOf(item) ?? '';
    const equals = text.indexOf('=');
    const id = equals === -1 ? text : text.slice(0, equals);
    if (equals === -1 && id !== 'default') throw new ComposeError(badSshKey(id, item));
    const value = equals === -1 ? scalar(null, item.span) : scalar(text.slice(equals + 1), item.span);
    return [id, { key: item.span, value }];
  });
  return map(entries, node.span);
};

function badSshKey(id: string, item: Node): ComposeError['diagnostics'][number] {
  return {
    reason: 'invalid-value',
    message: `invalid ssh key ${JSON.stringify(id)}`,
    hint: `only default may stand alone; write ${id === '' ? 'id' : id}=path`,
    span: item.span,
  };
}

const limit: Transform = (node, path) => {
  const isInteger = node.is === 'scalar' && typeof node.value === 'bigint';
  return node.is === 'map' || isInteger
    ? node
    : wrongType(node, path, 'external', 'write a number without quotes, or soft: and hard:');
};

const envFiles: Transform = (node) => {
  const one = (item: Node): Node => {
    const long = textOf(item) === undefined ? item : only('path', item);
    if (long.is !== 'map' || long.entries.has('required')) return long;
    return withEntries(long, [['required', { key: item.span, value: scalar(true, item.span) }]]);
  };
  if (node.is === 'list') return { ...node, items: node.items.map(one) };
  return textOf(node) === undefined ? node : list([one(node)], node.span);
};

const dependencies: Transform = (node) => {
  const all = named(node, startedDependency);
  if (all.is !== 'map') return all;
  return withEntries(
    all,
    [...all.entries].map(([name, entry]) => {
      const { value } = entry;
      if (value.is !== 'map' || value.entries.has('required')) return [name, entry] as const;
      const required = { key: value.span, value: scalar(true, value.span) };
      return [name, { ...entry, value: withEntries(value, [['required', required]]) }] as const;
    }),
  );
};

const listed: Transform = (node) => (textOf(node) === undefined ? node : list([node], node.span));

const names: Transform = (node) => named(node, (item) => scalar(null, item.span));

const from =
  (key: string): Transform =>
  (node) =>
    textOf(node) === undefined ? node : only(key, node);

const ports: Transform = (node, path) =>
  node.is === 'list' ? node : wrongType(node, path, 'port', 'write a list: - "8080:80"');

const PORT_FORM = 'write [[address:]published:]target[/protocol], such as "8080:80"';

const port: Transform = (node, path) => {
  if (node.is === 'map') return withTarget(node, path, 'service ports', 'target port');
  const isInteger = node.is === 'scalar' && typeof node.value === 'bigint';
  const text = textOf(node) ?? (isInteger ? scalarText(node.value) : undefined);
  if (text === undefined) return wrongType(node, [...path.slice(0, -1)], 'port', PORT_FORM);
  const problem = portProblem(text);
  if (problem === undefined) return node;
  return refuse(problem, PORT_FORM, node);
};

const volume: Transform = (node, path) => {
  const form = 'write source:target, or a mapping with type: and target:';
  if (node.is === 'map') return withTarget(node, path, 'service volume', 'mount target');
  const text = textOf(node) ?? wrongType(node, path, 'service volume mount', form);
  return text === '' ? refuse('invalid empty volume spec', form, node) : node;
};

const device: Transform = (node, path) => {
  const form = 'write source:target:permissions, or a mapping with source: and target:';
  if (node.is === 'map') return withTarget(node, path, 'service device', 'mount target');
  const text = textOf(node) ?? wrongType(node, path, 'service volume mount', form);
  return text.split(':').length > 3
    ? refuse(`confusing device mapping, please use long syntax: ${text}`, form, node)
    : node;
};

const gpus: Transform = (node, path) =>
  node.is === 'list' || textOf(node) !== undefined ? node : wrongType(node, path, 'gpus', 'write all, or a list');

/** What is in long form must say where in the container it goes (compose-go `override/uncity.go`). */
function withTarget(node: MapNode, path: Path, what: string, wanted: string): Node {
  if (node.entries.has('target')) return node;
  const form = wanted === 'target port' ? 'PORT' : 'PATH';
  return refuse(`${what} ${pathText(path)} is missing a ${wanted}`, `write target: ${form}`, node);
}

function refuse(message: string, hint: string, { span }: Node): never {
  throw new ComposeError({ reason: 'invalid-value', message, hint, span });
}

/** `external: {name: x}` is an old way of saying `external: true` and `name: x`. */
const external: Transform = (node) => {
  const said = node.is === 'map' ? node.entries.get('external') : undefined;
  const name = said?.value.is === 'map' ? said.value.entries.get('name') : undefined;
  if (node.is !== 'map' || said === undefined || said.value.is !== 'map') return node;
  return withEntries(node, [
    ['external', { ...said, value: scalar(true, said.value.span) }],
    ...(name === undefined ? [] : [['name', name] as const]),
  ]);
};

const TRANSFORMS = new PathTable<Transform>([
  ['services.*.build', build],
  ['services.*.build.additional_contexts', contexts],
  ['services.*.build.secrets.*', from('source')],
  ['services.*.build.ssh', ssh],
  ['services.*.build.ulimits.*', limit],
  ['services.*.depends_on', dependencies],
  ['services.*.dns', listed],
  ['services.*.dns_search', listed],
  ['services.*.tmpfs', listed],
  ['services.*.label_file', listed],
  ['services.*.env_file', envFiles],
  ['services.*.extends', from('service')],
  ['services.*.models', names],
  ['services.*.networks', names],
  ['services.*.devices.*', device],
  ['services.*.gpus', gpus],
  ['services.*.ports', ports],
  ['services.*.ports.*', port],
  ['services.*.volumes.*', volume],
  ['services.*.secrets.*', from('source')],
  ['services.*.configs.*', from('source')],
  ['services.*.ulimits.*', limit],
  ...['volumes', 'networks', 'secrets', 'configs'].map((section) => [`${section}.*`, external] as const),
]);
