import path from 'node:path';
import { goBool } from '../../planner/options/entries.ts';
import type { Target, TypedEntry } from '../../planner/target.ts';
import type { Unsupported } from '../failure.ts';
import { parseDigest } from '../oci/digest.ts';
import { readIndex, taggedEntry } from '../oci/layout.ts';
import { ContentStore } from '../oci/store.ts';
import { withCredentials } from './cache-credentials.ts';

/** The caches of a target as its builder is told of them. */
export interface PlannedCaches {
  readonly imports: readonly TypedEntry[];
  readonly exports: readonly TypedEntry[];
  /** Local folders by the names that the builder asks for. */
  readonly stores: ReadonlyMap<string, ContentStore>;
  /** Exports into folders, whose indexes are ours to write once the blobs are there. */
  readonly kept: readonly KeptCache[];
  /** Imports that are of no use, with why: a build goes on without them. */
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
}

/** A folder that a cache is exported to. */
export interface KeptCache {
  /** As the user wrote it. */
  readonly dest: string;
  readonly store: ContentStore;
  readonly tag: string;
  /** Whether blobs that nothing leads to are removed afterwards. */
  readonly resets: boolean;
}

const DEFAULT_TAG = 'latest';

/** What is wrong with a target's cache entries, before anything is built. */
export function cacheProblem(target: Target): Unsupported | undefined {
  const missing = (what: string, hint: string): Unsupported => ({
    reason: 'unsupported',
    what: `${what} (target "${target.name}")`,
    hint,
  });
  for (const { type, attrs } of target.cacheTo) {
    if (type === 'local' && (attrs.dest ?? '') === '')
      return missing('a local cache to export without dest', 'write type=local,dest=FOLDER');
    if (type === 'local' && attrs.reset !== undefined && goBool(attrs.reset) === undefined)
      return missing(`reset=${attrs.reset} of a local cache`, 'write reset=true or reset=false');
    if (type === 'registry' && (attrs.ref ?? '') === '')
      return missing('a registry cache to export without ref', 'write type=registry,ref=REGISTRY/NAME:TAG');
  }
  for (const { type, attrs } of target.cacheFrom) {
    if (type === 'local' && (attrs.src ?? '') === '')
      return missing('a local cache to import without src', 'write type=local,src=FOLDER');
    if (type === 'local' && attrs.tag === '' && (attrs.digest ?? '') === '')
      return missing('a local cache to import with an empty tag', 'name a tag or a digest');
    if (type === 'registry' && (attrs.ref ?? '') === '')
      return missing('a registry cache to import without ref', 'write type=registry,ref=REGISTRY/NAME:TAG');
  }
  return undefined;
}

/**
 * Opens the caches of a target (moby/buildkit `client/solve.go`, `parseCacheOptions`): local ones are folders of ours that
 * the builder reads and writes over the session, others are the builder's own business.
 */
export async function plannedCaches(
  target: Target,
  { cwd, env }: { readonly cwd: string; readonly env: ReadonlyMap<string, string> },
): Promise<PlannedCaches> {
  const inline = goBool(target.args.BUILDKIT_INLINE_CACHE ?? '') === true ? [{ type: 'inline', attrs: {} }] : [];
  const exports = [...target.cacheTo, ...inline].flatMap((entry) => withCredentials(entry, env) ?? []);
  const stores = new Map<string, ContentStore>();
  const kept: KeptCache[] = [];
  for (const { type, attrs } of exports) {
    if (type !== 'local') continue;
    const { dest = '', tag = DEFAULT_TAG, reset } = attrs;
    const store = new ContentStore(path.resolve(cwd, dest));
    stores.set(storeId(dest), store);
    kept.push({ dest, store, tag, resets: reset !== undefined && goBool(reset) === true });
  }
  const imports: TypedEntry[] = [];
  const skipped: { readonly name: string; readonly why: string }[] = [];
  for (const entry of target.cacheFrom.flatMap((one) => withCredentials(one, env) ?? [])) {
    if (entry.type !== 'local') {
      imports.push(entry);
      continue;
    }
    const { src = '' } = entry.attrs;
    const store = stores.get(storeId(src)) ?? new ContentStore(path.resolve(cwd, src), { readOnly: true });
    const digest = await importedDigest(store, entry.attrs).catch((error: Error) => error);
    if (digest instanceof Error) {
      skipped.push({ name: `importing cache manifest from local:${src}`, why: digest.message });
      continue;
    }
    stores.set(storeId(src), store);
    imports.push({ ...entry, attrs: { ...entry.attrs, digest } });
  }
  return { imports, exports, stores, kept, skipped };
}

/** The builder finds a store by the words of the entry, whatever folder they mean. */
function storeId(written: string): string {
  return `local:${written}`;
}

async function importedDigest(
  store: ContentStore,
  { digest: written = '', tag = DEFAULT_TAG }: TypedEntry['attrs'],
): Promise<string> {
  const text = written === '' ? taggedEntry(await entriesOf(store.folder), tag)?.digest : written;
  if (text === undefined) throw new Error(`no digest found for tag ${tag}`);
  const digest = parseDigest(text);
  if (digest === undefined) throw new Error(`"${text}" is no digest`);
  if ((await store.info(digest)) === undefined) throw new Error(`there is no blob ${digest}`);
  return digest;
}

async function entriesOf(folder: string): ReturnType<typeof readIndex> {
  return readIndex(folder).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' || error.code === 'ENOTDIR' ? new Error('there is no cache yet') : error;
  });
}
