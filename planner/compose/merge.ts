import { compareText } from '../hcl/value.ts';
import { ComposeError } from './error.ts';
import type { Entry, MapNode, Node } from './node.ts';
import { entriesOf, isNull, list, map, scalar, textOf, withEntries } from './node.ts';
import type { Path } from './path.ts';
import { PathTable, pathText } from './path.ts';
import { scalarText } from './scalar.ts';

type Merger = (earlier: Node, later: Node, path: Path) => Node;

/**
 * Puts a model over another (compose-go v2.9 `override/merge.go`): mappings merge by key, lists append, everything else
 * replaces; null never erases. Throws {@link ComposeError} where the two do not go together.
 */
export function mergeModels(earlier: MapNode, later: MapNode, path: Path = []): MapNode {
  return mergeMaps(earlier, later, path);
}

/** A service over the one it extends. */
export function mergeServices(base: MapNode, extending: MapNode): MapNode {
  return mergeMaps(base, extending, ['services', 'x']);
}

function mergeNodes(earlier: Node, later: Node, path: Path): Node {
  if (isNull(later)) return earlier;
  if (isNull(earlier)) return later;
  const special = SPECIALS.get(path);
  if (special !== undefined) return special(earlier, later, path);
  if (earlier.is === 'map')
    return later.is === 'map' ? mergeMaps(earlier, later, path) : cannotOverride(earlier, later, path);
  if (earlier.is === 'list') {
    return later.is === 'list'
      ? list([...earlier.items, ...later.items], later.span)
      : cannotOverride(earlier, later, path);
  }
  return later;
}

function mergeMaps(earlier: MapNode, later: MapNode, path: Path): MapNode {
  return withEntries(
    earlier,
    [...later.entries].map(([key, entry]) => {
      const known = earlier.entries.get(key);
      if (known === undefined) return [key, entry] as const;
      return [key, { key: entry.key, value: mergeNodes(known.value, entry.value, [...path, key]) }] as const;
    }),
  );
}

function cannotOverride(earlier: Node, later: Node, path: Path): never {
  const wanted = earlier.is === 'map' ? 'a mapping' : 'a list';
  throw new ComposeError({
    reason: 'cannot-merge',
    message: `cannot override ${pathText(path)}`,
    hint: `it was ${wanted} before; write ${wanted}, or put !override in front`,
    span: later.span,
    related: [{ message: 'set before here', span: earlier.span }],
  });
}

const replaces: Merger = (_earlier, later) => later;

const asSequence: Merger = (earlier, later) => list([...sequence(earlier), ...sequence(later)], later.span);

/** Addresses gather by host; what is said already is not said again. */
const asHosts: Merger = (earlier, later) => {
  const known = sequence(earlier);
  const texts = new Set(known.map(textOf));
  return list([...known, ...sequence(later).filter((item) => !texts.has(textOf(item)))], later.span);
};

/** A mapping as `key=value` texts in their order; a single text as a list of one. */
export function sequence(node: Node): readonly Node[] {
  if (node.is === 'list') return node.items;
  if (node.is === 'scalar') return typeof node.value === 'string' ? [node] : [];
  const items = [...node.entries].flatMap(([key, { key: keySpan, value }]) => {
    if (isNull(value)) return [scalar(key, keySpan)];
    const values = value.is === 'list' ? value.items : [value];
    return values.map((one) => scalar(`${key}=${one.is === 'scalar' ? scalarText(one.value) : ''}`, keySpan));
  });
  return items.sort((a, b) => compareText(textOf(a) ?? '', textOf(b) ?? ''));
}

const asBuild: Merger = (earlier, later, path) => {
  const [from, over] = [longBuild(earlier), longBuild(later)];
  if (from.is !== 'map') return over;
  return over.is === 'map' ? mergeMaps(from, over, path) : cannotOverride(from, over, path);
};

function longBuild(node: Node): Node {
  return textOf(node) === undefined ? node : map([['context', { key: node.span, value: node }]], node.span);
}

/** A list of names as a mapping with a value for each. */
export function named(node: Node, value: (item: Node) => Node): Node {
  if (node.is !== 'list') return node;
  const entries = node.items.flatMap((item): (readonly [string, Entry])[] => {
    const name = textOf(item);
    return name === undefined ? [] : [[name, { key: item.span, value: value(item) }]];
  });
  return map(entries, node.span);
}

const asNames =
  (value: (item: Node) => Node): Merger =>
  (earlier, later, path) => {
    const [from, over] = [named(earlier, value), named(later, value)];
    if (from.is !== 'map') return over;
    return over.is === 'map' ? mergeMaps(from, over, path) : cannotOverride(from, over, path);
  };

/** What a name in a `depends_on` list means. */
export function startedDependency(item: Node): Node {
  return map(
    [
      ['condition', { key: item.span, value: scalar('service_started', item.span) }],
      ['required', { key: item.span, value: scalar(true, item.span) }],
    ],
    item.span,
  );
}

/** Options of one driver do not go with another. */
const asLogging: Merger = (earlier, later, path) => {
  if (earlier.is !== 'map' || later.is !== 'map') return later;
  const [from, over] = [earlier, later].map((node) =>
    textOf(entriesOf(node).find(([key]) => key === 'driver')?.[1].value),
  );
  return from === undefined || over === undefined || from === over ? mergeMaps(earlier, later, path) : later;
};

/** A number gives way to anything; pairs merge. */
const asLimit: Merger = (earlier, later, path) =>
  earlier.is === 'map' && later.is === 'map' ? mergeMaps(earlier, later, path) : later;

const nothing = (item: Node): Node => scalar(null, item.span);

const SEQUENCES = [
  ...[
    'annotations',
    'deploy.labels',
    'dns',
    'dns_opt',
    'dns_search',
    'env_file',
    'environment',
    'label_file',
    'labels',
  ],
  ...['sysctls', 'tmpfs', 'build.args', 'build.additional_contexts', 'build.labels'],
].map((name) => `services.*.${name}`);

const SPECIALS = new PathTable<Merger>([
  ...[...SEQUENCES, 'networks.*.labels', 'volumes.*.labels'].map((path) => [path, asSequence] as const),
  ['services.*.build', asBuild],
  ['services.*.build.extra_hosts', asHosts],
  ['services.*.extra_hosts', asHosts],
  ['services.*.command', replaces],
  ['services.*.entrypoint', replaces],
  ['services.*.healthcheck.test', replaces],
  ['services.*.depends_on', asNames(startedDependency)],
  ['services.*.networks', asNames(nothing)],
  ['services.*.models', asNames(nothing)],
  ['services.*.logging', asLogging],
  ['services.*.ulimits.*', asLimit],
]);
