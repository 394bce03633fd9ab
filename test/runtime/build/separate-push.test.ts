import { describe, expect, test } from 'vitest';
import { isPassing } from '../../../runtime/build/passing.ts';
import { separatePush } from '../../../runtime/build/separate-push.ts';

const image = (name: string, attrs: Readonly<Record<string, string>> = { push: 'true' }) => ({
  type: 'image',
  attrs: { name, compression: 'zstd', ...attrs },
});

describe('a push is taken out of the build', () => {
  test('where its names belong to several registries', () => {
    const other = { type: 'local', attrs: {}, sink: { kind: 'folder', path: 'out', deletes: false } } as const;
    const push = separatePush([other, image('a.example/app:1,app,b.example:5000/team/app')]);
    expect(push?.exports).toEqual([other, image('a.example/app:1,app,b.example:5000/team/app', {})]);
    expect(push?.attrs).toEqual({ compression: 'zstd' });
    expect(push?.names.map(({ name, reference }) => [name, reference.registry, reference.path, reference.tag])).toEqual(
      [
        ['a.example/app:1', 'a.example', 'app', '1'],
        ['app', 'docker.io', 'library/app', 'latest'],
        ['b.example:5000/team/app', 'b.example:5000', 'team/app', 'latest'],
      ],
    );
  });

  test.each([
    ['one registry', [image('a.example/app:1,a.example/app:2')]],
    ['nothing is pushed', [image('a.example/app,b.example/app', {})]],
    ['a push that is turned off', [image('a.example/app,b.example/app', { push: 'false' })]],
    ['a push by digest', [image('a.example/app,b.example/app', { push: 'true', 'push-by-digest': 'true' })]],
    ['two exporters that push', [image('a.example/app,b.example/app'), image('c.example/app')]],
    ['a name with a digest', [image(`a.example/app,b.example/app@sha256:${'0'.repeat(64)}`)]],
    ['a name that is none', [image('a.example/app,B!')]],
  ])('and not for %s', (_what, exports) => {
    expect(separatePush(exports)).toBeUndefined();
  });
});

describe('a failure of a builder to push is worth another try', () => {
  const upload = 'http://a.example/v2/app/blobs/uploads/abc?digest=sha256%3Aabc';
  test.each([
    `failed to push a.example/app:1: unexpected status from HEAD request to http://a.example/v2/app/blobs/x: 429 Too Many Requests`,
    `failed to push a.example/app:1: unexpected status from PUT request to ${upload}: 404 Not Found`,
    'failed to push a.example/app:1: failed to copy: read tcp 10.0.0.1:1->10.0.0.2:2: read: connection reset by peer',
    'failed to push a.example/app:1: failed to do request: Put "x": EOF',
  ])('%s', (message) => {
    expect(isPassing(message)).toBe(true);
  });

  test.each([
    `failed to push a.example/app:1: unexpected status from PUT request to ${upload}: 507 Insufficient Storage`,
    'failed to push a.example/app:1: unexpected status from POST request to http://a.example/v2/app/blobs/uploads/: 403 Forbidden',
    'failed to push a.example/app:1: unexpected status from PUT request to http://a.example/v2/app/manifests/1: 404 Not Found',
    'failed to push a.example/app:1: server message: insufficient_scope: authorization failed',
  ])('but not: %s', (message) => {
    expect(isPassing(message)).toBe(false);
  });
});
