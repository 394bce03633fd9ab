import type { ImageName } from '../docker/api.ts';
import type { DockerEngine } from '../docker/engine.ts';
import type { ImageServer } from '../registry/image-server.ts';
import type { BlobSource } from '../registry/manifest.ts';
import { chooseImage, imagePlatformText } from './chosen-image.ts';
import type { AskedPlatform } from './wanted-platform.ts';
import { wantedPlatform } from './wanted-platform.ts';

/** An image that was built and is to be loaded. */
export interface BuiltImage {
  /** Of its manifest or index. */
  readonly digest: string;
  /** The names it is to have, each with a tag. */
  readonly tags: readonly ImageName[];
}

/** How a load goes on: the layer, and its bytes so far and in all. */
export type LoadProgress = (layer: string, currentBytes: number, totalBytes: number) => void;

/** What a load is given. */
export interface LoadOptions {
  readonly source: BlobSource;
  readonly docker: DockerEngine;
  /** Of an image for several platforms, which; absent: that of the engine. */
  readonly platform?: AskedPlatform;
  readonly onProgress: LoadProgress;
  readonly signal: AbortSignal;
}

/**
 * Has a Docker Engine pull an image from a server of ours that it reaches. What it asks for is read from the builder then: only the
 * layers it lacks travel, and nothing is kept on the way. Of an image for several platforms the engine gets its own, or
 * what was asked for; of one for none of its own the first. The names are given when all of it is there; the name it was pulled by is taken away in
 * any case.
 *
 * @throws Error when the builder lacks a part of it, the engine cannot reach the registry, or refuses
 */
export async function fastLoad(
  image: BuiltImage,
  { server, source, docker, platform, onProgress, signal }: LoadOptions & { readonly server: ImageServer },
): Promise<void> {
  const wanted = await wantedPlatform(docker, platform, { signal });
  const chosen = await chooseImage(image.digest, wanted, { source, signal });
  await using served = server.serve(chosen.root, source, { signal });
  const { repository, tag } = served;
  try {
    for (const one of chosen.images) {
      const isOwn = wanted.is === 'own' && one.platform.architecture === wanted.architecture;
      const options = { signal, ...(isOwn ? {} : { platform: imagePlatformText(one.platform) }) };
      for await (const { id, current, total } of docker.pullImage({ repository, tag }, options)) {
        if (id !== undefined && current !== undefined && total !== undefined) onProgress(id, current, total);
      }
    }
    for (const name of image.tags) await docker.tagImage(`${repository}:${tag}`, name, { signal });
  } finally {
    const goodbye = AbortSignal.timeout(GOODBYE_MS);
    await docker.removeImage(`${repository}:${tag}`, { signal: goodbye }).catch(isGone);
  }
}

/** How long the engine may take to forget the name that an image was pulled by. */
const GOODBYE_MS = 5_000;

/** An engine that does not answer any more has said so already. */
function isGone(): void {}
