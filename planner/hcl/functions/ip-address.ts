/** An address prefix. */
export interface Network {
  /** The first address, as a number. */
  readonly address: bigint;
  /** 32 for IPv4, 128 for IPv6. */
  readonly bits: 32 | 128;
  readonly length: number;
}

/** Reads `10.0.0.0/8` and the like, host bits dropped; undefined when it is none. */
export function parseNetwork(source: string): Network | undefined {
  const [, address = '', length = ''] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(source) ?? [];
  const bits = address.includes(':') ? 128 : 32;
  const value = bits === 32 ? parseIpv4(address) : parseIpv6(address);
  return value === undefined || Number(length) > bits ? undefined : networkOf(value, bits, Number(length));
}

export function networkOf(address: bigint, bits: 32 | 128, length: number): Network {
  return { address: address & maskOf({ bits, length }), bits, length };
}

export function maskOf({ bits, length }: Pick<Network, 'bits' | 'length'>): bigint {
  return ((1n << BigInt(length)) - 1n) << BigInt(bits - length);
}

export function formatNetwork(network: Network): string {
  return `${formatAddress(network.address, network.bits)}/${network.length}`;
}

/** The canonical text of an address (RFC 5952); IPv4 addresses mapped into IPv6 are written as IPv4. */
export function formatAddress(address: bigint, bits: 32 | 128): string {
  if (bits === 32 || address >> 32n === 0xffffn) {
    return [24n, 16n, 8n, 0n].map((shift) => String((address >> shift) & 0xffn)).join('.');
  }
  const groups = Array.from({ length: 8 }, (_, at) => ((address >> BigInt(112 - at * 16)) & 0xffffn).toString(16));
  const zeros = longestZeros(groups);
  if (zeros.length < 2) return groups.join(':');
  return `${groups.slice(0, zeros.start).join(':')}::${groups.slice(zeros.start + zeros.length).join(':')}`;
}

function longestZeros(groups: readonly string[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  const areBytes = parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
  if (parts.length !== 4 || !areBytes) return undefined;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  const [head, tail] = halves.map(groupsOf);
  if (halves.length > 2 || head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0n), ...(tail ?? [])];
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

/** Groups of 16 bits; the last two may be written as IPv4. */
function groupsOf(text: string): readonly bigint[] | undefined {
  if (text === '') return [];
  const groups: bigint[] = [];
  const parts = text.split(':');
  for (const [at, part] of parts.entries()) {
    if (part.includes('.')) {
      const embedded = at === parts.length - 1 ? parseIpv4(part) : undefined;
      if (embedded === undefined) return undefined;
      groups.push(embedded >> 16n, embedded & 0xffffn);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(BigInt(`0x${part}`));
    } else {
      return undefined;
    }
  }
  return groups;
}
