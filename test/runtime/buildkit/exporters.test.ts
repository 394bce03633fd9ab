import { describe, expect, test } from 'vitest';
import type { TypedEntry } from '../../../planner/target.ts';
import type { DaemonFacts, ImageStore } from '../../../runtime/buildkit/daemon.ts';
import { plannedExports } from '../../../runtime/buildkit/exporters.ts';
import { target } from '../../rig/target.ts';

function facts(store: ImageStore): DaemonFacts {
  return {
    version: 'v0.25.2',
    native: { os: 'linux', architecture: 'amd64', variant: '' },
    platforms: ['linux/amd64'],
    store,
  };
}

const push: TypedEntry = { type: 'image', attrs: { push: 'true' } };
const load: TypedEntry = { type: 'docker', attrs: {} };
const tags = ['a.example/app:1', 'b.example/app:1'];

describe('outputs become exporters', () => {
  test.each<[string, ImageStore, readonly TypedEntry[], unknown]>([
    [
      'no output stays in the Docker Engine',
      'docker-containerd',
      [],
      [{ type: 'moby', attrs: { name: tags.join(',') } }],
    ],
    ['no output of a standalone daemon is cache only', 'none', [], []],
    ['a push carries every tag', 'none', [push], [{ type: 'image', attrs: { push: 'true', name: tags.join(',') } }]],
    [
      'registry is image with push',
      'none',
      [{ type: 'registry', attrs: {} }],
      [{ type: 'image', attrs: { push: 'true', name: tags.join(',') } }],
    ],
    [
      'a load into the engine that builds costs no archive',
      'docker-containerd',
      [load],
      [{ type: 'moby', attrs: { name: tags.join(',') } }],
    ],
    [
      'a load from a standalone daemon is an archive',
      'none',
      [load],
      [{ type: 'oci', attrs: { name: tags.join(',') }, sink: { kind: 'load' } }],
    ],
    [
      'a load beside a push adds nothing inside the engine',
      'docker-containerd',
      [push, load],
      [{ type: 'moby', attrs: { push: 'true', name: tags.join(',') } }],
    ],
    ['cacheonly makes nothing', 'docker-containerd', [{ type: 'cacheonly', attrs: {} }], []],
    [
      'tar without dest goes to stdout',
      'none',
      [{ type: 'tar', attrs: {} }],
      [{ type: 'tar', attrs: {}, sink: { kind: 'stdout' } }],
    ],
    [
      'dest does not reach the daemon',
      'none',
      [{ type: 'oci', attrs: { dest: 'out.tar' } }],
      [{ type: 'oci', attrs: { name: tags.join(',') }, sink: { kind: 'file', path: 'out.tar' } }],
    ],
  ])('%s', (_, store, outputs, expected) => {
    expect(plannedExports(target('app', { tags, outputs }), facts(store))).toEqual({ ok: true, value: expected });
  });

  test('annotations become attributes of the image', () => {
    const annotations = ['a=1', 'index:b:x=2', 'manifest[linux/amd64],index-descriptor:c=3'];
    expect(plannedExports(target('app', { outputs: [push], tags, annotations }), facts('none'))).toMatchObject({
      value: [
        {
          attrs: {
            'annotation.a': '1',
            'annotation-index.b:x': '2',
            'annotation-manifest[linux/amd64].c': '3',
            'annotation-index-descriptor.c': '3',
          },
        },
      ],
    });
  });

  test.each<[string, ImageStore, readonly TypedEntry[], readonly string[], string]>([
    ['a push without a tag', 'none', [push], [], 'pushing target "app" without a tag'],
    [
      'a push from the classic store',
      'docker-classic',
      [push],
      tags,
      'pushing target "app" from a Docker Engine with the classic image store',
    ],
    [
      'a folder output without a folder',
      'none',
      [{ type: 'local', attrs: {} }],
      tags,
      'output type "local" without dest (target "app")',
    ],
    [
      'a folder output with an unknown mode',
      'none',
      [{ type: 'local', attrs: { dest: 'out', mode: 'mirror' } }],
      tags,
      'output type "local" with mode=mirror (target "app")',
    ],
    [
      'a layout on standard output',
      'none',
      [{ type: 'oci', attrs: { dest: '-', tar: 'false' } }],
      tags,
      'output type "oci" to standard output (target "app")',
    ],
    [
      'a second layout',
      'none',
      ['a', 'b'].map((dest) => ({ type: 'oci', attrs: { dest, tar: 'false' } })),
      tags,
      'several outputs with tar=false (target "app")',
    ],
  ])('%s is refused by name', (_, store, outputs, names, what) => {
    expect(plannedExports(target('app', { tags: names, outputs }), facts(store))).toMatchObject({
      ok: false,
      failure: { reason: 'unsupported', what },
    });
  });
});
