import { describe, expect, test } from 'vitest';
import type { Target } from '../../../planner/target.ts';
import type { DaemonFacts } from '../../../runtime/buildkit/daemon.ts';
import type { FrontendRequest } from '../../../runtime/buildkit/frontend.ts';
import { frontendRequest } from '../../../runtime/buildkit/frontend.ts';
import { target } from '../../rig/target.ts';

const facts: DaemonFacts = {
  version: 'v0.25.2',
  native: { os: 'linux', architecture: 'amd64', variant: '' },
  platforms: ['linux/amd64', 'linux/arm64'],
  store: 'docker-containerd',
  hostGateway: '10.0.0.1',
};

function request(says: Partial<Target>): FrontendRequest {
  return frontendRequest(target('app', says), {
    cwd: '/work',
    facts,
    defaultProvenance: false,
    dockerfile: { dir: '/work/app', name: 'Dockerfile', apart: false },
    sharedKey: (dir) => `key of ${dir}`,
  });
}

describe('a target becomes frontend options', () => {
  test.each<[string, Partial<Target>, Record<string, string>]>([
    [
      'arguments and labels',
      { args: { A: '1', B: '' }, labels: { l: 'x,y' } },
      { 'build-arg:A': '1', 'build-arg:B': '', 'label:l': 'x,y' },
    ],
    [
      'platforms, normalised',
      { platforms: ['linux/x86_64', 'linux/arm64/v8'] },
      { platform: 'linux/amd64,linux/arm64' },
    ],
    ['a stage', { target: 'test' }, { target: 'test' }],
    ['no cache at all', { noCache: true, noCacheFilter: ['a'] }, { 'no-cache': '' }],
    ['no cache for stages', { noCacheFilter: ['a', 'b'] }, { 'no-cache': 'a,b' }],
    ['pull', { pull: true }, { 'image-resolve-mode': 'pull' }],
    ['no network', { network: 'none' }, { 'force-network-mode': 'none' }],
    [
      'hosts',
      { extraHosts: { a: '1.2.3.4', b: 'host-gateway', c: '[::1]' } },
      { 'add-hosts': 'a=1.2.3.4,b=10.0.0.1,c=::1' },
    ],
    [
      'shared memory and limits',
      { shmSize: '64', ulimits: ['nofile=1:2', 'core=0'] },
      { 'shm-size': '64', ulimit: 'nofile=1:2,core=0' },
    ],
    [
      'a remote named context',
      { contexts: { alpine: 'docker-image://alpine:3' } },
      { 'context:alpine': 'docker-image://alpine:3', 'frontend.caps': 'moby.buildkit.frontend.contexts+forward' },
    ],
    [
      'a local named context',
      { contexts: { src: '../src' } },
      { 'context:src': 'local:src', 'sharedkey:localdir:src': 'key of /src' },
    ],
    [
      'an attestation asked for',
      { attest: [{ type: 'provenance', attrs: { mode: 'max' }, disabled: false }] },
      { 'attest:provenance': 'type=provenance,mode=max' },
    ],
  ])('%s', (_, says, attrs) => {
    expect(request(says).attrs).toMatchObject(attrs);
  });

  test('says no more than it must', () => {
    expect(request({ context: 'app' })).toEqual({
      frontend: 'dockerfile.v0',
      attrs: { filename: 'Dockerfile', 'image-resolve-mode': 'local' },
      localDirs: new Map([
        ['context', '/work/app'],
        ['dockerfile', '/work/app'],
      ]),
      links: new Map(),
      inputs: {},
      entitlements: [],
    });
  });

  test('links to targets are left to the build, which knows their results', () => {
    const { attrs, links } = request({ contexts: { base: 'target:base' } });
    expect(links).toEqual(new Map([['base', 'base']]));
    expect(attrs['context:base']).toBeUndefined();
  });

  test('the host network needs its entitlement', () => {
    expect(request({ network: 'host' }).entitlements).toEqual(['network.host']);
  });

  test('a context folder named like a source of the frontend gets another local name', () => {
    const { localDirs } = request({ contexts: { context: 'elsewhere' } });
    expect(localDirs.get('_context')).toBe('/work/elsewhere');
    expect(localDirs.get('context')).toBe('/work');
  });

  test('a definition that is no tree is told without the password in its URL', () => {
    const folder = target('app', { contextIsRemote: true });
    const context = { cwd: '/work', facts, defaultProvenance: false, dockerfile: undefined, sharedKey: String };
    const remote = 'https://someone:secret@host/app.git?nonsense=1';
    expect(() => frontendRequest(folder, { ...context, remote })).toThrow(
      expect.objectContaining({
        failure: {
          reason: 'definition-unreadable',
          url: 'https://xxxxx:xxxxx@host/app.git?nonsense=xxxxx',
          cause: 'unexpected query "nonsense" (context)',
        },
      }),
    );
  });
});
