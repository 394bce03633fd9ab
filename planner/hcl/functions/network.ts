import type { HclFunction } from '../scope.ts';
import { CallError } from '../scope.ts';
import { STRING } from '../type.ts';
import type { Value } from '../value.ts';
import { text } from '../value.ts';
import { countAt, define, defineVariadic, list, num, string, textAt } from './define.ts';
import type { Network } from './ip-address.ts';
import { formatAddress, formatNetwork, maskOf, networkOf, parseNetwork } from './ip-address.ts';

/** Functions on address prefixes (hashicorp/go-cty-funcs `cidr`). */
export const NETWORK_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  cidrhost: define([string('prefix'), num('hostnum')], (args) => text(host(networkAt(args, 0), countAt(args, 1)))),
  cidrnetmask: define([string('prefix')], (args) => {
    const network = networkAt(args, 0);
    return text(formatAddress(maskOf(network), network.bits));
  }),
  cidrsubnet: define([string('prefix'), num('newbits'), num('netnum')], (args) =>
    text(subnet(networkAt(args, 0), countAt(args, 1), countAt(args, 2))),
  ),
  cidrsubnets: defineVariadic([string('prefix')], num('newbits'), (args) => {
    const network = networkAt(args, 0);
    return list(STRING, subnets(network, args).map(text));
  }),
};

/** Subnet numbers are kept to what 32 bits hold, wherever this runs. */
const MAX_NEW_BITS = 32;

function networkAt(args: readonly Value[], at: number): Network {
  const network = parseNetwork(textAt(args, at));
  if (network !== undefined) return network;
  throw new CallError(`invalid CIDR expression: invalid CIDR address: ${textAt(args, at)}`, at);
}

/** Negative numbers count back from the last address. */
function host(network: Network, wanted: number): string {
  const size = 1n << BigInt(network.bits - network.length);
  const offset = BigInt(wanted) < 0n ? size + BigInt(wanted) : BigInt(wanted);
  if (offset < 0n || offset >= size) {
    throw new CallError(`prefix of ${network.length} does not accommodate a host numbered ${wanted}`, 1);
  }
  return formatAddress(network.address + offset, network.bits);
}

function subnet(network: Network, newBits: number, wanted: number): string {
  if (newBits < 0) throw new CallError('a prefix cannot be extended by fewer than 0 bits', 1);
  if (newBits > MAX_NEW_BITS) throw new CallError(`may not extend prefix by more than ${MAX_NEW_BITS} bits`, 1);
  const length = network.length + newBits;
  if (length > network.bits) {
    throw new CallError(`insufficient address space to extend prefix of ${network.length} by ${newBits}`, 1);
  }
  if (wanted < 0 || wanted >= 2 ** newBits) {
    throw new CallError(`prefix extension of ${newBits} does not accommodate a subnet numbered ${wanted}`, 2);
  }
  const address = network.address | (BigInt(wanted) << BigInt(network.bits - length));
  return formatNetwork({ address, bits: network.bits, length });
}

/** One after the other, each at the next place where its size allows it to begin. */
function subnets(network: Network, args: readonly Value[]): readonly string[] {
  const end = network.address + (1n << BigInt(network.bits - network.length));
  let next = network.address;
  let previous: Network | undefined;
  const found: string[] = [];
  for (let at = 1; at < args.length; at++) {
    const newBits = countAt(args, at);
    if (newBits < 1) throw new CallError('must extend prefix by at least one bit', at);
    if (newBits > MAX_NEW_BITS) throw new CallError(`may not extend prefix by more than ${MAX_NEW_BITS} bits`, at);
    const length = network.length + newBits;
    if (length > network.bits) {
      const family = network.bits === 32 ? 'IPv4' : 'IPv6';
      throw new CallError(`would extend prefix to ${length} bits, which is too long for an ${family} address`, at);
    }
    const size = 1n << BigInt(network.bits - length);
    const start = ((next + size - 1n) / size) * size;
    if (start + size > end) {
      const after = previous === undefined ? '' : ` after ${formatNetwork(previous)}`;
      throw new CallError(
        `not enough remaining address space for a subnet with a prefix of ${length} bits${after}`,
        at,
      );
    }
    previous = networkOf(start, network.bits, length);
    found.push(formatNetwork(previous));
    next = start + size;
  }
  return found;
}
