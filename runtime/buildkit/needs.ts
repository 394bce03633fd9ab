import { goBool } from '../../planner/options/entries.ts';
import type { Target } from '../../planner/target.ts';
import type { PlannedExport } from './exporters.ts';
import type { Feature } from './features.ts';
import { FEATURES } from './features.ts';

/** The only version of provenance that every daemon writes. */
const OLD_PROVENANCE = 'v0.2';

/** What a target and its outputs need that an older daemon would leave out without a word, or refuse in a way that helps nobody. */
export function neededFeatures(target: Target, exports: readonly PlannedExport[]): readonly Feature[] {
  const needed: Feature[] = [];
  const isAsked = (key: string): boolean => exports.some(({ attrs }) => goBool(attrs[key] ?? '') === true);
  if (exports.length > 1) needed.push(FEATURES.severalOutputs);
  if (isAsked('rewrite-timestamp')) needed.push(FEATURES.rewriteTimestamp);
  if (isAsked('oci-artifact')) needed.push(FEATURES.ociArtifact);
  if (exports.some(({ sink }) => sink?.kind === 'folder' && sink.deletes)) needed.push(FEATURES.deletingFolder);
  if (target.entitlements.some((one) => /^device(?:=|$)/.test(one))) needed.push(FEATURES.devices);
  if (target.attest.some(({ type, disabled, attrs }) => type === 'provenance' && !disabled && isNewer(attrs.version)))
    needed.push(FEATURES.provenanceVersion);
  return needed;
}

function isNewer(version: string | undefined): boolean {
  return version !== undefined && version !== OLD_PROVENANCE;
}
