import type { Diagnostic } from '../diagnostic.ts';
import type { MapNode, Node } from './node.ts';
import { child, entriesOf, isNull } from './node.ts';

/** What is wrong with the secrets, configs and volumes of a model (compose-go `validation/`). */
export function resourceProblems(model: MapNode): readonly Diagnostic[] {
  return [
    ...section(model, 'secrets').flatMap(([name, node]) => oneSource(`secrets.${name}`, node, ['file', 'environment'])),
    ...section(model, 'configs').flatMap(([name, node]) =>
      oneSource(`configs.${name}`, node, ['file', 'environment', 'content']),
    ),
    ...section(model, 'volumes').flatMap(([name, node]) => externalOnly(`volumes.${name}`, node)),
  ];
}

function section(model: MapNode, name: string): readonly (readonly [string, Node])[] {
  return entriesOf(child(model, name)).map(([key, { value }]) => [key, value] as const);
}

function isExternal(node: Node): boolean {
  const said = child(node, 'external');
  return said?.is === 'scalar' && said.value === true;
}

function oneSource(path: string, node: Node, sources: readonly string[]): readonly Diagnostic[] {
  if (isExternal(node) || child(node, 'driver') !== undefined) return [];
  const given = sources.filter((source) => child(node, source) !== undefined);
  const names = sources.join('|');
  if (given.length === 1) return [];
  const message =
    given.length === 0 ? `${path}: one of ${names} must be set` : `${path}: ${names} attributes are mutually exclusive`;
  const hint = given.length === 0 ? `write file: PATH or environment: VARIABLE` : `keep one of ${given.join(', ')}`;
  return [{ reason: 'invalid-value', message, hint, span: node.span }];
}

function externalOnly(path: string, node: Node): readonly Diagnostic[] {
  if (!isExternal(node)) return [];
  return entriesOf(node)
    .filter(([key, { value }]) => key !== 'external' && key !== 'name' && !key.startsWith('x-') && !isNull(value))
    .map(([key, entry]) => ({
      reason: 'invalid-value',
      message: `${path}: conflicting parameters "external" and ${JSON.stringify(key)} specified`,
      hint: 'what is external is made elsewhere; it has only a name',
      span: entry.key,
    }));
}
