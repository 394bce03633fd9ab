import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { TestEngine } from './engine.ts';
import type { TempFolder } from './folder.ts';
import { tempFolder } from './folder.ts';

const SCRIPT = resolve(import.meta.dirname, '../../cli/relay.ts');

/** The image of the helper, built by this repository's own definition, as `npm run relay` does. */
export async function relayFolder({ dockerHost }: Pick<TestEngine, 'dockerHost'>): Promise<TempFolder> {
  const folder = await tempFolder('relay');
  const path = join(folder.path, 'image');
  await promisify(execFile)(process.execPath, [SCRIPT, '--out', path], {
    env: { ...process.env, DOCKER_HOST: dockerHost },
  });
  return { ...folder, path };
}
