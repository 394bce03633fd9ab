/** Raised when what a root holds changes; a root of another recipe is made anew. */
const RECIPE = 1;

/** The Debian release whose docker.io (28.5), docker-buildx and docker-compose are new enough. */
export const SUITE = 'forky';

/** dockerd and what it needs (git for git contexts), the peers of our tests, and the tools that make its network. */
export const PACKAGES = [
  'docker.io',
  'docker-cli',
  'docker-buildx',
  'docker-compose',
  'docker-registry',
  'skopeo',
  'git',
  'ca-certificates',
  'iproute2',
  'nftables',
  'qemu-user',
  'systemd-standalone-sysusers',
] as const;

/** No syncing of each file, no manuals, and of the 60 emulators just those for the architectures we build. */
export const DPKG_SETTINGS = `force-unsafe-io
path-exclude=/usr/share/man/*
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/info/*
path-exclude=/usr/bin/qemu-*
path-include=/usr/bin/qemu-aarch64
path-include=/usr/bin/qemu-x86_64
`;

/** Keeps packages from starting their daemons while they are installed (Debian's invoke-rc.d). */
export const POLICY = '#!/bin/sh\nexit 101\n';

/** What a daemon mounts its own folders on; the root is read-only by then. */
export const MOUNT_POINTS = ['var/lib/docker', 'etc/docker'] as const;

/** The architectures whose busybox is fetched for base images. */
export const BUSYBOX_ARCHITECTURES = ['amd64', 'arm64'] as const;

/** Tells a root (or a stage of one) of this recipe from one of another. */
export function stampText(): string {
  return `${JSON.stringify({ recipe: RECIPE, suite: SUITE, packages: PACKAGES })}\n`;
}
