import { expect, test } from 'vitest';
import { formatPlatform, parsePlatform } from '../../../runtime/buildkit/platform.ts';

const native = { os: 'linux', architecture: 'amd64', variant: '' };

test.each([
  ['linux/amd64', 'linux/amd64'],
  ['linux/x86_64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
  ['linux/arm64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/aarch64', 'linux/arm64'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/7', 'linux/arm/v7'],
  ['linux/armel', 'linux/arm/v6'],
  ['linux/armhf', 'linux/arm/v7'],
  ['i386', 'linux/386'],
  ['arm64', 'linux/arm64'],
  ['windows', 'windows/amd64'],
  ['Linux/AMD64', 'linux/amd64'],
  ['local', 'linux/amd64'],
  [' linux/arm64 ', 'linux/arm64'],
])('platform %j is %s', (text, expected) => {
  expect(formatPlatform(parsePlatform(text, native))).toBe(expected);
});
