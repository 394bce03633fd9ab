import type { Target } from '../../planner/target.ts';
import type { Result as FrontendResult } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import type { BuildkitClient } from '../buildkit/client.ts';
import { fetchLayers } from '../buildkit/export-again.ts';
import type { PlannedExport } from '../buildkit/exporters.ts';
import type { ImageName } from '../docker/api.ts';
import type { StatusUpdate } from '../event.ts';
import { FailureError } from '../failure.ts';
import type { BuiltImage, LoadProgress } from '../load/fast-load.ts';
import type { BlobSource } from '../registry/manifest.ts';
import { ownStep, skippedStep } from './own-step.ts';
import type { RegistryServices } from './registry-session.ts';
import { registrySession } from './registry-session.ts';

/** What the step of a load is called, whichever way it goes (docker/buildx `driver/docker`). */
export const LOAD_STEP = 'importing to docker';

/** One way to put an image into a Docker Engine. */
export type ImageLoader = (
  image: BuiltImage,
  options: { readonly source: BlobSource; readonly onProgress: LoadProgress; readonly signal: AbortSignal },
) => Promise<void>;

/** Puts images that a builder made into the local Docker Engine. */
export interface ImageLoaders {
  /** Has it pull what it lacks ({@link fastLoad}). */
  readonly pull: ImageLoader;
  /** Sends it everything ({@link archiveLoad}), where a pull has failed. */
  readonly send: ImageLoader;
}

/** The names under which a target's image can be pulled into Docker; undefined where the builder's own archive has to do. */
export function pullableNames(target: Target, exports: readonly PlannedExport[]): readonly ImageName[] | undefined {
  if (!exports.some(({ sink }) => sink?.kind === 'load')) return undefined;
  const names = target.tags.map(imageName);
  const isWhole = names.every((name) => name !== undefined);
  return isWhole && names.length > 0 ? names : undefined;
}

/** The repository and the tag of a name; undefined for one with a digest. */
function imageName(text: string): ImageName | undefined {
  const [, repository = '', tag = 'latest'] = /^([^@]*?)(?::([^:/@]*))?$/.exec(text) ?? [];
  return repository === '' ? undefined : { repository, tag };
}

/**
 * Loads an image as a step of the build: the fast way, or the slow one after saying why.
 * @throws FailureError `load-failed` when the slow way fails as well
 */
export async function loadImage(
  image: BuiltImage,
  {
    target,
    loaders,
    client,
    result,
    services,
    onStatus,
    signal,
  }: {
    readonly target: string;
    readonly loaders: ImageLoaders;
    readonly client: BuildkitClient;
    /** What the frontend made of the target. */
    readonly result: FrontendResult | undefined;
    readonly services: RegistryServices;
    readonly onStatus: (update: StatusUpdate) => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const source = builtBlobs(client, { result, services, onStatus });
  const load = (loader: ImageLoader): Promise<void> =>
    ownStep(LOAD_STEP, onStatus, (onProgress) => loader(image, { source, onProgress, signal }));
  try {
    await load(loaders.pull);
  } catch (error) {
    signal.throwIfAborted();
    await skippedStep(
      'sending the image as an archive instead',
      error instanceof Error ? error.message : String(error),
      onStatus,
    );
    try {
      await load(loaders.send);
    } catch (slow) {
      signal.throwIfAborted();
      const cause = slow instanceof Error ? slow.message : String(slow);
      throw new FailureError({ reason: 'load-failed', target, cause }, { cause: slow });
    }
  }
}

/** What a builder holds of an image it has just built; what it never had to fetch of a base image it fetches when asked. */
export function builtBlobs(
  client: BuildkitClient,
  {
    result,
    services,
    onStatus,
  }: {
    readonly result: FrontendResult | undefined;
    readonly services: RegistryServices;
    readonly onStatus: (update: StatusUpdate) => void;
  },
): BlobSource {
  const source: BlobSource = {
    read: (digest, options) => client.readBlob(digest, options),
    has: (digest, options) => client.hasBlob(digest, options),
  };
  if (result === undefined) return source;
  return {
    ...source,
    fetchMissing: async ({ os, architecture }, { signal }) => {
      const wants = (platform: string): boolean => `${platform}/`.startsWith(`${os}/${architecture}/`);
      const session = registrySession(services, onStatus);
      await fetchLayers(client, { result, session, wants }, { onStatus, signal });
    },
  };
}
