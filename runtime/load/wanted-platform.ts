import type { DockerEngine } from '../docker/engine.ts';
import type { ImagePlatform } from '../registry/manifest.ts';
import type { WantedPlatform } from './chosen-image.ts';

/** What a user asks for; undefined: the platform of the engine. */
export type AskedPlatform = ImagePlatform | 'all' | undefined;

/**
 * Which images an engine is to have.
 *
 * @throws Error for all of them where the engine keeps one of each name
 */
export async function wantedPlatform(
  docker: DockerEngine,
  asked: AskedPlatform,
  { signal }: { readonly signal: AbortSignal },
): Promise<WantedPlatform> {
  if (asked === undefined) return { is: 'own', architecture: (await docker.version({ signal })).architecture };
  if (asked !== 'all') return { is: 'named', platform: asked };
  if ((await docker.info({ signal })).containerdStore) return { is: 'all' };
  throw new OnePlatformOnly();
}

/** The classic image store was asked to keep the images for several platforms. */
export class OnePlatformOnly extends Error {
  constructor() {
    super(
      'this Docker Engine keeps an image for one platform only; name one, or turn on its containerd image store ' +
        '("features": {"containerd-snapshotter": true} in daemon.json)',
    );
    this.name = 'OnePlatformOnly';
  }
}
