import type { Entry, MapNode, Node } from './node.ts';
import { itemsOf, withEntries } from './node.ts';
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
  const inside = new Map<string, Path[]>();
  for (const [first, ...rest] of paths) {
    if (first === undefined) continue;
    const known = inside.get(first);
    if (known === undefined) inside.set(first, [rest]);
    else known.push(rest);
  }
  const changes = [...inside].flatMap(([key, rests]): (readonly [string, Entry | undefined])[] => {
    const entry = model.entries.get(key);
    if (entry === undefined) return [];
    if (rests.some((rest) => rest.length === 0)) return [[key, undefined]];
    return entry.value.is === 'map' ? [[key, { ...entry, value: withoutPaths(entry.value, rests) }]] : [];
  });
  return changes.length === 0 ? model : withEntries(model, changes);
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
