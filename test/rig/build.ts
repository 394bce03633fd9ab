import type { Build } from '../../runtime/buildkit/solve.ts';
import type { SessionService } from '../../runtime/session/server.ts';
import { fileSyncService } from '../../runtime/session/file-sync.ts';
import { busybox, shellContext } from './image.ts';

/** A build for the client, and the folder it is made from, which goes away with its scope. */
export interface TestBuild extends AsyncDisposable {
  readonly path: string;
  readonly build: Build & { readonly attrs: Readonly<Record<string, string>> };
}

/** A build of an image with a shell, in which `lines` go on; `more` services beside the folders. */
export async function shellBuild(lines: readonly string[], more: readonly SessionService[] = []): Promise<TestBuild> {
  const folder = await shellContext(...lines);
  const folders = new Map([['context', folder.path]]).set('dockerfile', folder.path).set('busybox', await busybox());
  return {
    path: folder.path,
    build: {
      attrs: { 'context:busybox': 'local:busybox', 'frontend.caps': 'moby.buildkit.frontend.contexts+forward' },
      services: [fileSyncService(folders), ...more],
      // Every folder is new, so that no upload is of use to another.
      sharedKey: folder.path.replaceAll(/[^\w]/g, '-'),
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
