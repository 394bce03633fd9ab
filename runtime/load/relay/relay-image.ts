import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { DockerEngine } from '../../docker/engine.ts';

/** What the target `relay` of this repository's docker-bake.hcl made: `image.json`, and an archive for each architecture. */
export interface RelayFiles {
  /** The folder they are in; there may be none in a checkout. */
  readonly folder: string;
}

/** There is no helper image for an engine; `message` says what would make it. */
export class NoRelayImage extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'NoRelayImage';
  }
}

/**
 * The name of the helper's image in an engine, which is sent there when it is missing: some 2 MB, once.
 *
 * @throws NoRelayImage when there is none for its architecture
 */
export async function relayImage(
  docker: DockerEngine,
  { folder }: RelayFiles,
  { signal }: { readonly signal: AbortSignal },
): Promise<string> {
  const name = await imageName(folder);
  const { architecture, os } = await docker.version({ signal });
  if ((await docker.inspectImage(name, { signal })) !== undefined) return name;
  if (os !== 'linux' || !/^(?:amd64|arm64)$/.test(architecture)) {
    throw new NoRelayImage(`there is no helper image for ${os}/${architecture}`);
  }
  const archive = createReadStream(path.join(folder, `${architecture}.tar`), { signal });
  for await (const _line of docker.loadImages(archive, { signal })) continue;
  if ((await docker.inspectImage(name, { signal })) === undefined) {
    throw new NoRelayImage(`${name} is not what ${folder} holds; \`npm run relay\` makes both anew`);
  }
  return name;
}

async function imageName(folder: string): Promise<string> {
  const text = await readFile(path.join(folder, 'image.json'), 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new NoRelayImage('the image of the helper is not built; in a checkout, `npm run relay` builds it');
  }
  const { name } = JSON.parse(text) as { readonly name?: unknown };
  if (typeof name !== 'string') throw new NoRelayImage(`${folder}/image.json names no image`);
  return name;
}
