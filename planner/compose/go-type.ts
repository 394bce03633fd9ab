import type { Node } from './node.ts';

/** The name that the reference's messages give to the type of a value. */
export function goType(node: Node): string {
  if (node.is === 'map') return 'map[string]interface {}';
  if (node.is === 'list') return '[]interface {}';
  const { value } = node;
  if (value === null) return '<nil>';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  return 'float' in value ? 'float64' : 'time.Time';
}
