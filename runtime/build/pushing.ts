import type { Result as FrontendResult } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import { goBool } from '../../planner/options/entries.ts';
import type { BuildkitClient } from '../buildkit/client.ts';
import { wireError } from '../buildkit/error.ts';
import type { HeldResult } from '../buildkit/export-again.ts';
import { exportAgain, holdResult } from '../buildkit/export-again.ts';
import type { StatusUpdate } from '../event.ts';
import type { PushFailed } from '../failure.ts';
import { parseDigest } from '../oci/digest.ts';
import { putBuilt } from '../push/put-built.ts';
import { repositoryText } from '../registry/image-reference.ts';
import { readManifest } from '../registry/manifest.ts';
import type { Manifest } from '../registry/manifest.ts';
import type { Patience } from '../registry/patience.ts';
import { patiently } from '../registry/patience.ts';
import { Registries } from '../registry/registries.ts';
import { RegistryError } from '../registry/registry-error.ts';
import { builtBlobs } from './loading.ts';
import { ownStep, skippedStep } from './own-step.ts';
import type { StepProgress } from './own-step.ts';
import { isPassing } from './passing.ts';
import type { RegistryServices } from './registry-session.ts';
import { registrySession } from './registry-session.ts';
import type { PushName, SeparatePush } from './separate-push.ts';

/** What came of one name. */
export type PushResult =
  | { readonly name: string; readonly is: 'pushed'; readonly digest: string }
  | { readonly name: string; readonly registry: string; readonly is: 'failed'; readonly error: Error };

/** One failure for each registry and reason. */
export function pushFailures(target: string, results: readonly PushResult[]): readonly PushFailed[] {
  const failed = results.filter((one) => one.is === 'failed');
  const groups = Map.groupBy(failed, ({ registry, error }) => JSON.stringify([registry, error.message]));
  return [...groups.values()].flatMap((some) =>
    some.slice(0, 1).map(({ registry, error }) => ({
      reason: 'push-failed',
      target,
      registry,
      names: some.map(({ name }) => name),
      error,
    })),
  );
}

/**
 * Keeps what a builder has just made for {@link pushSeparately}; to be called before the build ends. Undefined where the builder
 * will not, for whatever reason.
 */
export async function holdForPush(
  result: FrontendResult,
  { client, services, onStatus, signal }: Pick<PushOptions, 'client' | 'services' | 'onStatus' | 'signal'>,
): Promise<HeldResult | undefined> {
  return holdResult(client, { result, session: registrySession(services, onStatus) }, { signal }).catch(() => {
    signal.throwIfAborted();
    return undefined;
  });
}

/** What a push is given. */
export interface PushOptions {
  readonly client: BuildkitClient;
  /** Of the image that was built. */
  readonly digest: string;
  /** What the frontend made of the target. */
  readonly result: FrontendResult;
  /** What keeps it; without, a builder could run its steps again, and is not asked to push. */
  readonly held: HeldResult | undefined;
  /** SOURCE_DATE_EPOCH of the build. */
  readonly epoch: string | undefined;
  readonly services: RegistryServices;
  readonly onStatus: (update: StatusUpdate) => void;
  readonly signal: AbortSignal;
}

/**
 * Pushes an image that a builder made and kept to several registries, all at once; the failure of one neither stops nor hides
 * the others. To each repository the builder sends the layers, by digest; what of the image is missing there then (its attestations and
 * its index) is put from here, and the tags last, so that a tag is all there or as it was. Where the builder's part fails, all
 * of it is sent from here.
 *
 * Rejects only with the reason of the signal, or where the builder does not give the manifest of what it has built.
 */
export async function pushSeparately(
  { names, attrs }: SeparatePush,
  options: PushOptions,
): Promise<readonly PushResult[]> {
  const { client, services, signal } = options;
  const digest = parseDigest(options.digest);
  if (digest === undefined) throw new Error('the builder named no digest');
  const root = await readManifest(builtBlobs(client, options), digest, { signal });
  await using registries = new Registries({
    credentials: services.credentials,
    env: services.env,
    isInsecure: goBool(attrs['registry.insecure'] ?? '') === true,
  });
  const byRegistry = [...Map.groupBy(names, ({ reference }) => reference.registry)];
  const results = await Promise.all(
    byRegistry.map(([registry, some]) =>
      pushToRegistry({ registry, names: some }, { ...options, attrs, root, registries }),
    ),
  );
  signal.throwIfAborted();
  const all = results.flat();
  return names.flatMap(({ name }) => all.find((one) => one.name === name) ?? []);
}

interface RegistryPush extends PushOptions {
  readonly attrs: SeparatePush['attrs'];
  readonly root: Manifest;
  readonly registries: Registries;
}

/** One registry is a step of the build. Its repositories go one after the other, since the later take layers over from the earlier. */
async function pushToRegistry(
  { registry, names }: { readonly registry: string; readonly names: readonly PushName[] },
  push: RegistryPush,
): Promise<readonly PushResult[]> {
  const results: PushResult[] = [];
  const work = async (progress: StepProgress): Promise<void> => {
    const done: string[] = [];
    for (const [repository, some] of Map.groupBy(names, ({ reference }) => repositoryText(reference))) {
      results.push(
        ...(await pushToRepository({ registry, repository, names: some, mountFrom: done }, { ...push, progress })),
      );
      push.signal.throwIfAborted();
      done.push(repository.slice(registry.length + 1));
    }
    const failure = results.find((one) => one.is === 'failed');
    if (failure !== undefined) throw failure.error;
  };
  await ownStep(`pushing to ${registry}`, push.onStatus, work).catch(isTold);
  return results;
}

/** The step has shown it, and it is among the results. */
function isTold(): void {}

async function pushToRepository(
  to: {
    readonly registry: string;
    readonly repository: string;
    readonly names: readonly PushName[];
    readonly mountFrom: readonly string[];
  },
  push: RegistryPush & { readonly progress: StepProgress },
): Promise<readonly PushResult[]> {
  const { registries, root, client: builder, progress, signal } = push;
  const client = registries.client(to.registry);
  const repository = to.repository.slice(to.registry.length + 1);
  const failed = (name: string, error: unknown): PushResult => ({
    name,
    registry: to.registry,
    is: 'failed',
    error: error instanceof Error ? error : new Error(String(error)),
  });
  try {
    if (push.held !== undefined) await pushLayers(to.repository, push);
    const source = builtBlobs(builder, push);
    await putBuilt(root, { client, repository, mountFrom: to.mountFrom, source, progress, signal });
  } catch (error) {
    return to.names.map(({ name }) => failed(name, error));
  }
  return Promise.all(
    to.names.map(async ({ name, reference }): Promise<PushResult> => {
      try {
        await client.putManifest(repository, reference.tag ?? 'latest', root, { signal });
        return { name, is: 'pushed', digest: root.digest };
      } catch (error) {
        return failed(name, error);
      }
    }),
  );
}

/** A builder tries for seven seconds by itself, and what it gives up is tried from here. */
const BUILDER_PATIENCE: Patience = { attempts: 3, firstPauseMs: 1_000 };

/** Has the builder push the images without naming them; where that fails in the end, it is said, and the rest is done from here. */
async function pushLayers(
  repository: string,
  {
    client,
    attrs,
    result,
    epoch,
    services,
    onStatus,
    progress,
    signal,
  }: RegistryPush & { readonly progress: StepProgress },
): Promise<void> {
  const exporter = {
    type: 'image',
    attrs: { ...attrs, name: repository, push: 'true', 'push-by-digest': 'true', store: 'false' },
  };
  const onNews = pushProgress(progress);
  try {
    await patiently(
      async () => {
        const session = registrySession(services, onStatus);
        await exportAgain(client, { result, exporter, epoch, session }, { onStatus: onNews, signal }).catch(
          (error: unknown) => {
            const cause = wireError(error)?.message ?? String(error);
            throw new RegistryError(cause, { registry: repository, isTemporary: isPassing(cause), cause: error });
          },
        );
      },
      { signal, patience: BUILDER_PATIENCE },
    );
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    await skippedStep(`pushing ${repository} from here instead of from the builder`, why, onStatus);
  }
}

/** Of a build that only pushes, what concerns the push; its steps are those of the build before. */
function pushProgress(progress: StepProgress): (update: StatusUpdate) => void {
  return ({ statuses }) => {
    for (const { name, id, current, total } of statuses) {
      if ((name === '' ? id : name).startsWith('pushing ')) progress(name === '' ? id : name, current, total);
    }
  };
}
