import type { MapNode, Node } from './node.ts';
import { itemsOf } from './node.ts';
import type { Path } from './path.ts';

/** The paths that `!reset` and `!override` in a document name; what earlier files say there is to go. */
export function markedPaths(node: Node, path: Path = []): readonly Path[] {
  if (node.is === 'scalar') return [];
  if (node.is === 'list') return node.items.flatMap((item) => markedPaths(item, [...path, '[]']));
  return [
    ...node.resets.map((key) => [...path, key]),
    ...[...node.entries].flatMap(([key, { value }]) => {
      const inside = [...path, key];
      return [...(value.mark === 'override' ? [inside] : []), ...markedPaths(value, inside)];
    }),
  ];
}

/** A model without what the paths name. */
export function withoutPaths(model: MapNode, paths: readonly Path[]): MapNode {
  return paths.reduce((sofar, path) => withoutPath(sofar, path), model);
}

function withoutPath(model: MapNode, [first, ...rest]: Path): MapNode {
  const entry = first === undefined ? undefined : model.entries.get(first);
  if (first === undefined || entry === undefined) return model;
  const entries = new Map(model.entries);
  if (rest.length === 0) entries.delete(first);
  else if (entry.value.is === 'map') entries.set(first, { ...entry, value: withoutPath(entry.value, rest) });
  return { ...model, entries };
}

/** A document without the list items that are marked `!reset`, and without marks. */
export function withoutMarks(node: Node): Node {
  const { mark: _mark, ...plain } = node;
  if (plain.is === 'scalar') return plain;
  if (plain.is === 'list') {
    return {
      ...plain,
      items: itemsOf(node)
        .filter(({ mark }) => mark !== 'reset')
        .map(withoutMarks),
    };
  }
  const entries = [...plain.entries].map(
    ([key, entry]) => [key, { ...entry, value: withoutMarks(entry.value) }] as const,
  );
  return { ...plain, entries: new Map(entries), resets: [] };
}
