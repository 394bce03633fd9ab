import type { Span } from '../source.ts';

/** A number that was written as one that is not whole, or is too large for an integer of 64 bits. */
export interface Float {
  readonly float: number;
}

/** An unquoted date, with or without a time, as it was written. */
export interface Timestamp {
  readonly timestamp: string;
}

/** What a scalar means. Integers are exact. */
export type Scalar = string | boolean | bigint | null | Float | Timestamp;

/** `!reset` takes a key out of earlier files and of this one, `!override` out of earlier files only. */
export type Mark = 'reset' | 'override';

interface Placed {
  readonly span: Span;
  readonly mark?: Mark;
}

/** A leaf of a Compose model. */
export interface ScalarNode extends Placed {
  readonly is: 'scalar';
  readonly value: Scalar;
  /** The text in the file, without quotes. */
  readonly source: string;
}

/** A sequence. */
export interface ListNode extends Placed {
  readonly is: 'list';
  readonly items: readonly Node[];
}

/** A value of a mapping, with the place of its key. */
export interface Entry {
  readonly key: Span;
  readonly value: Node;
}

/** A mapping; keys are always text. */
export interface MapNode extends Placed {
  readonly is: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
  /** Keys that `!reset` has taken out of this mapping. */
  readonly resets: readonly string[];
}

/** A value of a Compose model; every one knows its place in a file. Never changed, so that aliases may share it. */
export type Node = ScalarNode | ListNode | MapNode;

/** A scalar at a place, as if it had been written there. */
export function scalar(value: Scalar, span: Span, source = typeof value === 'string' ? value : ''): ScalarNode {
  return { is: 'scalar', value, span, source };
}

/** A mapping of entries. */
export function map(entries: Iterable<readonly [string, Entry]>, span: Span): MapNode {
  return { is: 'map', entries: new Map(entries), span, resets: [] };
}

/** A list of items. */
export function list(items: readonly Node[], span: Span): ListNode {
  return { is: 'list', items, span };
}

/** The value of a key; undefined when the node is no mapping or has no such key. */
export function child(node: Node | undefined, key: string): Node | undefined {
  return node?.is === 'map' ? node.entries.get(key)?.value : undefined;
}

/** The text of a scalar that is text; undefined for everything else. */
export function textOf(node: Node | undefined): string | undefined {
  return node?.is === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
}

/** Whether a node is there and says nothing. */
export function isNull(node: Node | undefined): boolean {
  return node?.is === 'scalar' && node.value === null;
}

/** The entries of a mapping; none when the node is something else. */
export function entriesOf(node: Node | undefined): readonly (readonly [string, Entry])[] {
  return node?.is === 'map' ? [...node.entries] : [];
}

/** The items of a list; none when the node is something else. */
export function itemsOf(node: Node | undefined): readonly Node[] {
  return node?.is === 'list' ? node.items : [];
}

/** A mapping with some entries replaced, added or (undefined) left out. */
export function withEntries(node: MapNode, changes: Iterable<readonly [string, Entry | undefined]>): MapNode {
  const entries = new Map(node.entries);
  for (const [key, entry] of changes) {
    if (entry === undefined) entries.delete(key);
    else entries.set(key, entry);
  }
  return { ...node, entries };
}

/** Whether two nodes say the same, wherever they are written. */
export function sameNode(a: Node, b: Node): boolean {
  if (a === b) return true;
  if (a.is === 'scalar' && b.is === 'scalar') return sameScalar(a.value, b.value);
  if (a.is === 'list' && b.is === 'list') {
    return a.items.length === b.items.length && a.items.every((item, at) => sameAt(item, b.items[at]));
  }
  if (a.is === 'map' && b.is === 'map') {
    return (
      a.entries.size === b.entries.size &&
      [...a.entries].every(([key, { value }]) => sameAt(value, b.entries.get(key)?.value))
    );
  }
  return false;
}

/** A text that nodes have in common when they say the same, wherever they are written. */
export function nodeKey(node: Node): string {
  if (node.is === 'list') return `[${node.items.map(nodeKey).join()}]`;
  if (node.is === 'map') {
    const pairs = [...node.entries].map(([key, { value }]) => `${JSON.stringify(key)}:${nodeKey(value)}`);
    return `{${pairs.sort().join()}}`;
  }
  const { value } = node;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return `${typeof value} ${value}`;
  return 'float' in value ? `float ${value.float}` : `timestamp ${value.timestamp}`;
}

function sameAt(a: Node, b: Node | undefined): boolean {
  return b !== undefined && sameNode(a, b);
}

function sameScalar(a: Scalar, b: Scalar): boolean {
  if (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null) {
    return 'float' in a ? 'float' in b && a.float === b.float : 'timestamp' in b && a.timestamp === b.timestamp;
  }
  return a === b;
}
