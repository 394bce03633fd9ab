import type { LoadContext } from './context.ts';
import { resolvePath } from './context.ts';
import type { MapNode, Node } from './node.ts';
import { textOf } from './node.ts';
import type { Path } from './path.ts';
import { PathTable } from './path.ts';

type Kind = 'path' | 'context';

const PATHS = new PathTable<Kind>([
  ['services.*.build.context', 'context'],
  ['services.*.build.additional_contexts.*', 'context'],
  ['services.*.build.ssh.*', 'path'],
  ['services.*.env_file.*.path', 'path'],
  ['services.*.label_file.*', 'path'],
  ['services.*.extends.file', 'path'],
  ['services.*.develop.watch.*.path', 'path'],
  ['secrets.*.file', 'path'],
  ['configs.*.file', 'path'],
]);

const REMOTE = /^(?:https?:\/\/|git:\/\/|ssh:\/\/|github\.com\/|git@)/;

/** Whether a context is no folder here (compose-go `paths/context.go`). */
export function isRemoteContext(text: string): boolean {
  return text.includes('://') || text.startsWith('service:') || REMOTE.test(text);
}

/** A model whose relative paths start at `dir`, seen from where `dir` is seen from (compose-go `paths/resolve.go`). */
export function withResolvedPaths(model: MapNode, dir: string, { homeDir }: Pick<LoadContext, 'homeDir'>): MapNode {
  const visit = (node: Node, path: Path): Node => {
    if (node.is === 'list') return { ...node, items: node.items.map((item) => visit(item, [...path, '[]'])) };
    if (node.is === 'map') {
      const entries = [...node.entries].map(
        ([key, entry]) => [key, { ...entry, value: visit(entry.value, [...path, key]) }] as const,
      );
      return { ...node, entries: new Map(entries) };
    }
    const kind = PATHS.get(path);
    const text = kind === undefined ? undefined : textOf(node);
    if (text === undefined || (kind === 'context' && isRemoteContext(text))) return node;
    return { ...node, value: resolvePath(dir, text, homeDir) };
  };
  const parts = ['services', 'secrets', 'configs'].flatMap((section) => {
    const entry = model.entries.get(section);
    return entry === undefined ? [] : [[section, { ...entry, value: visit(entry.value, [section]) }] as const];
  });
  return { ...model, entries: new Map([...model.entries, ...parts]) };
}
