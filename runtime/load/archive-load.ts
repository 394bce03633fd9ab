import { chooseImage } from './chosen-image.ts';
import type { BuiltImage, LoadOptions } from './fast-load.ts';
import { imageArchive } from './image-archive.ts';
import { wantedPlatform } from './wanted-platform.ts';

/**
 * Sends an image to a Docker Engine, wherever it is, as an archive that is made of what the builder holds: the slow way, which
 * moves every layer. The image is the one that a fast load would have given, of the same digest.
 *
 * @throws Error when the builder lacks a part of it, or the engine refuses
 */
export async function archiveLoad(
  image: BuiltImage,
  { source, docker, platform, onProgress, signal }: LoadOptions,
): Promise<void> {
  const wanted = await wantedPlatform(docker, platform, { signal });
  const { root, images } = await chooseImage(image.digest, wanted, { source, signal });
  const manifests = images.map(({ manifest }) => manifest);
  const archive = imageArchive({ root, chosen: manifests, names: image.tags }, { source, signal });
  const total = manifests.flatMap(({ blobs }) => blobs).reduce((sum, { size }) => sum + size, 0);
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
