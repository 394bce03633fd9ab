import type { Target } from '../../planner/target.ts';
import type { BuildkitClient } from '../buildkit/client.ts';
import type { PlannedExport } from '../buildkit/exporters.ts';
import type { ImageName } from '../docker/api.ts';
import type { StatusUpdate } from '../event.ts';
import type { BuiltImage, LoadProgress } from '../load/fast-load.ts';
import type { BlobSource } from '../registry/manifest.ts';
import { ownStep, skippedStep } from './own-step.ts';

/** What the step of a load is called, whichever way it goes (docker/buildx `driver/docker`). */
export const LOAD_STEP = 'importing to docker';

/** Has the local Docker Engine pull an image out of a builder ({@link fastLoad}). */
export type ImageLoader = (
  image: BuiltImage,
  options: { readonly source: BlobSource; readonly onProgress: LoadProgress; readonly signal: AbortSignal },
) => Promise<void>;

/**
 * The names under which a target's image can be pulled into Docker; undefined where an archive has to do: without a load or a
 * name, and for what could not be built again if the pull failed: a target made from others, a context that came by stdin.
 */
export function pullableNames(target: Target, exports: readonly PlannedExport[]): readonly ImageName[] | undefined {
  const isLoaded = exports.some(({ sink }) => sink?.kind === 'load');
  const isLinked = Object.values(target.contexts).some((context) => context.startsWith('target:'));
  if (!isLoaded || isLinked || target.context === '-') return undefined;
  const names = target.tags.map(imageName);
  const isWhole = names.every((name) => name !== undefined);
  return isWhole && names.length > 0 ? names : undefined;
}

/** The repository and the tag of a name; undefined for one with a digest. */
function imageName(text: string): ImageName | undefined {
  const [, repository = '', tag = 'latest'] = /^([^@]*?)(?::([^:/@]*))?$/.exec(text) ?? [];
  return repository === '' ? undefined : { repository, tag };
}

/** Loads an image the fast way, as a step of the build. False, after saying why, when it has to be sent as an archive. */
export async function isLoadedFast(
  image: BuiltImage,
  {
    loadImage,
    client,
    onStatus,
    signal,
  }: {
    readonly loadImage: ImageLoader;
    readonly client: BuildkitClient;
    readonly onStatus: (update: StatusUpdate) => void;
    readonly signal: AbortSignal;
  },
): Promise<boolean> {
  const source: BlobSource = {
    read: (digest, options) => client.readBlob(digest, options),
    has: (digest, options) => client.hasBlob(digest, options),
  };
  try {
    await ownStep(LOAD_STEP, onStatus, (onProgress) => loadImage(image, { source, onProgress, signal }));
    return true;
  } catch (error) {
    signal.throwIfAborted();
    await skippedStep(
      'sending the image as an archive instead',
      error instanceof Error ? error.message : String(error),
      onStatus,
    );
    return false;
  }
}
