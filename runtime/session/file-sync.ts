import { realpath } from 'node:fs/promises';
import { GrpcError, status as code } from '../rpc/status.ts';
import { BadPattern } from '../files/patterns.ts';
import { sendTree } from '../files/send.ts';
import type { ServerCall, SessionService } from './server.ts';

const METHOD = '/moby.filesync.v1.FileSync/DiffCopy';

/**
 * Offers folders by name (`context`, `dockerfile`, named contexts) to the daemon. It says which part it wants; what the
 * ignore file leaves out comes as exclude patterns, since the frontend reads that file (moby/buildkit
 * `session/filesync/filesync.go`). `notice` is told of files that changed while they were sent.
 */
export function fileSyncService(
  folders: ReadonlyMap<string, string>,
  { notice }: { readonly notice?: (words: string) => void } = {},
): SessionService {
  return {
    [METHOD]: async (call) => {
      const name = call.metadata('dir-name')[0] ?? '';
      const folder = folders.get(name);
      if (folder === undefined) throw new GrpcError(code.NOT_FOUND, `no access allowed to dir "${name}"`);
      try {
        await sendTree(
          {
            root: await realpath(folder),
            include: values(call, 'include-patterns'),
            exclude: values(call, 'exclude-patterns'),
            follow: values(call, 'followpaths'),
            ...(notice === undefined ? {} : { notice }),
          },
          call,
        );
      } catch (error) {
        if (error instanceof BadPattern) throw new GrpcError(code.INVALID_ARGUMENT, error.message);
        throw error;
      }
    },
  };
}

/** A list in the request's headers; query-escaped as a whole when one of its values is not ASCII. */
function values(call: ServerCall, key: string): readonly string[] {
  const sent = call.metadata(key);
  if (call.metadata(`${key}-encoded`)[0] !== '1') return sent;
  return sent.map((value) => decodeURIComponent(value.replaceAll('+', ' ')));
}
