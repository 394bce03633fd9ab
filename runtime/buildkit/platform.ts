/** A platform in parts, normalised (containerd `platforms`: `x86_64` is `amd64`, `arm64/v8` is `arm64`). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
}

const ARCHITECTURES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  aarch64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
  i386: ['386'],
  i686: ['386'],
};

const OPERATING_SYSTEMS = new Set(['linux', 'windows', 'darwin', 'freebsd', 'wasi']);

/**
 * Reads `os[/arch[/variant]]`, an architecture alone, or an operating system alone; what is missing comes from
 * `fallback`, the builder's own platform. `local` is the builder's own.
 */
export function parsePlatform(text: string, fallback: Platform): Platform {
  const [first = '', second, third] = text.trim().toLowerCase().split('/');
  if (first === '' || first === 'local') return fallback;
  if (second === undefined) {
    if (OPERATING_SYSTEMS.has(first)) return { ...fallback, os: first };
    return normalise({ os: fallback.os, architecture: first, variant: '' });
  }
  return normalise({ os: first === 'macos' ? 'darwin' : first, architecture: second, variant: third ?? '' });
}

/** `os/arch[/variant]`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === '' ? [] : [variant])].join('/');
}

function normalise({ os, architecture, variant }: Platform): Platform {
  const [name, implied = variant] = ARCHITECTURES[architecture] ?? [architecture];
  if (name === 'arm64' && (implied === 'v8' || implied === '8')) return { os, architecture: name, variant: '' };
  if (name === 'amd64' && implied === 'v1') return { os, architecture: name, variant: '' };
  if (name === 'arm') return { os, architecture: name, variant: armVariant(implied) };
  return { os, architecture: name, variant: implied };
}

function armVariant(variant: string): string {
  if (variant === '') return 'v7';
  return /^\d$/.test(variant) ? `v${variant}` : variant;
}
