import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { putEntry, readIndex, taggedEntry } from '../../../runtime/oci/layout.ts';
import { tempFolder } from '../../rig/folder.ts';

function entry(letter: string): { readonly mediaType: string; readonly digest: string; readonly size: number } {
  return { mediaType: 'application/vnd.oci.image.index.v1+json', digest: `sha256:${letter.repeat(64)}`, size: 3 };
}

test('a first entry makes a folder a layout, in the form that BuildKit writes', async () => {
  await using folder = await tempFolder('layout');
  const layout = join(folder.path, 'new');
  await putEntry(layout, entry('a'), [{ tag: 'latest' }]);
  expect(await readFile(join(layout, 'oci-layout'), 'utf8')).toBe('{"imageLayoutVersion":"1.0.0"}');
  expect(await readFile(join(layout, 'index.json'), 'utf8')).toBe(
    `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:${'a'.repeat(64)}","size":3,"annotations":{"org.opencontainers.image.ref.name":"latest"}}]}`,
  );
  expect((await readdir(layout)).sort()).toEqual(['index.json', 'oci-layout']);
});

test('an image goes by its name, and by the tag in it; the same name takes its place over', async () => {
  await using folder = await tempFolder('layout');
  const names = [
    'docker.io/library/app:1.2',
    'a.example:5000/b/c:x',
    `a.example/d@sha256:${'e'.repeat(64)}`,
    'a.example/f',
  ];
  for (const image of names) await putEntry(folder.path, entry('a'), [{ image }]);
  await putEntry(folder.path, entry('b'), [{ image: 'docker.io/library/app:1.2' }, { tag: '1.2' }]);
  const entries = await readIndex(folder.path);
  const refs = entries.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name']);
  expect(refs).toEqual(['x', `@sha256:${'e'.repeat(64)}`, '', '1.2', '1.2']);
  expect(taggedEntry(entries, 'docker.io/library/app:1.2')?.digest).toBe(entry('b').digest);
  expect(taggedEntry(entries, 'x')?.digest).toBe(entry('a').digest);
  expect(taggedEntry(entries, 'none')).toBeUndefined();
});

test('of many who write at once none undoes another, and what else is in the index stays', async () => {
  await using folder = await tempFolder('layout');
  await writeFile(join(folder.path, 'index.json'), '{"schemaVersion":2,"annotations":{"own":"x"},"manifests":[]}');
  const tags = Array.from({ length: 30 }, (_, at) => `t${at}`);
  await Promise.all(tags.map((tag) => putEntry(folder.path, entry('a'), [{ tag }])));
  const found = (await readIndex(folder.path)).map((one) => one.annotations?.['org.opencontainers.image.ref.name']);
  expect(found.sort()).toEqual([...tags].sort());
  expect(JSON.parse(await readFile(join(folder.path, 'index.json'), 'utf8'))).toMatchObject({
    annotations: { own: 'x' },
  });
});

test('a lock that someone left behind is passed over', async () => {
  await using folder = await tempFolder('layout');
  const lock = join(folder.path, 'index.json.lock');
  await writeFile(lock, '');
  await utimes(lock, 1, 1);
  await putEntry(folder.path, entry('a'), [{ tag: 'latest' }]);
  expect(await readIndex(folder.path)).toHaveLength(1);
});

test('an index that cannot be read is left as it is', async () => {
  await using folder = await tempFolder('layout');
  await writeFile(join(folder.path, 'index.json'), '{"manifests": [');
  await expect(putEntry(folder.path, entry('a'), [{ tag: 'latest' }])).rejects.toThrow(/JSON/);
  expect(await readFile(join(folder.path, 'index.json'), 'utf8')).toBe('{"manifests": [');
  expect((await readdir(folder.path)).sort()).toEqual(['index.json', 'oci-layout']);
});
