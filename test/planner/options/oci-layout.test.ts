import { expect, test } from 'vitest';
import { parseOciLayout } from '../../../planner/options/oci-layout.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

/** The cases of docker/buildx `util/ocilayout/parse_test.go`, and some more. */
test.each<[string, unknown]>([
  ['docker-image://alpine', undefined],
  ['./layout', undefined],
  ['oci-layout:///path', { path: '/path', tag: 'latest', digest: undefined }],
  ['oci-layout://rel/path', { path: 'rel/path', tag: 'latest', digest: undefined }],
  ['oci-layout:///path:tag', { path: '/path', tag: 'tag', digest: undefined }],
  [`oci-layout:///path@${DIGEST}`, { path: '/path', tag: undefined, digest: DIGEST }],
  [`oci-layout:///path:tag@${DIGEST}`, { path: '/path', tag: 'tag', digest: DIGEST }],
  ['oci-layout:///a:b/c', { path: '/a:b/c', tag: 'latest', digest: undefined }],
  ['oci-layout:///a@b/c', { path: '/a@b/c', tag: 'latest', digest: undefined }],
  ['oci-layout:///path@sha256:short', { path: '/path@sha256', tag: 'short', digest: undefined }],
])('%s', (text, expected) => {
  expect(parseOciLayout(text)).toEqual(expected);
});
