import type { TypedEntry } from '../target.ts';

/** What `--push` (or `push=false`) makes of a target's outputs (buildx `bake/bake.go`, `setPushOverride`). */
export function pushed(outputs: readonly TypedEntry[], push: boolean): readonly TypedEntry[] {
  if (!push) {
    return outputs
      .filter(({ type }) => type !== 'registry')
      .map((one) => (one.type === 'image' ? { ...one, attrs: { ...one.attrs, push: 'false' } } : one));
  }
  const all = outputs.map((one) => (one.type === 'image' ? { ...one, attrs: { ...one.attrs, push: 'true' } } : one));
  const adds = outputs.every(({ type }) => type === 'docker');
  return adds ? [...all, { type: 'image', attrs: { push: 'true' } }] : all;
}

/** What `--load` makes of a target's outputs (buildx `bake/bake.go`, `setLoadOverride`). */
export function loaded(outputs: readonly TypedEntry[]): readonly TypedEntry[] {
  const loads = outputs.some(({ type, attrs }) => type === 'docker' && attrs.dest === undefined);
  const others = outputs.some(({ type }) => !['docker', 'image', 'registry', 'oci'].includes(type));
  return loads || others ? outputs : [...outputs, { type: 'docker', attrs: {} }];
}
