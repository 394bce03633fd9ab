import { didYouMean } from '../hcl/suggest.ts';
import { annotations } from './annotation.ts';
import { goFloat } from './go-float.ts';

const ULIMITS = new Set([
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]);

const MAX_LIMIT = 2n ** 63n - 1n;

/** What is wrong with a `ulimits` element (docker/go-units `ParseUlimit`); undefined when nothing is. */
export function ulimitProblem(text: string): string | undefined {
  const equals = text.indexOf('=');
  if (equals === -1) return `invalid ulimit argument: ${text}`;
  const name = text.slice(0, equals);
  if (!ULIMITS.has(name)) return `invalid ulimit type: ${name}`;
  const limits = text.slice(equals + 1).split(':');
  if (limits.length > 2)
    return `too many limit value arguments - ${text.slice(equals + 1)}, can only have up to two, \`soft[:hard]\``;
  if (!limits.every((limit) => /^-?\d+$/.test(limit))) return `invalid ulimit value in ${text}`;
  const [soft = 0n, hard = soft] = limits.map((limit) => BigInt(limit));
  if (soft > MAX_LIMIT || hard > MAX_LIMIT) return `a limit of ${text} is too large`;
  if (hard !== -1n && (soft === -1n || soft > hard))
    return `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`;
  return undefined;
}

/** What is wrong with an `annotations` element (buildx `util/buildflags/annotations.go`); undefined when nothing is. */
export function annotationProblem(text: string): string | undefined {
  const read = annotations(text);
  if (!read.ok) return read.failure;
  const problems = read.value.map(({ platform }) => (platform === undefined ? undefined : platformProblem(platform)));
  return problems.find((problem) => problem !== undefined);
}

/** What is wrong with a platform (containerd `platforms.Parse`); undefined when nothing is. */
export function platformProblem(text: string): string | undefined {
  for (const one of text.split(',').map((part) => part.trim())) {
    if (one === 'local') continue;
    const parts = one.split('/');
    if (parts.length > 3) return `${JSON.stringify(one)}: cannot parse platform specifier: invalid argument`;
    const bad = parts.find((part) => !/^[A-Za-z0-9_.-]+(?:\([^)]*\))?$/.test(part));
    if (bad !== undefined)
      return `${JSON.stringify(bad)} is an invalid component of ${JSON.stringify(one)}: platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument`;
    if (parts.length === 1 && !KNOWN_ALONE.test(one))
      return `${JSON.stringify(one)}: unknown operating system or architecture: invalid argument`;
  }
  return undefined;
}

const ARCHITECTURES = [
  '386', 'amd64', 'arm', 'arm64', 'loong64', 'mips', 'mips64', 'mips64le', 'mipsle', 'ppc64', 'ppc64le', 'riscv64', 's390x',
  'wasm', 'x86_64', 'x86-64', 'aarch64', 'i386', 'armhf', 'armel',
]; // prettier-ignore

/** A platform whose architecture nobody builds for, with what may have been meant; undefined for a known one. */
export function unknownArchitecture(
  text: string,
): { readonly architecture: string; readonly hint: string } | undefined {
  const [, architecture] = text.trim().toLowerCase().split('/');
  if (architecture === undefined || ARCHITECTURES.includes(architecture)) return undefined;
  return {
    architecture,
    hint: didYouMean(architecture, ARCHITECTURES, `known are ${ARCHITECTURES.slice(0, 13).join(', ')}`),
  };
}

const KNOWN_ALONE =
  /^(?:linux|windows|darwin|macos|freebsd|netbsd|openbsd|solaris|android|aix|dragonfly|illumos|ios|js|plan9|wasip1|386|i386|amd64|x86_64|x86-64|arm|armhf|armel|arm64|aarch64|loong64|mips|mipsle|mips64|mips64le|ppc|ppc64|ppc64le|riscv|riscv64|s390|s390x|sparc|sparc64|wasm)$/i;

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

/** Bytes of a size with a 1024-based unit (docker/go-units `RAMInBytes`); undefined when it is none. */
export function sizeBytes(text: string): number | undefined {
  const match = /^(.*[\d.]) ?(?:([kmgtp])i?b?|b)?$/i.exec(text);
  const size = goFloat(match?.[1] ?? '');
  if (size === undefined || size < 0) return undefined;
  return Math.trunc(size * (UNITS[(match?.[2] ?? '').toLowerCase()] ?? 1));
}
