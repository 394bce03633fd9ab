import { calledMethod } from '../options/call.ts';
import { attestText } from '../options/entries.ts';

/** Flags that change every target, as they were given. */
export interface BakeFlags {
  readonly push?: boolean;
  readonly load?: boolean;
  readonly pull?: boolean;
  readonly noCache?: boolean;
  readonly provenance?: string;
  readonly sbom?: string;
  /** A method, with `format=` and others after a comma. */
  readonly call?: string;
}

/** The flags in the words of `--set`, in the order in which they count (buildx `commands/bake.go`). */
export function flagOverrides(flags: BakeFlags): readonly string[] {
  const overrides: string[] = [];
  if (flags.noCache !== undefined) overrides.push(`*.no-cache=${flags.noCache}`);
  if (flags.pull !== undefined) overrides.push(`*.pull=${flags.pull}`);
  for (const type of ['sbom', 'provenance'] as const) {
    const value = flags[type] ?? '';
    if (value !== '') overrides.push(`*.attest=${attestText(type, value)}`);
  }
  const method = calledMethod(flags.call);
  if (method !== undefined) overrides.push(`*.call=${method}`);
  if (flags.push === true) overrides.push('*.push=true');
  if (flags.load === true) overrides.push('*.load=true');
  return overrides;
}
