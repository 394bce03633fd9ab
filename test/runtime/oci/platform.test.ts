import { expect, test } from 'vitest';
import { isForPlatform, parseOciPlatform, platformText, wholePlatformText } from '../../../runtime/oci/platform.ts';
import type { OciPlatform } from '../../../runtime/oci/platform.ts';

const LOCAL = { os: 'linux', architecture: 'arm64' };

function read(text: string): OciPlatform {
  const platform = parseOciPlatform(text, LOCAL);
  if (!platform.ok) throw new Error(platform.failure);
  return platform.value;
}

test.each([
  ['linux/amd64', 'linux/amd64'],
  ['linux', 'linux/arm64'],
  ['s390x', 'linux/s390x'],
  ['Linux/X86_64', 'linux/amd64'],
  ['linux/aarch64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm', 'linux/arm'],
  ['linux/arm/7', 'linux/arm/v7'],
  ['armel', 'linux/arm/v6'],
  ['macos/arm64', 'darwin/arm64'],
  ['windows(10.0.17763)/amd64', 'windows(10.0.17763)/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
])('%s is %s', (text, expected) => {
  expect(wholePlatformText(read(text))).toBe(expected);
});

test.each(['', 'nobody', 'linux/', 'linux/amd64/v1/x', 'li nux/amd64', 'linux/am*64'])('%j is no platform', (text) => {
  expect(parseOciPlatform(text, LOCAL).ok).toBe(false);
});

test.each([
  ['linux/arm', 'linux/arm/v7', true],
  ['linux/arm/v6', 'linux/arm', false],
  ['linux/arm64/v8', 'linux/arm64', true],
  ['windows(10.0.17763.1817)/amd64', 'windows(10.0.17763)/amd64', true],
  ['windows(10.0.17763)/amd64', 'windows(10.0.20348)/amd64', false],
  ['windows(10.0.20348)/amd64', 'windows(10.0.26100)/amd64', true],
  ['windows/amd64', 'windows(10.0.26100)/amd64', true],
])('an image for %s is one for %s: %s', (image, wanted, expected) => {
  expect(isForPlatform(read(image), read(wanted))).toBe(expected);
});

test('what names no system is unknown', () => {
  expect(platformText({ os: '', architecture: 'amd64', variant: '', osVersion: '', osFeatures: [] })).toBe('unknown');
});
