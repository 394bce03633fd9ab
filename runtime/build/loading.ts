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
import { ownStep } from './own-step.ts';
import type { RegistryServices } from './registry-session.ts';
import { registrySession } from './registry-session.ts';

/** What the step of a load is called, whichever way it goes (docker/buildx `driver/docker`). */
export const LOAD_STEP = 'importing to docker';

/** One way to put images that a builder made into a Docker Engine. */
export interface ImageLoader {
  /** What is said of it when the way before it has failed: `sent as an archive`. */
  readonly name: string;
  /** Whether it helps where the way before it failed so; absent: always. */
  readonly helpsAfter?: (error: unknown) => boolean;
  /** Called when a build begins whose image will be loaded: what takes time may begin. */
  readonly prepare?: () => void;
  load(
    image: BuiltImage,
    options: { readonly source: BlobSource; readonly onProgress: LoadProgress; readonly signal: AbortSignal },
  ): Promise<void>;
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
 * Loads an image as a step of the build: in the first way, or where that fails in the next that helps then, after saying why.
 * @throws FailureError `load-failed` when the last way fails as well
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
    readonly loaders: readonly ImageLoader[];
    readonly client: BuildkitClient;
    /** What the frontend made of the target. */
    readonly result: FrontendResult | undefined;
    readonly services: RegistryServices;
    readonly onStatus: (update: StatusUpdate) => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const source = builtBlobs(client, { result, services, onStatus });
  let name = LOAD_STEP;
  for (let rest = loaders; ;) {
    const [loader, ...others] = rest;
    if (loader === undefined) throw new Error('there is no way into Docker');
    let next: readonly ImageLoader[] = [];
    const attempt = async (onProgress: LoadProgress): Promise<unknown> => {
      try {
        await loader.load(image, { source, onProgress, signal });
        return undefined;
      } catch (error) {
        next = others.filter(({ helpsAfter }) => helpsAfter?.(error) !== false);
        // What fails and has another way is no failure of the build: the next step says why it is there.
        if (next.length > 0 && !signal.aborted) return error;
        throw error;
      }
    };
    const why = await ownStep(name, onStatus, attempt).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new FailureError({ reason: 'load-failed', target, cause: inWords(error) }, { cause: error });
    });
    if (why === undefined) return;
    name = `${LOAD_STEP}: ${next[0]?.name}, since ${inWords(why)}`;
    rest = next;
  }
}

function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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
