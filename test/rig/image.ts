import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { busyboxFolder } from '../../runtime/hosts/engine/root.ts';
import { sharedRoot } from './engine.ts';
import type { TempFolder } from './folder.ts';
import { tempFolder } from './folder.ts';

/** `--build-context busybox=…`: static busybox of both architectures, the start of every image in tests. */
export async function busybox(): Promise<string> {
  return busyboxFolder(await sharedRoot());
}

/** A build context whose image has a shell; `lines` go on in its Dockerfile. Needs the `busybox` context. */
export async function shellContext(...lines: readonly string[]): Promise<TempFolder> {
  const folder = await tempFolder('context');
  const start = [
    'FROM scratch',
    'ARG TARGETARCH',
    'COPY --from=busybox ${TARGETARCH}/busybox /bin/busybox',
    'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
  ];
  await writeFile(join(folder.path, 'Dockerfile'), `${[...start, ...lines].join('\n')}\n`);
  return folder;
}
