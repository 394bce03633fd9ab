import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { OciDescriptor } from './descriptor.ts';
import { readDescriptor } from './descriptor.ts';
import { isRecord, parsedJson } from './json-fields.ts';

/** What a manifest names (OCI image spec, manifest.md). */
export interface ImageManifest {
  readonly config: OciDescriptor;
  readonly layers: readonly OciDescriptor[];
}

/** Reads the bytes of a manifest. Fails with what is wrong with them. */
export function readImageManifest(bytes: Uint8Array): Result<ImageManifest, string> {
  const json = parsedJson(bytes);
  if (!isRecord(json)) return fail('it is no JSON object');
  const config = readDescriptor(json['config']);
  if (!config.ok) return fail(`its config: ${config.failure}`);
  const listed = json['layers'] ?? [];
  if (!Array.isArray(listed)) return fail('its layers are no list');
  const layers: OciDescriptor[] = [];
  for (const one of listed) {
    const layer = readDescriptor(one);
    if (!layer.ok) return fail(`a layer: ${layer.failure}`);
    layers.push(layer.value);
  }
  return ok({ config: config.value, layers });
}
