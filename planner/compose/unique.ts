import { ComposeError } from './error.ts';
import type { MapNode, Node } from './node.ts';
import { child, nodeKey, textOf } from './node.ts';
import type { Path } from './path.ts';
import { PathTable, pathText } from './path.ts';
import { goType } from './go-type.ts';
import { scalarText } from './scalar.ts';

type KeyOf = (item: Node, path: Path) => string | undefined;

/**
 * Leaves one of the items that say something about the same thing: the last, at the place of the first (compose-go v2.9
 * `override/uncity.go`). Throws {@link ComposeError} for items that say nothing of the kind.
 */
export function withoutRepeats(model: MapNode): MapNode {
  const made = unique(model, []);
  return made.is === 'map' ? made : model;
}

function unique(node: Node, path: Path): Node {
  if (node.is === 'scalar') return node;
  if (node.is === 'map') {
    let changed = false;
    const entries = [...node.entries].map(([key, entry]) => {
      const value = unique(entry.value, [...path, key]);
      changed ||= value !== entry.value;
      return [key, value === entry.value ? entry : { ...entry, value }] as const;
    });
    return changed ? { ...node, entries: new Map(entries) } : node;
  }
  const keyOf = KEYS.get(path);
  return keyOf === undefined ? node : { ...node, items: lastOfEach(node.items, keyOf, path) };
}

function lastOfEach(items: readonly Node[], keyOf: KeyOf, path: Path): readonly Node[] {
  const kept = new Map<string, Node>();
  for (const [at, item] of items.entries()) {
    const key = keyOf(item, [...path, `[${at}]`]);
    const loose = `\u0000${key === undefined ? nodeKey(item) : ''}`;
    if (key !== undefined) kept.set(key, item);
    else if (!kept.has(loose)) kept.set(loose, item);
  }
  return [...kept.values()];
}

/** The part of a `key=value` text that tells what it is about. */
const beforeEquals: KeyOf = (item, path) => {
  const text = textOf(item);
  if (text !== undefined) return text.split('=', 1)[0] ?? '';
  throw new ComposeError({
    reason: 'wrong-type',
    message: `${pathText(path)}: unexpected type ${goType(item)}`,
    hint: 'a text is expected, such as KEY=value',
    span: item.span,
  });
};

const envFile: KeyOf = (item) => textOf(item) ?? textOf(child(item, 'path'));

const target: KeyOf = (item) => {
  const text = textOf(item);
  return text ?? textOf(child(item, 'target')) ?? textOf(child(item, 'source'));
};

const volume: KeyOf = (item) => {
  const text = textOf(item);
  if (text === undefined) return textOf(child(item, 'target'));
  const parts = text.split(':');
  return parts.length === 1 ? text : parts[1];
};

const asWhole: KeyOf = (item) => (item.is === 'scalar' ? scalarText(item.value) : undefined);

const PAIRS = [
  ...['annotations', 'build.args', 'build.additional_contexts', 'build.tags', 'build.labels', 'cap_add', 'cap_drop'],
  ...['deploy.labels', 'dns', 'dns_opt', 'dns_search', 'environment', 'labels', 'links', 'networks.*.aliases'],
  ...['networks.*.link_local_ips', 'profiles', 'sysctls', 'tmpfs'],
].map((name) => `services.*.${name}`);

const KEYS = new PathTable<KeyOf>([
  ...[...PAIRS, 'networks.*.labels', 'volumes.*.labels'].map((path) => [path, beforeEquals] as const),
  ['services.*.env_file', envFile],
  ['services.*.expose', asWhole],
  ['services.*.ports', asWhole],
  ['services.*.volumes', volume],
  ['services.*.devices', asWhole],
  ['services.*.secrets', target],
  ['services.*.configs', target],
]);
