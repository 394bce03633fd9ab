import net from 'node:net';
import { isLoopback } from './loopback.ts';

/** A proxy that is named in a form nobody can use. Its text is not repeated: it may hold a password. */
export class BadProxy extends Error {
  constructor(variable: string) {
    super(`${variable} is no address of a proxy (http://HOST:PORT, https://, socks5://)`);
    this.name = 'BadProxy';
  }
}

/**
 * The proxy that the environment names for a URL; undefined when it is to be reached directly. As Go's programs have it
 * (golang.org/x/net `http/httpproxy`): capitals before small letters, an address without a scheme is http, and what runs on
 * this machine needs none. Throws {@link BadProxy}.
 */
export function proxyFor(url: URL, env: ReadonlyMap<string, string>): URL | undefined {
  const variable = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  // A web server hands a client's header `Proxy` to its scripts under this name.
  if (variable === 'HTTP_PROXY' && (env.get('REQUEST_METHOD') ?? '') !== '') return undefined;
  const named = either(env, variable);
  if (named === '' || isDirect(url, either(env, 'NO_PROXY'))) return undefined;
  const proxy = URL.parse(named.includes('://') ? named : `http://${named}`);
  if (proxy === null || proxy.hostname === '' || !SCHEMES.has(proxy.protocol)) throw new BadProxy(variable);
  if (proxy.protocol === 'socks5h:') proxy.protocol = 'socks5:';
  return proxy;
}

const SCHEMES = new Set(['http:', 'https:', 'socks5:', 'socks5h:']);

function either(env: ReadonlyMap<string, string>, name: string): string {
  return env.get(name) || env.get(name.toLowerCase()) || '';
}

function isDirect(url: URL, without: string): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  if (isLoopback(host)) return true;
  return without
    .toLowerCase()
    .split(',')
    .map((entry) => entry.trim())
    .some((entry) => entry !== '' && covers(entry, host, port));
}

/** An entry is `*`, an address, a range of addresses, or a name that also means all below it; all but ranges with a port. */
function covers(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isWithin(host, entry);
  const [name, wanted] = withPort(entry);
  if (wanted !== '' && wanted !== port) return false;
  if (net.isIP(name) !== 0) return name === host;
  const below = name.replace(/^\*?\./, '');
  return below !== '' && (host.endsWith(`.${below}`) || (below === name && host === name));
}

function withPort(entry: string): readonly [name: string, port: string] {
  if (net.isIPv6(entry)) return [entry, ''];
  const colon = entry.lastIndexOf(':');
  const name = colon === -1 || entry.endsWith(']') ? entry : entry.slice(0, colon);
  return [name.replace(/^\[(.*)\]$/, '$1'), entry.slice(name.length + 1)];
}

function isWithin(host: string, range: string): boolean {
  const [start = '', bits = ''] = range.split('/');
  const family = net.isIP(start);
  if (family === 0 || net.isIP(host) !== family || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
    return false;
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const list = new net.BlockList();
  list.addSubnet(start, Number(bits), kind);
  return list.check(host, kind);
}
