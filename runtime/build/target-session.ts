import { createHash } from 'node:crypto';
import path from 'node:path';
import type { ExportSink } from '../buildkit/exporters.ts';
import type { FrontendRequest } from '../buildkit/frontend.ts';
import { FailureError } from '../failure.ts';
import { fileSink, streamSink } from '../load/archive-sinks.ts';
import { ContentStore } from '../oci/store.ts';
import { contentService } from '../session/content.ts';
import type { ArchiveSink, FolderSink } from '../session/file-send.ts';
import { fileSendService } from '../session/file-send.ts';
import { fileSyncService } from '../session/file-sync.ts';
import { secretsService } from '../session/secrets.ts';
import { Session } from '../session/session.ts';
import { sshService } from '../session/ssh.ts';
import { uploadService } from '../session/upload.ts';
import type { PlannedCaches } from './caches.ts';
import { gitSecrets, isFromSameHost } from './git-secrets.ts';
import { LOAD_STEP } from './loading.ts';
import { noticeOnce, ownStep } from './own-step.ts';
import type { PreparedTarget } from './prepare.ts';
import { registryAuth } from './registry-session.ts';
import type { RunningTarget, TargetContext } from './target-context.ts';
import type { WrittenLayout } from './written-layouts.ts';

/** The store that an image goes to which is exported as a layout (moby/buildkit `exporter/oci`). */
const EXPORT_STORE = 'export';

/** What one target offers to the daemon that builds it. */
export function targetSession(
  prepared: PreparedTarget,
  { localDirs }: Pick<FrontendRequest, 'localDirs'>,
  context: RunningTarget & { readonly caches: PlannedCaches },
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
  const notice = noticeOnce(context.onStatus);
  return new Session({
    sharedKey: sharedKey(context.services.nodeId, path.resolve(context.cwd, target.context)),
    services: [
      fileSyncService(localDirs, { notice }),
      registryAuth(context.services, notice),
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
  context: RunningTarget,
): ArchiveSink | FolderSink {
  switch (sink.kind) {
    case 'folder':
      return { folder: path.resolve(context.cwd, sink.path), deletes: sink.deletes };
    case 'file':
      return fileSink(path.resolve(context.cwd, sink.path));
    case 'stdout':
      return streamSink(context.services.stdout);
    case 'load': {
      const { loadArchive, noDocker } = context.services;
      if (!loadArchive) {
        const cause = `there is no Docker Engine to load into${noDocker === undefined ? '' : `: ${noDocker}`}`;
        throw new FailureError({ reason: 'load-failed', target, cause });
      }
      return (chunks, options) => ownStep(LOAD_STEP, context.onStatus, () => loadArchive(chunks, options));
    }
  }
}

/** The name by which a daemon keeps the last upload of a folder; other machines have others for theirs. */
export function sharedKey(nodeId: string, dir: string): string {
  return createHash('sha256').update(`${nodeId}\0${dir}`).digest('hex').slice(0, 32);
}
