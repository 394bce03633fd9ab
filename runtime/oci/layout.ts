import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../files/make-folder.ts';
import { replaceFile } from '../files/replace-file.ts';
import type { Digest } from './digest.ts';
import { parseDigest } from './digest.ts';
import type { ContentStore } from './store.ts';

const IMAGE_NAME = 'io.containerd.image.name';
const REF_NAME = 'org.opencontainers.image.ref.name';
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

/** How long others may take to change an index; who holds it longer than that is gone. */
const LOCK_MS = 10_000;

const LOCK_PAUSE_MS = 20;

/** No manifest or index is larger (distribution's own limit). */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** How an index (or another manifest) names a piece of content. */
export interface Descriptor {
  readonly mediaType?: string;
  readonly digest: string;
  readonly size?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What an entry of an index goes by: the full name of an image, or only a tag. */
export type EntryName = { readonly image: string } | { readonly tag: string };

interface Index {
  readonly schemaVersion?: number;
  readonly mediaType?: string;
  readonly manifests?: readonly Descriptor[];
}

/** The content of a folder's index.json; throws for a folder that has none, or none that can be read. */
export async function readIndex(folder: string): Promise<readonly Descriptor[]> {
  return (await readWhole(path.join(folder, 'index.json'))).manifests ?? [];
}

/**
 * The entry that a tag names: first as the full name of an image, then as a tag (moby/buildkit `client/ociindex`).
 * Undefined where there is none.
 */
export function taggedEntry(entries: readonly Descriptor[], tag: string): Descriptor | undefined {
  return (
    entries.find(({ annotations }) => annotations?.[IMAGE_NAME] === tag) ??
    entries.find(({ annotations }) => annotations?.[REF_NAME] === tag)
  );
}

/**
 * Puts an entry under its names into a folder's index.json, in place of those that had them; the folder becomes a layout by
 * it. Readers find the old index or the new one, and of several who write at once none undoes what another did.
 */
export async function putEntry(folder: string, entry: Descriptor, names: readonly EntryName[]): Promise<void> {
  await makeFolder(folder);
  const file = path.join(folder, 'index.json');
  await withLock(`${file}.lock`, async () => {
    await replaceFile(path.join(folder, 'oci-layout'), (partial) =>
      writeFile(partial, '{"imageLayoutVersion":"1.0.0"}', { flag: 'wx' }),
    );
    const index = await readWhole(file).catch((error: NodeJS.ErrnoException): Index => {
      if (error.code === 'ENOENT') return {};
      throw error;
    });
    const manifests = names.reduce((entries, name) => withEntry(entries, entry, name), index.manifests ?? []);
    const text = JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, ...index, manifests });
    await replaceFile(file, (partial) => writeFile(partial, text, { flag: 'wx' }));
  });
}

/** Removes every blob that no entry of the index leads to. */
export async function removeUnreferenced(store: ContentStore): Promise<void> {
  const kept = new Set<string>();
  for (const entry of await readIndex(store.folder)) await collect(store, entry, kept);
  for await (const { digest } of store.list()) if (!kept.has(digest)) await store.delete(digest);
}

async function collect(store: ContentStore, entry: Descriptor, into: Set<string>): Promise<void> {
  if (into.has(entry.digest)) return;
  into.add(entry.digest);
  const digest = parseDigest(entry.digest);
  if (digest === undefined || !/manifest|index/.test(entry.mediaType ?? '')) return;
  for (const child of await children(store, digest)) await collect(store, child, into);
}

async function children(store: ContentStore, digest: Digest): Promise<readonly Descriptor[]> {
  const text = (await store.readWhole(digest, { maxBytes: MAX_MANIFEST_BYTES })).toString('utf8');
  const { manifests = [], layers = [], config } = JSON.parse(text) as Manifest;
  return [...manifests, ...layers, ...(config === undefined ? [] : [config])];
}

interface Manifest extends Index {
  readonly layers?: readonly Descriptor[];
  readonly config?: Descriptor;
}

function withEntry(entries: readonly Descriptor[], entry: Descriptor, name: EntryName): readonly Descriptor[] {
  const image = 'image' in name ? name.image : '';
  const ref = 'tag' in name ? name.tag : tagOf(name.image);
  const others = entries.filter(
    ({ annotations }) => (annotations?.[REF_NAME] ?? '') !== ref || (annotations?.[IMAGE_NAME] ?? '') !== image,
  );
  const annotations = { ...entry.annotations, ...(image === '' ? {} : { [IMAGE_NAME]: image }), [REF_NAME]: ref };
  const sorted = Object.fromEntries(Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1)));
  return [...others, { ...entry, annotations: sorted }];
}

/** What follows an image's repository: its tag, or `@` and a digest (containerd `pkg/reference`). */
function tagOf(image: string): string {
  const object = /^[^/]*\/[^:@]*([:@].*)$/s.exec(image)?.[1] ?? '';
  return object.startsWith(':') ? object.slice(1) : object;
}

async function readWhole(file: string): Promise<Index> {
  const text = await readFile(file, 'utf8');
  if (text === '') return {};
  const index: unknown = JSON.parse(text);
  if (typeof index !== 'object' || index === null) throw new Error(`${file} holds no index`);
  return index;
}

/** Of all who change an index one at a time, in this process and in others. */
async function withLock(file: string, work: () => Promise<void>): Promise<void> {
  const giveUpAt = Date.now() + 2 * LOCK_MS;
  while (!(await taken(file))) {
    if (Date.now() > giveUpAt) throw new Error(`could not lock ${file}`);
    const held = await stat(file).catch(() => undefined);
    if (held !== undefined && Date.now() - held.mtimeMs > LOCK_MS) await rm(file, { force: true });
    else await sleep(LOCK_PAUSE_MS);
  }
  try {
    await work();
  } finally {
    await rm(file, { force: true });
  }
}

function taken(file: string): Promise<boolean> {
  return writeFile(file, '', { flag: 'wx' }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
}
