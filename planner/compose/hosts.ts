import type { Diagnostic } from '../diagnostic.ts';
import type { Node } from './node.ts';
import { entriesOf, itemsOf } from './node.ts';
import { scalarText } from './scalar.ts';

/** The addresses of `extra_hosts` by host; hosts of a list gather (compose-go `types/hostList.go`). */
export function hostAddresses(node: Node | undefined): ReadonlyMap<string, readonly string[]> {
  const hosts = new Map<string, readonly string[]>();
  const add = (host: string, addresses: readonly string[]): void => {
    const bare = addresses.map((address) => address.replace(/^\[(.+)\]$/, '$1'));
    hosts.set(host, [...(hosts.get(host) ?? []), ...bare]);
  };
  for (const [host, { value }] of entriesOf(node)) {
    add(host, value.is === 'list' ? value.items.map(text) : [text(value)]);
  }
  for (const item of itemsOf(node)) {
    const { host, address } = parts(text(item));
    if (address !== undefined) add(host, address.split(','));
  }
  return hosts;
}

/** What is wrong with hosts: names that cannot be one, and names without an address. */
export function hostProblems(node: Node | undefined, path: string): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const refuse = (problem: string, { span }: Pick<Node, 'span'>): void =>
    void found.push({ reason: 'invalid-value', message: `${path}: ${problem}`, hint: 'write host=address', span });
  const check = (host: string, place: Pick<Node, 'span'>): void => {
    if (host === '' || /[:=]/.test(host)) refuse(`bad host name '${host}'`, place);
  };
  for (const [host, { key }] of entriesOf(node)) check(host, { span: key });
  for (const item of itemsOf(node)) {
    const { host, address } = parts(text(item));
    if (address === undefined) refuse(`invalid additional host, missing IP: ${host}`, item);
    else check(host, item);
  }
  return found;
}

function parts(said: string): { readonly host: string; readonly address?: string } {
  const separator = ['=', ':'].find((one) => said.includes(one));
  if (separator === undefined) return { host: said };
  const cut = said.indexOf(separator);
  return { host: said.slice(0, cut), address: said.slice(cut + 1) };
}

function text(node: Node): string {
  return node.is === 'scalar' ? scalarText(node.value) : '';
}
