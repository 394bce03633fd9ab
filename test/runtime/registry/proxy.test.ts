import { describe, expect, test } from 'vitest';
import { proxyFor } from '../../../runtime/registry/proxy.ts';

const PROXY = 'http://proxy.example:3128';

function proxy(url: string, env: Readonly<Record<string, string>>): string | undefined {
  return proxyFor(new URL(url), new Map(Object.entries(env)))?.href;
}

test.each<[string, Readonly<Record<string, string>>, string | undefined]>([
  ['https://a.example/token', {}, undefined],
  ['https://a.example/token', { HTTPS_PROXY: PROXY }, `${PROXY}/`],
  ['https://a.example/token', { https_proxy: PROXY }, `${PROXY}/`],
  ['https://a.example/token', { HTTPS_PROXY: PROXY, https_proxy: 'http://other' }, `${PROXY}/`],
  ['https://a.example/token', { HTTP_PROXY: PROXY }, undefined],
  ['http://a.example/token', { HTTP_PROXY: PROXY }, `${PROXY}/`],
  ['http://a.example/token', { HTTPS_PROXY: PROXY }, undefined],
  ['http://a.example/token', { HTTP_PROXY: PROXY, REQUEST_METHOD: 'GET' }, undefined],
  ['http://a.example/token', { HTTP_PROXY: 'proxy.example:3128' }, `${PROXY}/`],
  ['http://a.example/token', { HTTP_PROXY: 'https://u:p@proxy.example' }, 'https://u:p@proxy.example/'],
  ['http://a.example/token', { HTTP_PROXY: 'socks5://proxy.example:1080' }, 'socks5://proxy.example:1080'],
  ['http://a.example/token', { HTTP_PROXY: 'socks5h://proxy.example:1080' }, 'socks5://proxy.example:1080'],
  ['http://localhost:5000/token', { HTTP_PROXY: PROXY }, undefined],
  ['http://127.1.2.3/token', { HTTP_PROXY: PROXY }, undefined],
  ['http://[::1]/token', { HTTP_PROXY: PROXY }, undefined],
  ['http://10.0.0.1/token', { HTTP_PROXY: PROXY }, `${PROXY}/`],
])('%s with %j goes through %s', (url, env, expected) => {
  expect(proxy(url, env)).toBe(expected);
});

describe('NO_PROXY', () => {
  test.each([
    ['*', 'https://a.example'],
    ['a.example', 'https://a.example'],
    ['a.example', 'https://x.a.example'],
    ['A.Example', 'https://a.example'],
    [' b.example , a.example ', 'https://a.example'],
    ['.a.example', 'https://x.a.example'],
    ['*.a.example', 'https://x.a.example'],
    ['a.example:443', 'https://a.example'],
    ['a.example:8443', 'https://a.example:8443'],
    ['10.0.0.1', 'https://10.0.0.1'],
    ['10.0.0.1:443', 'https://10.0.0.1'],
    ['10.0.0.0/8', 'https://10.1.2.3'],
    ['fd00::/8', 'https://[fd00::1]'],
    ['fd00::1', 'https://[fd00::1]'],
    ['[fd00::1]:443', 'https://[fd00::1]'],
  ])('%s means %s', (without, url) => {
    expect(proxy(url, { HTTPS_PROXY: PROXY, NO_PROXY: without })).toBeUndefined();
    expect(proxy(url, { HTTPS_PROXY: PROXY, no_proxy: without })).toBeUndefined();
  });

  test.each([
    ['', 'https://a.example'],
    [',', 'https://a.example'],
    ['.', 'https://a.example'],
    ['example', 'https://a-example'],
    ['.a.example', 'https://a.example'],
    ['*.a.example', 'https://a.example'],
    ['a.example', 'https://ba.example'],
    ['a.example:80', 'https://a.example'],
    ['10.0.0.0/8', 'https://11.1.2.3'],
    ['10.0.0.0/99', 'https://10.1.2.3'],
    ['10.0.0.0/8', 'https://a.example'],
    ['10.0.0', 'https://10.0.0.1'],
  ])('%j does not mean %s', (without, url) => {
    expect(proxy(url, { HTTPS_PROXY: PROXY, NO_PROXY: without })).toBe(`${PROXY}/`);
  });
});

test.each(['ftp://proxy', 'http://', '://', 'http://u:pass word@'])('%s is no proxy, and is not repeated', (named) => {
  expect(() => proxy('http://a.example', { HTTP_PROXY: named })).toThrow(
    /^HTTP_PROXY is no address of a proxy \(http:\/\/HOST:PORT, https:\/\/, socks5:\/\/\)$/,
  );
});
