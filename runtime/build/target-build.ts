import { createHash } from 'node:crypto';
import path from 'node:path';
import { calledMethod } from '../../planner/options/call.ts';
import type { Target } from '../../planner/target.ts';
import type { Result as FrontendResult } from '../../proto/gen/moby/buildkit/v1/frontend/gateway_pb.ts';
import type { Builder, BuiltTarget } from './build.ts';
import type { BuildkitClient } from '../buildkit/client.ts';
import type { DaemonFacts } from '../buildkit/daemon.ts';
import { wireError } from '../buildkit/error.ts';
import type { ExportSink, PlannedExport } from '../buildkit/exporters.ts';
import { pulledExports } from '../buildkit/exporters.ts';
import { frontendRequest } from '../buildkit/frontend.ts';
import { runJob } from '../buildkit/job.ts';
import { linkedInputs } from '../buildkit/linked-inputs.ts';
import type { FrontendRequest } from '../buildkit/frontend.ts';
import type { LinkedInputs } from '../buildkit/linked-inputs.ts';
import { StepLog } from '../buildkit/step-log.ts';
import type { EventSink, StatusUpdate } from '../event.ts';
import type { RuntimeFailure } from '../failure.ts';
import { FailureError } from '../failure.ts';
import { fileSink, streamSink } from '../load/archive-sinks.ts';
import { ContentStore } from '../oci/store.ts';
import { contentService } from '../session/content.ts';
import type { ArchiveSink, FolderSink } from '../session/file-send.ts';
import { fileSendService } from '../session/file-send.ts';
import { fileSyncService } from '../session/file-sync.ts';
import { secretsService } from '../session/secrets.ts';
import { randomId, Session } from '../session/session.ts';
import { uploadService, uploadUrl } from '../session/upload.ts';
import type { GitInfo } from './git-info.ts';
import { gitAttrs, gitSettings } from './git-info.ts';
import { gitSecrets, isFromSameHost } from './git-secrets.ts';
import { sshService } from '../session/ssh.ts';
import type { PlannedCaches } from './caches.ts';
import { plannedCaches } from './caches.ts';
import { buildFailure } from './failures.ts';
import { ignoreFileTooLarge } from './ignore-file.ts';
import type { Links } from './links.ts';
import { LinkBroken } from './links.ts';
import type { ImageLoaders } from './loading.ts';
import { LOAD_STEP, loadImage, pullableNames } from './loading.ts';
import { ownStep, skippedStep } from './own-step.ts';
import type { PreparedTarget } from './prepare.ts';
import type { RegistryServices } from './registry-session.ts';
import { registryAuth } from './registry-session.ts';
import type { WrittenLayout } from './written-layouts.ts';
import { finishLayouts } from './written-layouts.ts';

/** The store that an image goes to which is exported as a layout (moby/buildkit `exporter/oci`). */
const EXPORT_STORE = 'export';

/** What a build may use of the machine it is started on. */
export interface BuildServices extends RegistryServices {
  /** Tells this machine from others, so that their uploads do not mix on a shared daemon. */
  readonly nodeId: string;
  /** Whether targets that say nothing of provenance get it. */
  readonly defaultProvenance: boolean;
  readonly stdout: NodeJS.WritableStream;
  /** What a context of `-` is: an archive, which can be read once. */
  readonly contextArchive?: AsyncIterable<Uint8Array>;
  /** Puts an image archive into the local Docker Engine; undefined when there is none to load into. */
  readonly loadArchive?: ArchiveSink;
  /** For images of a builder that is not the local Docker Engine; undefined where that could not reach us, or there is none. */
  readonly loaders?: ImageLoaders;
}

/** How one target ended. */
export type TargetResult =
  | { readonly is: 'built'; readonly built: BuiltTarget }
  | { readonly is: 'failed'; readonly failure: RuntimeFailure }
  | { readonly is: 'skipped'; readonly because: string };

interface TargetContext {
  readonly client: BuildkitClient;
  readonly builder: Builder;
  readonly facts: DaemonFacts;
  readonly links: Links;
  readonly exports: readonly PlannedExport[];
  readonly cwd: string;
  /** Where the definition came from, when its folders may be contexts. */
  readonly remote: string | undefined;
  /** The repository that the context lies in. */
  readonly repository: GitInfo | undefined;
  readonly services: BuildServices;
  readonly emit: EventSink;
  readonly signal: AbortSignal;
}

/**
 * Builds one target in its place among the linked ones. Never rejects for a foreseen failure; whatever happens, those
 * who wait for this target are told.
 */
export async function buildTarget(prepared: PreparedTarget, context: TargetContext): Promise<TargetResult> {
  const { name } = prepared.target;
  const log = new StepLog();
  const onStatus = (update: StatusUpdate): void => {
    log.record(update);
    context.emit({ type: 'status', target: name, update });
  };
  const uploads = uploadsOf(prepared.target, context.services);
  const [upload] = uploads.keys();
  const request = frontendRequest(prepared.target, {
    cwd: context.cwd,
    remote: context.remote,
    facts: context.facts,
    defaultProvenance: context.services.defaultProvenance,
    dockerfile: prepared.dockerfile,
    layouts: new Map([...prepared.layouts].map(([as, { reference }]) => [as, reference])),
    sharedKey: (dir) => sharedKey(context.services.nodeId, dir),
    upload: upload === undefined ? undefined : uploadUrl(upload),
  });
  try {
    const built = await run(prepared, request, { ...context, onStatus, uploads });
    return { is: 'built', built };
  } catch (error) {
    const result = resultOf(error, { ...context, prepared, request, log });
    context.links.broken(name, result.is === 'skipped' ? result.because : name);
    return result;
  }
}

/** Streams that the daemon fetches from the session, by their ids there. */
type Uploads = ReadonlyMap<string, AsyncIterable<Uint8Array>>;

function uploadsOf({ context }: Target, { contextArchive }: BuildServices): Uploads {
  return context === '-' && contextArchive !== undefined ? new Map([[randomId(), contextArchive]]) : new Map();
}

async function run(
  prepared: PreparedTarget,
  request: FrontendRequest,
  context: TargetContext & { readonly onStatus: (update: StatusUpdate) => void; readonly uploads: Uploads },
): Promise<BuiltTarget> {
  const { target } = prepared;
  const linked = await Promise.all(
    [...request.links].map(async ([as, link]) => linkedInputs(as, link, await context.links.result(link))),
  );
  const ref = randomId();
  const isAsked = calledMethod(target.call) !== undefined;
  let answer: Readonly<Record<string, string>> = {};
  const caches = await plannedCaches(target, { cwd: context.cwd, env: context.services.env });
  for (const { name, why } of caches.skipped) await skippedStep(name, why, context.onStatus);
  const attrs = { ...merged(request.attrs, linked), ...(await sourceAttrs(prepared, request, context)) };
  const { loaders } = context.services;
  const names = loaders === undefined || isAsked ? undefined : pullableNames(target, context.exports);
  const exporters = names === undefined ? context.exports : pulledExports(context.exports);
  let made: FrontendResult | undefined;
  const response = await runJob(
    context.client,
    {
      frontend: request.frontend,
      attrs,
      inputs: Object.assign({ ...request.inputs }, ...linked.map(({ inputs }) => inputs)) as LinkedInputs['inputs'],
      cacheImports: caches.imports,
      cacheExports: isAsked ? [] : caches.exports,
      entitlements: request.entitlements,
      internal: isAsked,
      ref,
      exporters,
      session: session(prepared, request, { ...context, exports: exporters, caches }),
      onResult: (result, evaluate) => {
        answer = texts(result.metadata);
        made = result;
        return context.links.run(target.name, result, evaluate);
      },
    },
    context,
  );
  if (loaders !== undefined && names !== undefined) {
    const image = { digest: response['containerimage.digest'] ?? '', tags: names };
    await loadImage(image, { ...context, target: target.name, loaders, result: made });
  }
  await finishLayouts(response, {
    target: target.name,
    caches: isAsked ? [] : caches.kept,
    layouts: context.exports.flatMap(({ sink }) => (sink?.kind === 'layout' ? [sink] : [])),
    resolve: (file) => path.resolve(context.cwd, file),
  });
  return { name: target.name, ref, response, ...(isAsked ? { answer } : {}) };
}

/** Which revision of which repository the target is built from. */
async function sourceAttrs(
  { dockerfile, dockerfileShown }: PreparedTarget,
  { localDirs }: FrontendRequest,
  { repository, services, cwd }: TargetContext,
): Promise<Readonly<Record<string, string>>> {
  if (repository === undefined) return {};
  return gitAttrs(repository, {
    settings: gitSettings(services.env),
    dockerfile:
      dockerfile === undefined ? path.resolve(cwd, dockerfileShown) : path.join(dockerfile.dir, dockerfile.name),
    dirs: localDirs,
  });
}

function texts(metadata: Readonly<Record<string, Uint8Array>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metadata).map(([key, bytes]) => [key, Buffer.from(bytes).toString('utf8')]));
}

function merged(attrs: Readonly<Record<string, string>>, linked: readonly LinkedInputs[]): Record<string, string> {
  return Object.assign({ ...attrs }, ...linked.map((one) => one.attrs)) as Record<string, string>;
}

function session(
  prepared: PreparedTarget,
  request: FrontendRequest,
  context: TargetContext & {
    readonly onStatus: (update: StatusUpdate) => void;
    readonly caches: PlannedCaches;
    readonly uploads: Uploads;
  },
): Session {
  const { target } = prepared;
  const ofRemote =
    context.remote !== undefined && isFromSameHost(target, context.remote)
      ? gitSecrets(context.remote, context.services.env)
      : [];
  const sinks = new Map(
    context.exports.flatMap(({ sink }, index) =>
      sink && sink.kind !== 'layout' ? [[index, exportSink(sink, target.name, context)] as const] : [],
    ),
  );
  const stores = contentStores(prepared, context);
  return new Session({
    sharedKey: sharedKey(context.services.nodeId, path.resolve(context.cwd, target.context)),
    services: [
      fileSyncService(request.localDirs),
      registryAuth(context.services, context.onStatus),
      secretsService([...ofRemote, ...target.secrets], {
        env: context.services.env,
        resolve: (file) => path.resolve(context.cwd, file),
      }),
      ...(prepared.agents.size > 0 ? [sshService(prepared.agents)] : []),
      ...(sinks.size > 0 ? [fileSendService(sinks)] : []),
      ...(stores.size > 0 ? [contentService(stores)] : []),
      ...(context.uploads.size > 0 ? [uploadService(context.uploads)] : []),
    ],
  });
}

/** Every folder of blobs that the daemon may ask for, by the name it has for it. */
function contentStores(
  { layouts }: PreparedTarget,
  { exports, caches, cwd }: TargetContext & { readonly caches: PlannedCaches },
): ReadonlyMap<string, ContentStore> {
  const stores = new Map(caches.stores);
  for (const { storeId, store } of layouts.values()) stores.set(storeId, store);
  for (const { sink } of exports) {
    if (sink?.kind === 'layout') stores.set(EXPORT_STORE, new ContentStore(path.resolve(cwd, sink.path)));
  }
  return stores;
}

function exportSink(
  sink: Exclude<ExportSink, WrittenLayout>,
  target: string,
  context: TargetContext & { readonly onStatus: (update: StatusUpdate) => void },
): ArchiveSink | FolderSink {
  switch (sink.kind) {
    case 'folder':
      return { folder: path.resolve(context.cwd, sink.path), deletes: sink.deletes };
    case 'file':
      return fileSink(path.resolve(context.cwd, sink.path));
    case 'stdout':
      return streamSink(context.services.stdout);
    case 'load': {
      const { loadArchive } = context.services;
      if (!loadArchive)
        throw new FailureError({ reason: 'load-failed', target, cause: 'there is no Docker Engine to load into' });
      return (chunks, options) => ownStep(LOAD_STEP, context.onStatus, () => loadArchive(chunks, options));
    }
  }
}

function sharedKey(nodeId: string, dir: string): string {
  return createHash('sha256').update(`${nodeId}\0${dir}`).digest('hex').slice(0, 32);
}

function resultOf(
  error: unknown,
  about: TargetContext & {
    readonly prepared: PreparedTarget;
    readonly request: FrontendRequest;
    readonly log: StepLog;
  },
): TargetResult {
  if (about.signal.aborted) return { is: 'failed', failure: { reason: 'canceled' } };
  if (error instanceof LinkBroken) return { is: 'skipped', because: error.because };
  if (error instanceof FailureError) return { is: 'failed', failure: error.failure };
  const wire = wireError(error);
  if (wire === undefined) throw error;
  const tooLarge = ignoreFileTooLarge(wire, {
    target: about.prepared.target.name,
    context: about.request.localDirs.get('context'),
    dockerfile: about.prepared.dockerfile,
  });
  if (tooLarge !== undefined) return { is: 'failed', failure: tooLarge };
  return {
    is: 'failed',
    failure: buildFailure(wire, {
      target: about.prepared.target.name,
      endpoint: about.client.endpoint,
      log: about.log,
      dockerfile: { asked: about.request.attrs.filename ?? '', shown: about.prepared.dockerfileShown },
    }),
  };
}
