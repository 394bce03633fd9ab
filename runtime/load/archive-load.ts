import { chooseImage } from './chosen-image.ts';
import type { BuiltImage, LoadOptions } from './fast-load.ts';
import { imageArchive } from './image-archive.ts';

/**
 * Sends an image to a Docker Engine, wherever it is, as an archive that is made of what the builder holds: the slow way, which
 * moves every layer. The image is the one that a fast load would have given, of the same digest.
 *
 * @throws Error when the builder lacks a part of it, or the engine refuses
 */
export async function archiveLoad(
  image: BuiltImage,
  { source, docker, onProgress, signal }: LoadOptions,
): Promise<void> {
  const { architecture } = await docker.version({ signal });
  const { root, manifest } = await chooseImage(image.digest, architecture, { source, signal });
  const archive = imageArchive({ root, chosen: manifest, names: image.tags }, { source, signal });
  const total = manifest.blobs.reduce((sum, { size }) => sum + size, 0);
  for await (const _line of docker.loadImages(counted(archive, total, onProgress), { signal })) continue;
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  total: number,
  onProgress: LoadOptions['onProgress'],
): AsyncGenerator<Uint8Array, void, undefined> {
  let sent = 0;
  for await (const chunk of chunks) {
    sent += chunk.length;
    onProgress('sending archive', Math.min(sent, total), total);
    yield chunk;
  }
}
