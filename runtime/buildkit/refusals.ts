import { releaseText } from './features.ts';

/**
 * Since when there is what a daemon or its frontend may refuse by name: capabilities (moby/buildkit `solver/pb/caps.go`,
 * `frontend/gateway/pb/caps.go`), those of the Dockerfile frontend, and its questions.
 */
const SINCE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '0.13': ['exporter.multiple', 'exec.mount.cache.content', 'source.metaresolver'],
    '0.14': ['file.copy.alwaysreplaceexistingdestpaths', 'frontend.lint'],
    '0.17': ['exec.validexitcode', 'file.copy.modestring', 'gc.freespacefilter'],
    '0.19': ['file.symlink.create'],
    '0.20': ['exec.meta.cdi', 'history.filter'],
    '0.21': ['exporter.session', 'source.http.auth', 'source.http.header', 'source.local.metadatatransfer'],
    '0.22': ['source.git.checksum'],
    '0.24': ['source.git.skipsubmodules', 'moby.buildkit.frontend.gitquerystring'],
    '0.25': ['source.image.checksum'],
    '0.26': ['file.copy.requiredpaths', 'source.git.signatureverify', 'source.policy.session'],
    '0.27': ['gateway.exec.filesystem'],
    '0.28': ['source.http.signatureverify', 'source.imageblob', 'source.metaresolver.image.attestations'],
    '0.29': ['source.git.mtime'],
    '0.30': ['source.git.bundle', 'source.git.checkoutbundle', 'source.git.fetchbycommit'],
    '0.31': ['exec.meta.linux.resources', 'exec.meta.network.proxy', 'passthroughop'],
  }).flatMap(([since, names]) => names.map((name) => [name, since] as const)),
);

/** How a daemon says that it is too old for something, and what for. */
const REFUSALS = [
  /unknown API capability (\S+)/,
  /requested (?:\w+ )?feature (\S+) .*is not supported by build server/,
  /unsupported frontend capability (\S+)/,
  /unsupported request (frontend\.\S+)/,
];

/** What would help, where a daemon's error says that it is too old for something; undefined where it does not. */
export function newerDaemonHint(message: string): string | undefined {
  const name = REFUSALS.map((refusal) => refusal.exec(message)?.[1]).find((one) => one !== undefined);
  const since = name === undefined ? undefined : SINCE.get(name);
  if (since === undefined) return undefined;
  const isFrontend = name?.includes('frontend.') === true;
  const frontend = isFrontend ? ', or a newer Dockerfile frontend (BUILDKIT_SYNTAX=docker/dockerfile:1),' : '';
  return `this builder is too old for it: ${releaseText(since)}${frontend} has ${name}`;
}
