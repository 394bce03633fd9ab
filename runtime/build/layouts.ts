import path from 'node:path';
import { parseOciLayout } from '../../planner/options/oci-layout.ts';
import type { Result } from '../../planner/result.ts';
import { fail, ok } from '../../planner/result.ts';
import type { Target } from '../../planner/target.ts';
import type { InputMissing } from '../failure.ts';
import { parseDigest } from '../oci/digest.ts';
import type { Descriptor } from '../oci/layout.ts';
import { readIndex, taggedEntry } from '../oci/layout.ts';
import { ContentStore } from '../oci/store.ts';
import { randomId } from '../session/session.ts';

/** An OCI layout that is a named context: how the frontend is told, and the store it is read from. */
export interface LayoutContext {
  /** `oci-layout://STORE:TAG@DIGEST`. */
  readonly reference: string;
  readonly storeId: string;
  readonly store: ContentStore;
}

/** As many of the names in a layout are told to someone who named none of them. */
const NAMES_SHOWN = 5;

/**
 * The named contexts of a target that are OCI layouts, each resolved to the digest of its image: the one that is written,
 * else that of its tag, else the only one there is (docker/buildx `build/opt.go`).
 */
export async function layoutContexts(
  target: Target,
  cwd: string,
): Promise<Result<ReadonlyMap<string, LayoutContext>, InputMissing>> {
  const layouts = new Map<string, LayoutContext>();
  for (const [name, written] of Object.entries(target.contexts)) {
    const layout = parseOciLayout(written);
    if (layout === undefined) continue;
    const missing = (cause: string, hint?: string): Result<never, InputMissing> =>
      fail({
        reason: 'input-missing',
        target: target.name,
        what: `context "${name}"`,
        path: written,
        cause,
        ...(hint === undefined ? {} : { hint }),
      });
    const store = new ContentStore(path.resolve(cwd, layout.path), { readOnly: true });
    const found = layout.digest === undefined ? await tagged(store.folder, layout.tag ?? '') : ok(layout.digest);
    if (!found.ok) return missing(found.failure.cause, found.failure.hint);
    const digest = parseDigest(found.value);
    if (digest === undefined) return missing(`"${found.value}" is no digest`);
    if ((await store.info(digest)) === undefined) return missing(`it has no blob ${digest}`);
    const id = randomId();
    const tag = layout.tag === undefined ? '' : `:${layout.tag}`;
    layouts.set(name, { reference: `oci-layout://${id}${tag}@${digest}`, storeId: `oci:${id}`, store });
  }
  return ok(layouts);
}

async function tagged(
  folder: string,
  tag: string,
): Promise<Result<string, { readonly cause: string; readonly hint?: string }>> {
  let entries: readonly Descriptor[];
  try {
    entries = await readIndex(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const cause = code === 'ENOENT' || code === 'ENOTDIR' ? 'there is no index.json' : message;
    return fail({ cause: `it is no OCI layout: ${cause}` });
  }
  const [only, ...more] = entries;
  const found = taggedEntry(entries, tag) ?? (more.length === 0 ? only : undefined);
  if (found !== undefined) return ok(found.digest);
  const names = entries.flatMap(
    ({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] ?? ([] as readonly string[]),
  );
  const shown = [...new Set(names)].slice(0, NAMES_SHOWN).join(', ');
  return fail({
    cause: `nothing in it is tagged "${tag}"`,
    ...(shown === '' ? {} : { hint: `there is ${shown}` }),
  });
}
