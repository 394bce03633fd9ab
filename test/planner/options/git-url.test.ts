import { describe, expect, test } from 'vitest';
import { gitHost, parseGitUrl } from '../../../planner/options/git-url.ts';

const APP = { remote: 'https://host/app.git', scheme: 'https', host: 'host', path: '/app.git' };

describe('a git URL', () => {
  test.each([
    ['https://host/app.git', APP],
    ['https://host/app.git#main', { ...APP, ref: 'main' }],
    ['https://host/app.git#main:a/b/', { ...APP, ref: 'main', subdir: 'a/b' }],
    ['https://host/app.git#:sub', { ...APP, subdir: 'sub' }],
    ['https://host/app.git?ref=main&subdir=sub', { ...APP, ref: 'main', subdir: 'sub' }],
    ['https://host/app.git?tag=v1', { ...APP, ref: 'refs/tags/v1' }],
    ['https://host/app.git?branch=refs/heads/x', { ...APP, ref: 'refs/heads/x' }],
    ['https://host/app.git?ref=main#main', { ...APP, ref: 'main' }],
    ['https://host/app.git?commit=0123', { ...APP, checksum: '0123' }],
    [
      'https://host/app.git?keep-git-dir&submodules=0&mtime=commit',
      { ...APP, keepGitDir: true, submodules: false, mtime: 'commit' },
    ],
    [
      'http://u:p@host:81/app.git',
      { remote: 'http://u:p@host:81/app.git', scheme: 'http', host: 'host:81', path: '/app.git' },
    ],
    ['git://host/app', { remote: 'git://host/app', scheme: 'git', host: 'host', path: '/app' }],
    ['ssh://git@host:22/app', { remote: 'ssh://git@host:22/app', scheme: 'ssh', host: 'host:22', path: '/app' }],
    ['git@host:app.git#v1', { remote: 'git@host:app.git', scheme: 'ssh', host: 'host', path: 'app.git', ref: 'v1' }],
    [
      'github.com/a/b#main',
      { remote: 'https://github.com/a/b', scheme: 'https', host: 'github.com', path: '/a/b', ref: 'main' },
    ],
  ])('%s', (text, value) => {
    expect(parseGitUrl(text)).toEqual({ ok: true, value });
  });

  test.each([
    'https://host/app.tar.gz',
    'http://host/docker-bake.hcl?x=.git',
    './app.git',
    'app',
    'docker-image://a.git',
  ])('is not %s', (text) => {
    expect(parseGitUrl(text)).toBeUndefined();
  });

  test.each([
    ['ref=a&ref=b', 'query "ref" has multiple values'],
    ['ref=', 'query "ref" has no value'],
    ['colour=red', 'unexpected query "colour"'],
    ['ref=a&tag=b', 'ref conflicts: "a" vs "refs/tags/b"'],
    ['tag=a&branch=b', 'branch conflicts with tag'],
    ['submodules=maybe', 'invalid submodules value: "maybe"'],
    ['mtime=now', 'invalid mtime value: "now"; checkout and commit are known'],
  ])('does not take ?%s', (query, failure) => {
    expect(parseGitUrl(`https://host/app.git?${query}`)).toEqual({ ok: false, failure });
  });

  test('has a host, whatever the case, and none when it is something else', () => {
    expect(gitHost('https://someone@Host:81/app.git')).toBe('host:81');
    expect(gitHost('https://host/app.tar')).toBeUndefined();
  });
});
