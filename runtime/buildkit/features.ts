import { daemonCapabilities } from './capabilities.ts';
import type { BuildkitClient } from './client.ts';

/**
 * Something that a daemon has only from some release after 0.12 on (0.12 is the oldest we speak to), and that an older one
 * leaves out without a word, or refuses in words that help nobody.
 */
export interface Feature {
  /** What it is to the user. */
  readonly what: string;
  /** The BuildKit that first had it (found in moby/buildkit by its tags). */
  readonly since: string;
  /** The capability that came with it: its own, or another of the same release, which then stands for it. */
  readonly capability?: string;
}

/** The features that are asked for before they are used. */
export const FEATURES = {
  severalOutputs: { what: 'several outputs', since: '0.13', capability: 'exporter.multiple' },
  rewriteTimestamp: { what: 'rewrite-timestamp of an output', since: '0.13', capability: 'exporter.multiple' },
  finalizeHistory: { what: 'finalizing the record of a build', since: '0.15' },
  freeSpaceLimits: { what: 'limits of used and free space', since: '0.17', capability: 'gc.freespacefilter' },
  ociArtifact: { what: 'oci-artifact of an output', since: '0.19', capability: 'file.symlink.create' },
  devices: { what: 'devices', since: '0.20', capability: 'exec.meta.cdi' },
  historyFilters: { what: 'filters and limits of the history', since: '0.20', capability: 'history.filter' },
  provenanceVersion: { what: 'a version of provenance other than v0.2', since: '0.23' },
  deletingFolder: { what: 'mode=delete of a local output', since: '0.31', capability: 'passthroughop' },
} as const satisfies Readonly<Record<string, Feature>>;

/** Which Docker Engine first had a release of BuildKit inside (moby `go.mod`, `vendor.mod` by its tags). */
const DOCKER: Readonly<Record<string, string>> = {
  '0.13': '26.0',
  '0.14': '27.0',
  '0.15': '27.1',
  '0.16': '27.3',
  '0.17': '27.4',
  '0.18': '27.5',
  '0.19': '28.0',
  '0.20': '28.0',
  '0.21': '28.1',
  '0.22': '28.2',
  '0.23': '28.3',
  '0.24': '28.4',
  '0.25': '28.5',
  '0.26': '29.1',
  '0.27': '29.2',
  '0.28': '29.3',
  '0.29': '29.4',
  '0.30': '29.5',
  '0.31': '29.6',
  '0.32': '29.7',
};

/** A release as a person knows it. */
export function releaseText(since: string): string {
  const docker = DOCKER[since];
  return `BuildKit ${since}${docker === undefined ? '' : ` (Docker ${docker})`} or newer`;
}

/**
 * Which of the features a daemon does not have. Its version, if it is one, says that a feature is there; that one is not there
 * is the word of its capabilities, which are asked for only then: a version may be any word (`v0.0.0+unknown`). Where both say
 * nothing, the feature counts as there. Rejects as {@link daemonCapabilities}.
 */
export async function lacking<F extends Feature>(
  client: BuildkitClient,
  features: readonly F[],
  { version, signal }: { readonly version: string; readonly signal: AbortSignal },
): Promise<readonly F[]> {
  const doubtful = features.filter(({ since }) => isAtLeast(version, since) !== true);
  if (doubtful.length === 0) return [];
  const isTold = doubtful.some(({ capability }) => capability !== undefined);
  const capabilities = isTold ? await daemonCapabilities(client, { signal }) : new Set<string>();
  return doubtful.filter(({ capability, since }) =>
    capability === undefined ? isAtLeast(version, since) === false : !capabilities.has(capability),
  );
}

/** Whether a version is that of a release or a later one; undefined when it is no version. */
function isAtLeast(version: string, since: string): boolean | undefined {
  const [major, minor] = releaseOf(version) ?? [];
  const [wantedMajor = 0, wantedMinor = 0] = releaseOf(since) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function releaseOf(version: string): readonly [major: number, minor: number] | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)(?![\d])/.exec(version) ?? [];
  const isNone = major === undefined || minor === undefined || (Number(major) === 0 && Number(minor) === 0);
  return isNone ? undefined : [Number(major), Number(minor)];
}
