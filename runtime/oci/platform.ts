import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';

/** What an image runs on (OCI image spec, image-index.md). Empty where nothing is said. */
export interface OciPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
  readonly osVersion: string;
  readonly osFeatures: readonly string[];
}

/** A platform of which only the two words are known that always are. */
export function plainPlatform(os: string, architecture: string, variant = ''): OciPlatform {
  return { os, architecture, variant, osVersion: '', osFeatures: [] };
}

/** `linux/arm/v7` (containerd `platforms.Format`). */
export function platformText({ os, architecture, variant }: OciPlatform): string {
  return os === '' ? 'unknown' : [os, architecture, variant].filter((part) => part !== '').join('/');
}

/** `windows(10.0.17763)/amd64` (containerd `platforms.FormatAll`). */
export function wholePlatformText(platform: OciPlatform): string {
  const { os, osVersion } = platform;
  return platformText(os === '' || osVersion === '' ? platform : { ...platform, os: `${os}(${osVersion})` });
}

/** The same under the names that Go has for it (containerd `platforms.Normalize`). */
export function normalPlatform(platform: OciPlatform): OciPlatform {
  const os = platform.os === '' ? 'linux' : platform.os.toLowerCase();
  return {
    ...platform,
    os: os === 'macos' ? 'darwin' : os,
    ...normalArchitecture(platform.architecture.toLowerCase(), platform.variant.toLowerCase()),
  };
}

function normalArchitecture(
  architecture: string,
  variant: string,
): { readonly architecture: string; readonly variant: string } {
  switch (architecture) {
    case 'i386':
      return { architecture: '386', variant: '' };
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      return { architecture: 'amd64', variant: variant === 'v1' ? '' : variant };
    case 'aarch64':
    case 'arm64':
      return { architecture: 'arm64', variant: ARM64_VARIANTS[variant] ?? variant };
    case 'armhf':
      return { architecture: 'arm', variant: 'v7' };
    case 'armel':
      return { architecture: 'arm', variant: 'v6' };
    case 'arm':
      return { architecture: 'arm', variant: ARM_VARIANTS[variant] ?? variant };
    default:
      return { architecture, variant };
  }
}

const ARM64_VARIANTS: Readonly<Record<string, string>> = {
  8: '',
  v8: '',
  'v8.0': '',
  9: 'v9',
  '9.0': 'v9',
  'v9.0': 'v9',
};

const ARM_VARIANTS: Readonly<Record<string, string>> = { '': 'v7', 5: 'v5', 6: 'v6', 7: 'v7', 8: 'v8' };

const KNOWN_SYSTEMS = new Set(
  'aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos'.split(
    ' ',
  ),
);

const KNOWN_ARCHITECTURES = new Set(
  '386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm'.split(
    ' ',
  ),
);

/** What this process runs on, in Go's names; for platforms of one word. */
export interface LocalPlatform {
  readonly os: string;
  readonly architecture: string;
}

/**
 * Reads `os[(version)]/architecture[/variant]`, an operating system, or an architecture (containerd `platforms.Parse`). Fails
 * with what is wrong.
 */
export function parseOciPlatform(text: string, local: LocalPlatform): Result<OciPlatform, string> {
  const [first = '', second, third, ...more] = text.split('/');
  const [, os = '', osVersion = ''] = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)\))?$/.exec(first) ?? [];
  const bad = [second, third].find((part) => part !== undefined && !/^[A-Za-z0-9_.-]+$/.test(part));
  if (os === '' || bad !== undefined || more.length > 0)
    return fail(`${JSON.stringify(text)} is no platform; linux/amd64 and linux/arm/v7 are`);
  const whole = normalPlatform({
    os,
    architecture: second ?? local.architecture,
    variant: third ?? '',
    osVersion,
    osFeatures: [],
  });
  if (second !== undefined) return ok(third === undefined ? withoutImplied(whole) : whole);
  if (KNOWN_SYSTEMS.has(whole.os)) return ok(withoutImplied(whole));
  const alone = normalPlatform(plainPlatform(local.os, first));
  if (KNOWN_ARCHITECTURES.has(alone.architecture)) return ok(withoutImplied(alone));
  return fail(`${JSON.stringify(text)}: neither an operating system nor an architecture of that name is known`);
}

/** `linux/arm` stays that in texts. */
function withoutImplied(platform: OciPlatform): OciPlatform {
  return platform.architecture === 'arm' && platform.variant === 'v7' ? { ...platform, variant: '' } : platform;
}

/** Whether an image for `has` is one for `wanted`: system, architecture and variant are the same (containerd `NewMatcher`). */
export function isForPlatform(has: OciPlatform, wanted: OciPlatform): boolean {
  const [image, host] = [normalPlatform(has), normalPlatform(wanted)];
  if (image.os !== host.os || image.architecture !== host.architecture || image.variant !== host.variant) return false;
  return host.os !== 'windows' || image.osVersion === '' || runsOnWindows(image.osVersion, host.osVersion);
}

/** From Windows Server 2022 on, newer releases run what was made for it or later; older ones run only their own. */
const FIRST_STABLE_BUILD = 20348;

function runsOnWindows(image: string, host: string): boolean {
  const [major, minor, build = 0] = host.split('.').map(Number);
  if (!(build > 0)) return true;
  const [imageMajor, imageMinor, imageBuild = 0] = image.split('.').map(Number);
  if (major !== imageMajor || minor !== imageMinor) return false;
  return build < FIRST_STABLE_BUILD ? imageBuild === build : imageBuild >= FIRST_STABLE_BUILD && imageBuild <= build;
}
