import { goBool } from '../../planner/options/entries.ts';
import type { Attributes } from '../../planner/target.ts';
import type { PlannedExport } from '../buildkit/exporters.ts';
import type { ImageReference } from '../registry/image-reference.ts';
import { parseImageReference, tagged } from '../registry/image-reference.ts';

/** A name that an image is pushed under. */
export interface PushName {
  /** As the user wrote it. */
  readonly name: string;
  readonly reference: ImageReference;
}

/** A push that goes to several registries, taken out of the exports of a build. */
export interface SeparatePush {
  /** What the build itself exports: the image is made and kept, and not pushed. */
  readonly exports: readonly PlannedExport[];
  /** Of the exporter that would have pushed, without the names. */
  readonly attrs: Attributes;
  readonly names: readonly PushName[];
}

/**
 * BuildKit pushes the names of an image one after the other, and stops at the first that fails. Where they belong to several
 * registries, the push is taken out of the build; undefined where it stays there: one registry, nothing to push, several
 * exporters that push, or names that the builder is to judge.
 */
export function separatePush(exports: readonly PlannedExport[]): SeparatePush | undefined {
  const pushing = exports.filter(({ type, attrs }) => (type === 'image' || type === 'moby') && isSet(attrs['push']));
  const [one] = pushing;
  if (one === undefined || pushing.length > 1 || isSet(one.attrs['push-by-digest'])) return undefined;
  const { push: _push, name = '', ...attrs } = one.attrs;
  const names: PushName[] = [];
  for (const text of new Set(name.split(','))) {
    const reference = parseImageReference(text);
    if (!reference.ok || reference.value.digest !== undefined) return undefined;
    names.push({ name: text, reference: tagged(reference.value) });
  }
  if (new Set(names.map(({ reference }) => reference.registry)).size < 2) return undefined;
  const kept = { ...one, attrs: { ...attrs, name } };
  return { exports: exports.map((each) => (each === one ? kept : each)), attrs, names };
}

/** Go's `strconv.ParseBool`, and empty as true, as the image exporter reads it. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && (value === '' || goBool(value) === true);
}
