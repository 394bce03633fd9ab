import { annotations } from '../../planner/options/annotation.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { IndexAnnotation } from '../../runtime/oci/combine.ts';
import type { LocalPlatform, OciPlatform } from '../../runtime/oci/platform.ts';
import { parseOciPlatform } from '../../runtime/oci/platform.ts';

/** `--annotation` of an index: those of images are in their manifests, which stay as they are. */
export function indexAnnotations(texts: readonly string[]): Result<readonly IndexAnnotation[], string> {
  const found: IndexAnnotation[] = [];
  for (const text of texts.filter((one) => one !== '')) {
    const read = annotations(text);
    if (!read.ok) return read;
    for (const { type, platform, key, value } of read.value) {
      if (type !== 'index' && type !== 'manifest-descriptor')
        return fail(
          `${JSON.stringify(text)} is for ${type === undefined ? 'a manifest' : `the ${type}`}, which stays as it is; write index:KEY=VALUE or manifest-descriptor:KEY=VALUE`,
        );
      const parsed = platform === undefined ? undefined : parseOciPlatform(platform, localPlatform());
      if (parsed?.ok === false) return fail(`${JSON.stringify(text)}: ${parsed.failure}`);
      found.push({ type, key, value, ...(parsed === undefined ? {} : { platform: parsed.value }) });
    }
  }
  return ok(found);
}

/** `--platform`, which may hold several, with commas between. */
export function askedPlatforms(texts: readonly string[]): Result<readonly OciPlatform[], string> {
  const found: OciPlatform[] = [];
  for (const text of texts.flatMap((one) => one.split(','))) {
    const platform = parseOciPlatform(text, localPlatform());
    if (!platform.ok) return platform;
    found.push(platform.value);
  }
  return ok(found);
}

const ARCHITECTURES: Readonly<Partial<Record<NodeJS.Architecture, string>>> = { x64: 'amd64', ia32: '386' };

/** What this process runs on, in Go's names. */
function localPlatform(): LocalPlatform {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  return { os, architecture: ARCHITECTURES[process.arch] ?? process.arch };
}
