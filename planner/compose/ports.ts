/** What is wrong with a short port (docker/go-connections `nat/nat.go`); undefined when nothing is. */
export function portProblem(text: string): string | undefined {
  const slash = text.lastIndexOf('/');
  const spec = slash === -1 ? text : text.slice(0, slash);
  const protocol = slash === -1 ? 'tcp' : text.slice(slash + 1);
  const { address, published, target } = parts(spec);
  if (target === '') return `No port specified: ${text}<empty>`;
  if (address !== '' && !isAddress(address)) return `Invalid ip address: ${address}`;
  if (!isRange(target)) return `Invalid containerPort: ${target}`;
  if (published !== '' && !isRange(published)) return `Invalid hostPort: ${published}`;
  if (!['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase())) return `Invalid proto: ${protocol}`;
  const [inside, outside] = [width(target), published === '' ? undefined : width(published)];
  if (outside !== undefined && inside !== outside && inside !== 1)
    return `Invalid ranges specified for container and host Ports: ${target} and ${published}`;
  return undefined;
}

function parts(spec: string): { readonly address: string; readonly published: string; readonly target: string } {
  const all = spec.split(':');
  const target = all.at(-1) ?? '';
  const published = all.length > 1 ? (all.at(-2) ?? '') : '';
  return { address: all.slice(0, -2).join(':'), published, target };
}

/** Whether a text is an IPv4 or IPv6 address, which may be in brackets. */
export function isAddress(text: string): boolean {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(bare)) return bare.split('.').every((part) => Number(part) < 256);
  return bare.includes(':') && /^[\da-fA-F:.%\w]+$/.test(bare);
}

function isRange(text: string): boolean {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (!match) return false;
  const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
  return first <= last && last <= 65535;
}

function width(range: string): number {
  const [first = '', last = first] = range.split('-');
  return Number(last) - Number(first) + 1;
}
