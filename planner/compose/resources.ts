import type { Diagnostic } from '../diagnostic.ts';
import { upToMost } from './error.ts';
import type { MapNode, Node } from './node.ts';
import { child, entriesOf, isNull, itemsOf, textOf } from './node.ts';
import { isAddress } from './ports.ts';

/** What is wrong with the secrets, configs, volumes and services of a model (compose-go `validation/`). */
export function resourceProblems(model: MapNode): readonly Diagnostic[] {
  return [
    ...upToMost(section(model, 'services'), ([name, node]) => serviceProblems(`services.${name}`, node)),
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

function serviceProblems(path: string, node: Node): readonly Diagnostic[] {
  const addresses = itemsOf(child(node, 'ports')).flatMap((port) => {
    const address = child(port, 'host_ip');
    const text = textOf(address);
    if (address === undefined || text === undefined || isAddress(text)) return [];
    const message = `${path}.ports: invalid ip address: ${text}`;
    return [problem(message, 'write an address such as 127.0.0.1, or take out host_ip:', address)];
  });
  const reservations = child(child(child(node, 'deploy'), 'resources'), 'reservations');
  const devices = [...itemsOf(child(node, 'gpus')), ...itemsOf(child(reservations, 'devices'))].flatMap((request) => {
    const ids = child(request, 'device_ids');
    if (ids === undefined || child(request, 'count') === undefined) return [];
    return [problem(`${path}: "count" and "device_ids" attributes are exclusive`, 'keep one of them', ids)];
  });
  const watched = itemsOf(child(child(node, 'develop'), 'watch')).flatMap((watch) => {
    const folder = child(watch, 'path');
    if (folder === undefined || textOf(folder) !== '') return [];
    return [problem(`${path}.develop.watch.path: value can't be blank`, 'write the path of a file or folder', folder)];
  });
  return [...addresses, ...devices, ...watched];
}

function problem(message: string, hint: string, { span }: Node): Diagnostic {
  return { reason: 'invalid-value', message, hint, span };
}

/** Mounts of folders that do not say which (compose-go `paths/resolve.go`). */
export function mountProblems(model: MapNode): readonly Diagnostic[] {
  return upToMost(section(model, 'services'), ([, service]) =>
    itemsOf(child(service, 'volumes'))
      .filter((mount) => textOf(child(mount, 'type')) === 'bind' && (textOf(child(mount, 'source')) ?? '') === '')
      .map((mount) =>
        problem('invalid mount config for type "bind": field Source must not be empty', 'write source: PATH', mount),
      ),
  );
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
